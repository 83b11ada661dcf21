"""The estimators by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from physlib.core.errors import unknown
from physlib.tasks.arm import ArmPositions
from physlib.tasks.base import Task
from physlib.tasks.estimators.maps import best_orbit, errors_in_variables
from physlib.tasks.estimators.paths import smoothed_length, smoothed_peak
from physlib.tasks.estimators.pendulum import best_trajectory
from physlib.tasks.estimators.sinusoid import best_sinusoid
from physlib.tasks.estimators.systems import best_henon_orbit, best_motion
from physlib.tasks.henon import Henon
from physlib.tasks.maps import IntervalMap
from physlib.tasks.maze import Maze
from physlib.tasks.pendulum import Pendulum
from physlib.tasks.ring import Ring
from physlib.tasks.sinusoid import Sinusoid
from physlib.tasks.speech import Speech, vowel_rate
from physlib.tasks.van_der_pol import VanDerPol
from physlib.tasks.video import Video, median_speed

DEFAULT = "default"
"""Name of `task.measure`."""


ALL = 10**9
"""More trajectories than there ever are."""


class Estimator(NamedTuple):
    """A way to read the balanced quantity of some tasks."""

    read: Callable[[Any, Any], Any]  # task and trajectories (N, T, D) to quantities (N,), NaN where there is none
    tasks: type[Task]  # the class of tasks that it reads
    most: int = ALL  # trajectories that it is ever computed of, where it is slow


ESTIMATORS: dict[str, Estimator] = {
    "nonlinear-least-squares": Estimator(best_sinusoid, Sinusoid),
    "best-orbit": Estimator(best_orbit, IntervalMap),
    "errors-in-variables": Estimator(errors_in_variables, IntervalMap),
    "best-henon-orbit": Estimator(best_henon_orbit, Henon),
    "best-motion": Estimator(best_motion, VanDerPol, 4_000),
    "median-speed": Estimator(median_speed, Video),
    "vowel-onsets": Estimator(vowel_rate, Speech),
    "norm": Estimator(lambda task, x: task.measure(x), Ring),
    "best-trajectory": Estimator(best_trajectory, Pendulum, 4_000),
    "smoothed-length": Estimator(smoothed_length, Maze),
    "smoothed-peak": Estimator(smoothed_peak, ArmPositions),
}
"""Estimators by name. The ring's is the default one: with the angle free the norm has the greatest likelihood."""


def estimators_of(task: Task) -> list[str]:
    """Names of the estimators of a task, the default first."""
    return [DEFAULT, *(name for name, estimator in ESTIMATORS.items() if isinstance(task, estimator.tasks))]


def get_estimator(task: Task, name: str = DEFAULT) -> Callable[[Any], Any]:
    """The function of trajectories `(N, T, D)` to quantities `(N,)` of that name; no name means the default one.

    Raises `PhyslibError` for a name that is not one of the task's, with the nearest of them.
    """
    if name in ("", DEFAULT):
        return task.measure
    known = estimators_of(task)
    if name not in known:
        raise unknown(f"estimator for {task.name}", name, known)
    return partial(ESTIMATORS[name].read, task)
