"""White Gaussian deviation: the simplest kernel, one number (kernels layer)."""

from dataclasses import dataclass

from physlib.kernels.base import TrajectoryKernel


@dataclass(frozen=True)
class Isotropic(TrajectoryKernel):
    """`x~ = x + s e`: independent error of the same relative size at every step and channel."""

    name = "isotropic"
    s: float  # share of each channel's standard deviation

    def deviate(self, task, x, rng):
        return x + self.s * task.scale * rng.standard_normal(x.shape)
