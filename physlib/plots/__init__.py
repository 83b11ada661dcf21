"""Figures of the book: arrays in, a figure out, nothing computed that a caption does not state."""

from physlib.plots.confounds import dial, factors, power_laws
from physlib.plots.figure import Figure, Origin
from physlib.plots.interactive import scale_slider
from physlib.plots.ladder import denoising, shrinking
from physlib.plots.maze import lengthening, paths, training_length
from physlib.plots.mechanism import kernel_scale_curve, locality, moments, transition
from physlib.plots.mitigation import answers, chooser, codes, foretold, strategies
from physlib.plots.pendulum import amplification, swing
from physlib.plots.shift import forecast_interval, observed_and_forecast, profiles, trajectories
from physlib.plots.skill import all_bins, skills

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
