"""The kernels that an audit tries, by name, and the one that residuals of a model give."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.fft import dct

from physlib.audit.demonstrations import Demonstrations
from physlib.audit.io.episodes import Reading
from physlib.audit.io.open import chosen
from physlib.audit.io.source import Source
from physlib.audit.random_walk import RandomWalk
from physlib.core.errors import PhyslibError, unknown
from physlib.kernels import Blur, Contract, DistanceScale, Isotropic, Kernel, Residuals, Smooth, SpeedScale, StateScale

WHITE = Isotropic.name
BASELINE = Blur.name
"""The kernel that knows nothing of trajectories; others must beat it to say anything about the cause."""
NAMES = (WHITE, Smooth.name, RandomWalk.name, SpeedScale.name, DistanceScale.name, StateScale.name, Contract.name)
"""Kernels that can be named."""
RESAMPLED = 39  # of so many equal draws, the least and the largest hold one more with 95 %


def check_kernel(name: str | None, calibrated: bool) -> None:
    """Raise for a name that no kernel has, or for one that residuals would make idle."""
    if name is not None and name not in NAMES:
        raise unknown("kernel", name, NAMES)
    if name is not None and calibrated:
        raise PhyslibError("--residuals already say what the error is like: leave out --kernel, or the residuals.")


def candidates(demos: Demonstrations, length: float | None, only: str | None) -> dict[str, Callable[[float], Kernel]]:
    """Kernels by name, each built from its size; `only` one of them where it is named.

    `length` is the correlation length of `smooth` in steps, where one was read. Two kernels measure trajectories of
    their own and are left out, or refused, where episodes differ in length.
    """
    usual = length if length is not None and length >= 0.5 else demos.shape[0] / 16
    every: dict[str, Callable[[float], Kernel]] = {
        WHITE: Isotropic,
        Smooth.name: lambda s: Smooth(s, usual),
        RandomWalk.name: RandomWalk,
        SpeedScale.name: SpeedScale,
        DistanceScale.name: DistanceScale,
    }
    if demos.uniform:
        every |= {StateScale.name: StateScale, Contract.name: Contract}
    if only is not None and only not in every:
        raise PhyslibError(f"kernel {only} needs episodes of one length: resample them, or choose another kernel.")
    return every if only is None else {only: every[only]}


def from_residuals(
    source: Source, reading: Reading, shape: tuple[int, int], demonstrations: str, rng: np.random.Generator
) -> list[Residuals]:
    """Kernels with the size and spectrum of residuals `(N, T, D)`, reconstructions minus what was reconstructed.

    The first is of the residuals as they are, `RESAMPLED` others of resampled ones: the range of these holds another
    set's with 95 %. Raises `PhyslibError` where residuals do not fit the demonstrations' `(T, D)` or are not finite.
    """
    if source.shape[1:] != shape or source.steps is not None or reading.ragged == "resample":
        raise PhyslibError(
            f"residuals in {source.name} have steps and columns {source.shape[1:]}, {demonstrations} has {shape}: "
            "they must be reconstructions of whole episodes minus these."
        )
    columns, power, count = chosen(source, reading), 0.0, 0.0
    for block in source.rows():
        error = block[:, :, columns].astype(float)
        if not np.isfinite(error).all():
            raise PhyslibError(f"residuals in {source.name} hold NaN or infinity: drop those trajectories.")
        weights = np.vstack([np.ones(len(block)), rng.poisson(1.0, (RESAMPLED, len(block)))])
        power = power + np.tensordot(weights, dct(error, axis=1, norm="ortho") ** 2, 1)
        count = count + weights.sum(axis=1)
    if not np.any(power):
        raise PhyslibError(f"residuals in {source.name} are all zero: give reconstructions minus originals.")
    return [Residuals(one / weight) for one, weight in zip(power, count, strict=True)]
