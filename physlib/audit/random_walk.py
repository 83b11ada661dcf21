"""Error that adds up from step to step: white in the steps, a random walk in the positions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from physlib.kernels import TrajectoryKernel


@dataclass(frozen=True)
class RandomWalk(TrajectoryKernel):
    """`x~_t = x_t + s (e_1 + ... + e_t) / sqrt((T + 1) / 2)`: what models leave that predict steps one by one."""

    name = "random-walk"
    s: float  # root mean square size over the trajectory, share of each channel's standard deviation

    def deviate(self, task, x, rng):
        walk = np.cumsum(rng.standard_normal(x.shape), axis=1) / np.sqrt((x.shape[1] + 1) / 2)
        return x + self.s * task.scale * walk
