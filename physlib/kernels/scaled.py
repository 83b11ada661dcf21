"""White deviation whose size follows the measurement's local sensitivity (kernels layer)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float

from physlib.core.rng import numpy_rng
from physlib.kernels.base import TrajectoryKernel
from physlib.kernels.expansion import square_slope
from physlib.tasks.base import Task

DRAWS = 5_000  # trajectories behind the typical sensitivity


def sensitivity(task: Task, x: Float[np.ndarray, "N T D"]) -> Float[np.ndarray, " N"]:
    """Length of the measurement's gradient with each channel in its standard deviations."""
    return np.sqrt(square_slope(task, x, np.diag(np.tile(task.scale, task.shape[0]))))


@lru_cache(maxsize=64)
def typical(task: Task) -> float:
    """Root mean square of `sensitivity` over data."""
    x = task.draw(DRAWS, numpy_rng(0, f"sensitivity {task.name}")).x
    return float(np.sqrt(np.mean(sensitivity(task, x) ** 2)))


@dataclass(frozen=True)
class StateScale(TrajectoryKernel):
    """`x~ = x + s g(x) e`, with `g` the measurement's sensitivity at x over its root mean square: where a small error
    moves the quantity most, the error is largest."""

    name = "state-scale"
    s: float  # root mean square size, share of each channel's standard deviation

    def deviate(self, task, x, rng):
        size = self.s * sensitivity(task, x) / typical(task)
        return x + size[:, None, None] * task.scale * rng.standard_normal(x.shape)
