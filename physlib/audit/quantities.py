"""Quantities of a trajectory that anyone may care about, by name, or the reader's own function (pages layer).

All read positions `x` `(N, T, D)` with `steps` `(N,)` real steps each, `dt` `(N,)` apart; what lies beyond the real
steps is never looked at. Speeds, accelerations and jerks are first, second and third differences.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from physlib.core.errors import PhyslibError, unknown
from physlib.core.imports import find


class Episodes(NamedTuple):
    """Trajectories of up to T steps."""

    x: Float[np.ndarray, "N T D"]  # positions; beyond the real steps the last one is repeated
    steps: Int[np.ndarray, " N"]  # real steps of each
    dt: Float[np.ndarray, " N"]  # time between steps


@dataclass(frozen=True)
class Quantity:
    """A scalar measured on each trajectory."""

    name: str
    unit: str  # with `u` for the unit of the columns and `t` for that of time
    meaning: str
    measure: Callable[[Episodes], Float[np.ndarray, " N"]]

    def unit_in(self, u: str, t: str) -> str:
        """The unit spelled out."""
        return self.unit.format(u=u, t=t)


def _differences(e: Episodes, order: int) -> tuple[Float[np.ndarray, "N S D"], Float[np.ndarray, "N S"]]:
    """Differences of an order over time, and 1 where all the steps behind one are real, else 0."""
    moved = np.diff(e.x, order, axis=1) / (e.dt**order)[:, None, None]
    return moved, (np.arange(order, e.x.shape[1]) < e.steps[:, None]).astype(float)


def _speeds(e: Episodes) -> tuple[Float[np.ndarray, "N S"], Float[np.ndarray, "N S"]]:
    moved, real = _differences(e, 1)
    return np.sqrt(np.einsum("nsd,nsd->ns", moved, moved)), real


def path_length(e: Episodes) -> Float[np.ndarray, " N"]:
    """Sum of the lengths of all steps."""
    speed, real = _speeds(e)
    return (speed * real).sum(axis=1) * e.dt


def duration(e: Episodes) -> Float[np.ndarray, " N"]:
    """Time from the first real step to the last."""
    return (e.steps - 1) * e.dt


def mean_speed(e: Episodes) -> Float[np.ndarray, " N"]:
    """Path length over duration."""
    return path_length(e) / duration(e)


def max_speed(e: Episodes) -> Float[np.ndarray, " N"]:
    """Length of the longest step over its time."""
    speed, real = _speeds(e)
    return (speed * real).max(axis=1)


def kinetic_energy(e: Episodes) -> Float[np.ndarray, " N"]:
    """Half the squared speed, averaged over time, for a unit mass."""
    speed, real = _speeds(e)
    return (speed**2 * real).sum(axis=1) / real.sum(axis=1) / 2


def displacement(e: Episodes) -> Float[np.ndarray, " N"]:
    """Distance from the first point to the last real one."""
    last = np.take_along_axis(e.x, (e.steps - 1)[:, None, None], axis=1)[:, 0]
    return np.linalg.norm(last - e.x[:, 0], axis=1)


def curvature(e: Episodes) -> Float[np.ndarray, " N"]:
    """All turning between successive steps, in radians, over the path length: 1/r on a circle of radius r."""
    step = np.diff(e.x, axis=1)
    before, after = step[:, :-1], step[:, 1:]
    dot = (before * after).sum(axis=2)
    square = (before**2).sum(axis=2) * (after**2).sum(axis=2)
    turn = np.arctan2(np.sqrt(np.clip(square - dot**2, 0, None)), dot)
    real = np.arange(2, e.x.shape[1]) < e.steps[:, None]
    return (turn * real).sum(axis=1) / path_length(e)


def dominant_frequency(e: Episodes) -> Float[np.ndarray, " N"]:
    """Frequency with the most power, summed over columns, means taken off; a parabola through the peak refines it."""
    length = e.x.shape[1]
    real = (np.arange(length) < e.steps[:, None])[..., None]
    mean = (e.x * real).sum(axis=1, keepdims=True) / e.steps[:, None, None]
    padded = 4 * length  # so that the peak is wide enough for a parabola
    power = (np.abs(np.fft.rfft((e.x - mean) * real, padded, axis=1)) ** 2).sum(axis=2)
    top = np.clip(power[:, 1:-1].argmax(axis=1) + 1, 1, power.shape[1] - 2)
    left, mid, right = (power[np.arange(len(top)), top + i] for i in (-1, 0, 1))
    bend = left - 2 * mid + right
    offset = np.where(bend < 0, (left - right) / np.where(bend < 0, 2 * bend, 1), 0)
    return (top + np.clip(offset, -0.5, 0.5)) / (padded * e.dt)


def smoothness(e: Episodes) -> Float[np.ndarray, " N"]:
    """Root mean square jerk; the smoother the motion, the smaller."""
    jerk, real = _differences(e, 3)
    return np.sqrt(((jerk**2).sum(axis=2) * real).sum(axis=1) / np.maximum(real.sum(axis=1), 1))


_TABLE = (
    (path_length, "{u}"),
    (mean_speed, "{u}/{t}"),
    (max_speed, "{u}/{t}"),
    (duration, "{t}"),
    (kinetic_energy, "({u}/{t})^2"),
    (displacement, "{u}"),
    (curvature, "rad/{u}"),
    (dominant_frequency, "1/{t}"),
    (smoothness, "{u}/{t}^3"),
)
QUANTITIES = {f.__name__: Quantity(f.__name__, unit, f.__doc__.split("\n")[0], f) for f, unit in _TABLE}
"""The built-in quantities by name."""
LEAST = {"curvature": (3, 2), "dominant_frequency": (8, 1), "smoothness": (4, 1)}
"""Steps and columns below which a quantity has no meaning; 2 and 1 otherwise."""


def find_quantity(name: str) -> Quantity:
    """A built-in quantity, or `module:function` imported from the working directory first: its code runs.

    The function takes positions `(N, T, D)` of the chosen columns and gives `(N,)` numbers. Raises `PhyslibError` for
    an unknown name (with the nearest), or a module that cannot be imported.
    """
    if ":" not in name:
        if name not in QUANTITIES:
            raise unknown("quantity", name, QUANTITIES)
        return QUANTITIES[name]
    function = find(name)
    if not callable(function):
        raise PhyslibError(f"{name} is not a function: give module:function.")
    return Quantity(name, "", "the reader's own function", _guarded(name, function))


def _guarded(name: str, function: Callable) -> Callable[[Episodes], Float[np.ndarray, " N"]]:
    """The reader's function, its failures told in one sentence."""

    def measure(e: Episodes) -> Float[np.ndarray, " N"]:
        try:
            x = e.x.view()
            x.flags.writeable = False  # what it wrote would be forecast from
            q = np.asarray(function(x))
        except (Exception, SystemExit) as error:  # whatever it raises is its author's to know
            detail = " ".join(str(error).split())[:120]
            raise PhyslibError(f"quantity {name} raised {type(error).__name__}: {detail}.") from error
        if q.shape != e.x.shape[:1]:
            raise PhyslibError(
                f"quantity {name} gave shape {q.shape} for {len(e.x)} trajectories: expected ({len(e.x)},)."
            )
        if q.dtype.kind not in "fiub":
            raise PhyslibError(f"quantity {name} gave {q.dtype} values: expected real numbers.")
        return q.astype(float)

    return measure


def check_enough(quantity: Quantity, steps: int, columns: int) -> None:
    """Raise where trajectories are too short or have too few columns for a quantity to mean anything."""
    least = LEAST.get(quantity.name, (2, 1))
    if steps < least[0] or columns < least[1]:
        raise PhyslibError(
            f"{quantity.name} needs {least[0]} steps and {least[1]} column(s) or more: there are {steps} and {columns}."
        )
