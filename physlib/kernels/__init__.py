"""Data deviation kernels by name, simplest first, and the baselines they must beat."""

from physlib.kernels.base import Kernel, TrajectoryKernel
from physlib.kernels.baselines import Blur, NoShift, ShrinkAndBlur
from physlib.kernels.contract import NoiseContract
from physlib.kernels.covariance import Covariance
from physlib.kernels.expansion import Expansion
from physlib.kernels.isotropic import Isotropic
from physlib.kernels.linear_vae import LinearVAE
from physlib.kernels.rollout import Rollout

FAMILIES: dict[str, type[Kernel]] = {
    cls.name: cls
    for cls in (NoShift, Blur, ShrinkAndBlur, Isotropic, Covariance, NoiseContract, Expansion, Rollout, LinearVAE)
}

__all__ = [
    "FAMILIES",
    "Blur",
    "Covariance",
    "Expansion",
    "Isotropic",
    "Kernel",
    "LinearVAE",
    "NoShift",
    "NoiseContract",
    "Rollout",
    "ShrinkAndBlur",
    "TrajectoryKernel",
]
