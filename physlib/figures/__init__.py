"""Figures of the book: arrays in, a figure out, nothing computed that a caption does not state."""

from physlib.figures.confounds import dial, factors, power_laws
from physlib.figures.denoising import denoising, shrinking
from physlib.figures.interactive import scale_slider
from physlib.figures.maze import lengthening, paths, training_length
from physlib.figures.mechanism import kernel_scale_curve, locality, moments, transition
from physlib.figures.pendulum import amplification, swing
from physlib.figures.remedies import answers, chooser, codes, foretold, strategies
from physlib.figures.shift import forecast_interval, observed_and_forecast, profiles, trajectories
from physlib.figures.skill import all_bins, skills
from physlib.figures.style import Figure, Origin

__all__ = [
    "Figure",
    "Origin",
    "all_bins",
    "amplification",
    "answers",
    "chooser",
    "codes",
    "denoising",
    "dial",
    "factors",
    "forecast_interval",
    "foretold",
    "kernel_scale_curve",
    "lengthening",
    "locality",
    "moments",
    "observed_and_forecast",
    "paths",
    "power_laws",
    "profiles",
    "scale_slider",
    "shrinking",
    "skills",
    "strategies",
    "swing",
    "training_length",
    "trajectories",
    "transition",
]
