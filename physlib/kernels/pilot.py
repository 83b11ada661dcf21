"""The deviations of a network that was trained for a short while, made smaller (kernels layer)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from physlib.kernels.base import TrajectoryKernel

if TYPE_CHECKING:
    from physlib.models.base import TrajectoryModel

CHUNK = 2_500  # trajectories that the network denoises at once


@dataclass(frozen=True)
class Pilot(TrajectoryKernel):
    """`x~ = x + s (G(x) - x)`, with `G` what a pilot's network makes of x noised to a level and denoised again."""

    name = "pilot"
    most_draws = 10_000
    network: TrajectoryModel
    level: float  # noise, as the network's `redraw` takes it
    s: float  # amplitude

    def deviate(self, task, x, rng):
        import torch

        steps = torch.Generator(self.network.device).manual_seed(int(rng.integers(2**62)))
        given = torch.as_tensor(x, dtype=self.network.dtype, device=self.network.device)
        moved = torch.cat([self.network.redraw(part, self.level, steps) for part in given.split(CHUNK)])
        return x + self.s * (moved.cpu().double().numpy() - x)
