"""Data deviation kernels by name, simplest first, and the baselines they must beat."""

from physlib.kernels.additive import Covariance, from_spectrum
from physlib.kernels.base import Kernel, TrajectoryKernel
from physlib.kernels.baselines import Blur, NoShift, Shrink, ShrinkAndBlur, flat_posterior_mean
from physlib.kernels.contraction import Contract, NoiseContract
from physlib.kernels.expansion import Expansion, unit_moments
from physlib.kernels.ideal_denoiser import NoiseContractX, Patch
from physlib.kernels.isotropic import Isotropic
from physlib.kernels.linear_vae import LinearVAE
from physlib.kernels.pilot import Pilot
from physlib.kernels.rollout import Rollout
from physlib.kernels.scaled import StateScale

FAMILIES: dict[str, type[Kernel]] = {
    cls.name: cls
    for cls in (
        *(NoShift, Blur, Shrink, ShrinkAndBlur, Isotropic, StateScale, Covariance, Contract, NoiseContract),
        *(NoiseContractX, Patch, Pilot, Expansion, Rollout, LinearVAE),
    )
}

__all__ = [
    "FAMILIES",
    "Blur",
    "Contract",
    "Covariance",
    "Expansion",
    "Isotropic",
    "Kernel",
    "LinearVAE",
    "NoShift",
    "NoiseContract",
    "NoiseContractX",
    "Patch",
    "Pilot",
    "Rollout",
    "Shrink",
    "ShrinkAndBlur",
    "StateScale",
    "TrajectoryKernel",
    "flat_posterior_mean",
    "from_spectrum",
    "unit_moments",
]
