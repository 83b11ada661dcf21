"""How much the quantity changes when one coordinate is in error."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from physlib.tasks.base import Population, Trajectories


def bounded(task: Population, change: Float[Any, "*N"]) -> Float[np.ndarray, "*N"]:
    """Size of changes of the quantity, at most its range; one that cannot be measured counts as the whole range."""
    return np.fmin(np.abs(change), task.hi - task.lo)


class Sensitivity(NamedTuple):
    """What a small error in one channel and one window of time does to the quantity, in its unit."""

    windows: Int[np.ndarray, " W"]  # first step of each
    change: Float[np.ndarray, "W D"]  # root mean square, by errors of the size that was tried
    drift: Float[np.ndarray, "W D"]  # mean, likewise
    slope: Float[
        np.ndarray, "W D"
    ]  # root mean square of the part that changes sign with the error, per unit of it a step


def coordinate_sensitivity(
    task: Population, data: Trajectories, size: float, rng: np.random.Generator, windows: int | None = None
) -> Sensitivity:
    """Put one channel in one of `windows` windows of time, by default each step, in error and measure again.

    Errors are Gaussian with a standard deviation of `size` times the channel's, and come in pairs of opposite sign. What
    cannot be measured counts as a change by the whole range in either direction alike, which is also the most that any
    other change counts for: it adds to `change` and `slope` and not to `drift`.
    """
    x, width = data.x, task.hi - task.lo
    scale = np.broadcast_to(task.scale, x.shape[1:])
    parts = np.array_split(np.arange(x.shape[1]), min(windows or x.shape[1], x.shape[1]))
    change, drift, slope = np.zeros((3, len(parts), x.shape[2]))
    for w, d in np.ndindex(slope.shape):
        error = np.zeros_like(x)
        error[:, parts[w], d] = size * scale[parts[w], d] * rng.standard_normal((len(x), len(parts[w])))
        with np.errstate(all="ignore"):
            up, down = task.remeasure(x + error, data), task.remeasure(x - error, data)
            moved, odd = bounded(task, np.stack([up, down]) - data.q), bounded(task, (up - down) / 2)
            even = np.clip(np.nan_to_num((up + down) / 2 - data.q), -width, width)
        change[w, d] = np.sqrt(np.mean(moved**2))
        drift[w, d] = np.mean(even)
        slope[w, d] = np.sqrt(np.mean(odd**2) / len(parts[w])) / size
    return Sensitivity(np.array([part[0] for part in parts]), change, drift, slope)
