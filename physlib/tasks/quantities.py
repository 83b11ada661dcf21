"""Scalar quantities of a trajectory, for tasks and for the audit of anyone's own data.

Each reads positions `x` `(..., T, D)`, NumPy arrays or PyTorch tensors, with a time `dt` between steps. Where episodes
differ in length, `steps` `(N,)` says how many steps of each are real, and what lies beyond is never looked at. Speeds,
accelerations and jerks are first, second and third differences.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import array_api_compat
import numpy as np


def squared_differences(x: Any, order: int, steps: Any = None) -> Any:
    """Squared lengths of the differences of an order `(..., T - order)`; 0 where a step behind one is not real."""
    moved = x
    for _ in range(order):
        moved = moved[..., 1:, :] - moved[..., :-1, :]
    square = sum(moved[..., d] ** 2 for d in range(x.shape[-1]))
    return square if steps is None else square * _real(x, order, steps)


def _real(x: Any, order: int, steps: Any) -> Any:
    """Whether all the steps behind each difference of an order are real."""
    return np.arange(order, x.shape[-2]) < steps[:, None]


def mean_squared_difference(x: Any, order: int, steps: Any = None) -> Any:
    """Mean over time of the squared lengths of the differences of an order; 0 where there is none."""
    xp, square = array_api_compat.array_namespace(x), squared_differences(x, order, steps)
    count = square.shape[-1] if steps is None else np.maximum(steps - order, 1)
    return xp.sum(square, axis=-1) / count


def largest_difference(x: Any, order: int, steps: Any = None) -> Any:
    """Length of the longest difference of an order."""
    xp = array_api_compat.array_namespace(x)
    # the root is taken last: it has no slope where the motion rests
    return xp.sqrt(xp.max(squared_differences(x, order, steps), axis=-1))


def path_length(x: Any, steps: Any = None, dt: Any = 1.0) -> Any:
    """Sum of the lengths of all steps."""
    xp = array_api_compat.array_namespace(x)
    return xp.sum(xp.sqrt(squared_differences(x, 1, steps)), axis=-1)


def duration(x: Any, steps: Any = None, dt: Any = 1.0) -> Any:
    """Time from the first real step to the last."""
    return (np.full(x.shape[:-2], x.shape[-2]) if steps is None else steps) * dt - dt


def mean_speed(x: Any, steps: Any = None, dt: Any = 1.0) -> Any:
    """Path length over duration."""
    return path_length(x, steps) / duration(x, steps, dt)


def max_speed(x: Any, steps: Any = None, dt: Any = 1.0) -> Any:
    """Length of the longest step over its time."""
    return largest_difference(x, 1, steps) / dt


def max_acceleration(x: Any, steps: Any = None, dt: Any = 1.0) -> Any:
    """Length of the largest second difference over the squared time step."""
    return largest_difference(x, 2, steps) / dt**2


def max_jerk(x: Any, steps: Any = None, dt: Any = 1.0) -> Any:
    """Length of the largest third difference over the cubed time step."""
    return largest_difference(x, 3, steps) / dt**3


def travel_energy(x: Any, steps: Any = None, dt: Any = 1.0) -> Any:
    """Sum of squared accelerations."""
    xp = array_api_compat.array_namespace(x)
    return xp.sum(squared_differences(x, 2, steps), axis=-1) / dt**4


def kinetic_energy(x: Any, steps: Any = None, dt: Any = 1.0) -> Any:
    """Half the squared speed, averaged over time, for a unit mass."""
    return mean_squared_difference(x, 1, steps) / dt**2 / 2


def smoothness(x: Any, steps: Any = None, dt: Any = 1.0) -> Any:
    """Root mean square jerk; the smoother the motion, the smaller."""
    xp = array_api_compat.array_namespace(x)
    return xp.sqrt(mean_squared_difference(x, 3, steps)) / dt**3


def displacement(x: Any, steps: Any = None, dt: Any = 1.0) -> Any:
    """Distance from the first point to the last real one."""
    last = x[..., -1, :] if steps is None else np.take_along_axis(x, (steps - 1)[:, None, None], axis=1)[:, 0]
    return np.linalg.norm(last - x[..., 0, :], axis=-1)


def turning(x: Any) -> Any:
    """Angle between each step and the next, `(..., T - 2)`, radians; 0 where one has no length.

    W. Kahan's formula, whose rounding error is relative at every angle.
    """
    xp = array_api_compat.array_namespace(x)
    step = x[..., 1:, :] - x[..., :-1, :]
    length = xp.sqrt(squared_differences(x, 1))[..., None]
    before, after = step[..., :-1, :] * length[..., 1:, :], step[..., 1:, :] * length[..., :-1, :]
    apart, along = (xp.sqrt(xp.sum(v**2, axis=-1)) for v in (before - after, before + after))
    return 2 * xp.atan2(apart, along)


def curvature(x: Any, steps: Any = None, dt: Any = 1.0) -> Any:
    """All turning between successive steps, in radians, over the path length: 1/r on a circle of radius r."""
    angle = turning(x)
    return (angle if steps is None else angle * _real(x, 2, steps)).sum(axis=-1) / path_length(x, steps)


def turns(x: Any) -> Any:
    """Total turning in quarter turns; where the motion all but rests no heading is read."""
    xp, angle = array_api_compat.array_namespace(x), turning(x)
    speed = xp.sqrt(squared_differences(x, 1))
    moving = xp.minimum(speed[..., :-1], speed[..., 1:]) > 0.25 * xp.mean(speed, axis=-1)[..., None]
    return xp.sum(xp.where(moving, angle, xp.zeros_like(angle)), axis=-1) / (np.pi / 2)


def dominant_frequency(x: Any, steps: Any = None, dt: Any = 1.0) -> Any:
    """Frequency with the most power, summed over columns, means taken off; NaN where nothing moves.

    A parabola through the peak refines it.
    """
    length = x.shape[1]
    steps = np.full(len(x), length) if steps is None else steps
    real = _real(x, 0, steps)[..., None]
    mean = (x * real).sum(axis=1, keepdims=True) / steps[:, None, None]
    padded = 4 * length  # so that the peak is wide enough for a parabola
    power = (np.abs(np.fft.rfft((x - mean) * real, padded, axis=1)) ** 2).sum(axis=2)
    top = np.clip(power[:, 1:-1].argmax(axis=1) + 1, 1, power.shape[1] - 2)
    left, mid, right = (power[np.arange(len(top)), top + i] for i in (-1, 0, 1))
    bend = left - 2 * mid + right
    offset = np.where(bend < 0, (left - right) / np.where(bend < 0, 2 * bend, 1), 0)
    still = power.max(axis=1) <= 1e-24 * np.abs(x).max(axis=(1, 2)) ** 2 * padded**2
    return np.where(still, np.nan, (top + np.clip(offset, -0.5, 0.5)) / (padded * dt))


def straightness(x: Any, steps: Any = None, dt: Any = 1.0) -> Any:
    """Displacement over path length, 1 on a straight line; NaN where nothing moves."""
    return displacement(x, steps) / path_length(x, steps)


def heading_change(x: Any, steps: Any = None, dt: Any = 1.0) -> Any:
    """Angle between the directions of the first and the last step that moves; NaN where none does."""
    way = x[:, 1:] - x[:, :-1]
    length = np.sqrt(squared_differences(x, 1, steps))
    moves, rows = length > 0, np.arange(len(x))
    ends = moves.argmax(axis=1), moves.shape[1] - 1 - moves[:, ::-1].argmax(axis=1)
    first, last = (way[rows, at] / length[rows, at, None] for at in ends)
    apart, along = (np.linalg.norm(v, axis=1) for v in (first - last, first + last))
    return 2 * np.arctan2(apart, along)


def idle_share(x: Any, steps: Any = None, dt: Any = 1.0) -> Any:
    """Share of the steps that are shorter than a hundredth of the trajectory's longest; 1 where nothing moves."""
    length = np.sqrt(squared_differences(x, 1, steps))
    count = x.shape[1] - 1 if steps is None else steps - 1
    return 1 - (length > IDLE * length.max(axis=1, keepdims=True)).sum(axis=1) / count


