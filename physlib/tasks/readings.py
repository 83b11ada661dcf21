"""Every scalar that the book reads from a task's trajectories: the balanced quantity by each estimator, and others.

The others are those that nobody balanced. Arrays `x` are `(N, T, D)`; sums run over channels in their own units.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from physlib.tasks.arm import ArmPositions
from physlib.tasks.base import Task
from physlib.tasks.estimators import ALL, DEFAULT, ESTIMATORS, estimators_of, get_estimator
from physlib.tasks.maze import Maze
from physlib.tasks.quantities import displacement, kinetic_energy, max_speed, smoothness, travel_energy

Paths = Float[np.ndarray, "N T D"]


def _about_mean(x: Paths) -> Paths:
    return x - x.mean(axis=1, keepdims=True)


def mean(x: Paths) -> Float[np.ndarray, " N"]:
    """Mean over time, summed over channels."""
    return x.mean(axis=1).sum(axis=1)


def variance(x: Paths) -> Float[np.ndarray, " N"]:
    """Variance over time, summed over channels."""
    return x.var(axis=1).sum(axis=1)


def late_variance(x: Paths) -> Float[np.ndarray, " N"]:
    """The same of the second half of the steps."""
    return variance(x[:, x.shape[1] // 2 :])


def maximum(x: Paths) -> Float[np.ndarray, " N"]:
    """Largest value of the first channel."""
    return x[..., 0].max(axis=1)


def minimum(x: Paths) -> Float[np.ndarray, " N"]:
    """Least value of the first channel."""
    return x[..., 0].min(axis=1)


def correlation(x: Paths) -> Float[np.ndarray, " N"]:
    """Correlation between each step and the next, lag one, channels pooled."""
    apart = _about_mean(x)
    return np.sum(apart[:, 1:] * apart[:, :-1], axis=(1, 2)) / np.sum(apart**2, axis=(1, 2))


def step_size(x: Paths) -> Float[np.ndarray, " N"]:
    """Root mean square of the steps."""
    return np.sqrt(np.mean(np.diff(x, axis=1) ** 2, axis=(1, 2)))


SERIES: dict[str, Callable[[Any], Any]] = {
    **{"mean": mean, "variance": variance, "second-half variance": late_variance},
    **{"maximum": maximum, "minimum": minimum, "lag-one correlation": correlation, "step size": step_size},
}
"""Of any series."""
PATHS: dict[str, Callable[[Any], Any]] = {
    **{"travel energy": travel_energy, "kinetic energy": kinetic_energy, "maximum speed": max_speed},
    **{"smoothness": smoothness, "displacement": displacement},
}
"""Of paths in the plane."""


class Reading(NamedTuple):
    """A scalar of a trajectory."""

    name: str
    read: Callable[[Any], Any]  # trajectories (N, T, D) to values (N,)
    balanced: bool = False  # whether it is the balanced quantity, by whatever estimator
    most: int = ALL  # trajectories that it is ever computed of, where it is slow


def readings(task: Task) -> list[Reading]:
    """The balanced quantity, the same by other estimators, named after them, and what nobody balanced."""
    balanced = [
        Reading(task.info.quantity if name == DEFAULT else name, get_estimator(task, name), True, _most(name))
        for name in estimators_of(task)
    ]
    plane = isinstance(task, Maze | ArmPositions) and task.shape[1] == 2
    known = {reading.name for reading in balanced}
    general = PATHS if plane else SERIES if task.shape[0] > 1 else {}
    further = task.others | general
    return balanced + [Reading(name, read) for name, read in further.items() if name not in known]


def _most(name: str) -> int:
    return ALL if name == DEFAULT else ESTIMATORS[name].most
