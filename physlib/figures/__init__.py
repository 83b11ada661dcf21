"""Figures of the book: arrays in, a figure out, nothing computed that a caption does not state."""

from physlib.figures.cartoons import average_at_an_edge, error_through_measurement, parting_orbits
from physlib.figures.confounds import confound_forest, power_laws, shift_by_range
from physlib.figures.decision import advantage_by_locality, decision_curves, estimator_swap, prior_histograms
from physlib.figures.forecasts import forecast_scores, shift_by_bin
from physlib.figures.interactive import size_slider
from physlib.figures.maze import length_change, maze_paths, training_length
from physlib.figures.mechanism import drift_and_spread, drift_by_size, locality, transition
from physlib.figures.overview import plausible_dots, remedy_forest, samples_and_count, sealed_dots
from physlib.figures.pendulum import energy_rise, pendulum_animation
from physlib.figures.remedies import (
    remedy_effects,
    remedy_forecasts,
    remedy_menu,
    requested_and_generated,
    sensitivities,
)
from physlib.figures.shift import forecast_interval, histograms, observed_and_forecast, trajectories
from physlib.figures.sizes import denoising_error, fitted_sizes
from physlib.figures.speech import Utterances, narrowing_by_part, rates_by_model
from physlib.figures.style import CaptionedFigure, Origin
from physlib.figures.trees import audit_tree
from physlib.figures.video import Animation, attributes_kept, space_time, velocity_in_out

__all__ = [
    "Animation",
    "CaptionedFigure",
    "Origin",
    "Utterances",
    "advantage_by_locality",
    "attributes_kept",
    "audit_tree",
    "average_at_an_edge",
    "confound_forest",
    "decision_curves",
    "denoising_error",
    "drift_and_spread",
    "drift_by_size",
    "energy_rise",
    "error_through_measurement",
    "estimator_swap",
    "fitted_sizes",
    "forecast_interval",
    "forecast_scores",
    "histograms",
    "length_change",
    "locality",
    "maze_paths",
    "narrowing_by_part",
    "observed_and_forecast",
    "parting_orbits",
    "pendulum_animation",
    "plausible_dots",
    "power_laws",
    "prior_histograms",
    "rates_by_model",
    "remedy_effects",
    "remedy_forecasts",
    "remedy_forest",
    "remedy_menu",
    "requested_and_generated",
    "samples_and_count",
    "sealed_dots",
    "sensitivities",
    "shift_by_bin",
    "shift_by_range",
    "size_slider",
    "space_time",
    "training_length",
    "trajectories",
    "transition",
    "velocity_in_out",
]
