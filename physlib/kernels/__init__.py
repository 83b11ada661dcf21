"""Data deviation kernels by name, simplest first, and the baselines they must beat."""

from physlib.kernels.additive import Covariance, Isotropic, Residuals, Smooth, from_spectrum
from physlib.kernels.base import Kernel, QuantityKernel, TrajectoryKernel
from physlib.kernels.baselines import Blur, NoShift, Shrink, ShrinkAndBlur
from physlib.kernels.contraction import Contract, NoiseContract
from physlib.kernels.expansion import Expansion, unit_moments
from physlib.kernels.ideal_denoiser import NoiseContractX, Patch
from physlib.kernels.in_representation import InRepresentation
from physlib.kernels.linear_vae import LinearVAE
from physlib.kernels.manifold import Manifold
from physlib.kernels.pilot import Pilot
from physlib.kernels.rollout import Rollout
from physlib.kernels.scaled import DistanceScale, SpeedScale, StateScale

FAMILIES: dict[str, type[Kernel]] = {
    cls.name: cls
    for cls in (
        *(NoShift, Blur, Shrink, ShrinkAndBlur, Isotropic, Smooth, SpeedScale, DistanceScale, StateScale, Covariance),
        *(Contract, NoiseContract, NoiseContractX, Manifold, Patch, Pilot, Expansion, Rollout, LinearVAE),
    )
}

__all__ = [
    "FAMILIES",
    "Blur",
    "Contract",
    "Covariance",
    "DistanceScale",
    "Expansion",
    "InRepresentation",
    "Isotropic",
    "Kernel",
    "LinearVAE",
    "Manifold",
    "NoShift",
    "NoiseContract",
    "NoiseContractX",
    "Patch",
    "Pilot",
    "QuantityKernel",
    "Residuals",
    "Rollout",
    "Shrink",
    "ShrinkAndBlur",
    "Smooth",
    "SpeedScale",
    "StateScale",
    "TrajectoryKernel",
    "from_spectrum",
    "unit_moments",
]