def time_to_goal(x: Any, steps: Any = None, dt: Any = 1.0) -> Any:
    """Time until it stays within 5 % of its displacement from its last point."""
    steps = np.full(len(x), x.shape[1]) if steps is None else steps
    last = np.take_along_axis(x, (steps - 1)[:, None, None], axis=1)
    away = np.linalg.norm(x - last, axis=2) > GOAL * np.linalg.norm(x[:, :1] - last, axis=2)
    away &= _real(x, 0, steps)
    return np.where(away.any(axis=1), x.shape[1] - away[:, ::-1].argmax(axis=1), 0) * dt


IDLE, GOAL = 0.01, 0.05
"""Shares of the longest step, and of the displacement, that count as none."""


@dataclass(frozen=True)
class Quantity:
    """A scalar measured on each trajectory."""

    name: str
    unit: str  # with `u` for the unit of the columns and `t` for that of time
    meaning: str
    measure: Callable[..., Any]  # of `(x, steps, dt)`, as the functions of this module
    least: tuple[int, int] = (2, 1)  # steps and columns below which it has no meaning

    def unit_in(self, u: str, t: str) -> str:
        """The unit spelled out."""
        return self.unit.format(u=u, t=t)


_TABLE = (
    (path_length, "{u}"),
    (mean_speed, "{u}/{t}"),
    (max_speed, "{u}/{t}"),
    (max_acceleration, "{u}/{t}^2", (3, 1)),
    (max_jerk, "{u}/{t}^3", (4, 1)),
    (duration, "{t}"),
    (time_to_goal, "{t}"),
    (idle_share, ""),
    (kinetic_energy, "({u}/{t})^2"),
    (displacement, "{u}"),
    (straightness, ""),
    (heading_change, "rad", (3, 2)),
    (curvature, "rad/{u}", (3, 2)),
    (dominant_frequency, "1/{t}", (8, 1)),
    (smoothness, "{u}/{t}^3", (4, 1)),
)
QUANTITIES = {f.__name__: Quantity(f.__name__, unit, f.__doc__.split("\n")[0], f, *least) for f, unit, *least in _TABLE}
"""The quantities that an audit knows, by name."""
