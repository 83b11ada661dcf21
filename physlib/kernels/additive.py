"""Gaussian errors added to a trajectory: white, smooth over time, of a measured spectrum, of any covariance."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float
from scipy.fft import dct, idct

from physlib.core.errors import PhyslibError
from physlib.kernels.base import TrajectoryKernel

STRUCTURES = ("spectral", "per-time", "low-rank")
"""Assumptions that make a covariance smaller."""
RANK = 4  # directions that `low-rank` keeps


@dataclass(frozen=True)
class Isotropic(TrajectoryKernel):
    """`x~ = x + s e`: independent error of the same relative size at every step and channel."""

    name = "isotropic"
    s: float  # share of each channel's standard deviation

    def deviate(self, task, x, rng):
        return x + self.s * task.scale * rng.standard_normal(x.shape)


def coloured(rng: np.random.Generator, shape: tuple[int, ...], power: Float[np.ndarray, "T _"]) -> np.ndarray:
    """Gaussian error `(N, T, D)` whose discrete cosine transforms over time (type II) have mean squares `power`."""
    return idct(np.sqrt(power) * rng.standard_normal(shape), axis=1, norm="ortho", overwrite_x=True)


def smooth_power(steps: int, length: float) -> Float[np.ndarray, " T"]:
    """Mean square of each cosine coefficient of an error with correlation `exp(-lag^2 / (2 length^2))`, on average 1.

    `length` in steps; 0 is white.
    """
    omega = np.pi * np.arange(steps) / steps
    power = np.exp(-((omega * length) ** 2) / 2)
    return power / power.mean()


@dataclass(frozen=True)
class Smooth(TrajectoryKernel):
    """Error correlated over time: the longer its correlation, the less it changes differences between steps."""

    name = "smooth"
    s: float  # root mean square size, share of each channel's standard deviation
    length: float  # correlation length, steps

    def deviate(self, task, x, rng):
        power = smooth_power(x.shape[1], self.length)[:, None]
        return x + self.s * task.scale * coloured(rng, x.shape, power)


@dataclass(frozen=True)
class Residuals(TrajectoryKernel):
    """Error with the size and the spectrum of measured residuals, channel by channel."""

    name = "residuals"
    power: Float[np.ndarray, "T D"]  # mean squares of their cosine transforms, in the channels' own units squared

    @property
    def size(self) -> Float[np.ndarray, " D"]:
        """Root mean square of each channel, in its unit."""
        return np.sqrt(self.power.mean(axis=0))

    def deviate(self, task, x, rng):
        return x + coloured(rng, x.shape, self.power)


@dataclass(frozen=True)
class Covariance(TrajectoryKernel):
    """`x~ = x + L e`, `L L' = s^2 S`. The spectrum of the error decides which quantities feel it.

    Raises `PhyslibError` when `S` is not symmetric and positive, or does not fit the trajectories.
    """

    name = "covariance"
    matrix: Float[np.ndarray, "TD TD"]  # S, in channel standard deviations, steps before channels
    s: float = 1.0  # amplitude

    @cached_property
    def root(self) -> Float[np.ndarray, "TD TD"]:
        """Symmetric square root of S; negative eigenvalues from rounding are dropped."""
        if not np.allclose(self.matrix, self.matrix.T, atol=1e-6 * np.abs(self.matrix).max()):
            raise PhyslibError("a covariance must be symmetric: check how the matrix was estimated.")
        values, vectors = np.linalg.eigh(self.matrix)
        if values.min() < -1e-5 * np.abs(values).max():
            raise PhyslibError("a covariance cannot have negative eigenvalues: check how the matrix was estimated.")
        return (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T

    def deviate(self, task, x, rng):
        steps, dims = x.shape[1:]
        if self.matrix.shape != (steps * dims, steps * dims):
            raise PhyslibError(
                f"the covariance is {self.matrix.shape}, but trajectories have {steps} x {dims} entries."
            )
        error = rng.standard_normal((len(x), steps * dims)) @ self.root
        return x + self.s * task.scale * error.reshape(x.shape)


def estimate_covariance(deviations: Float[np.ndarray, "N T D"]) -> Float[np.ndarray, "TD TD"]:
    """Second moment over trajectories of deviations in channel standard deviations, for `Covariance`."""
    flat = deviations.reshape(len(deviations), -1)
    return flat.T @ flat / len(flat)


def from_spectrum(power: Float[np.ndarray, "T D"]) -> Float[np.ndarray, "TD TD"]:
    """Covariance of deviations whose discrete cosine transforms over time are independent with mean squares `power`.

    The transform (type II, orthonormal) all but diagonalises the covariance of any smooth stationary error, so a
    spectrum stands for the whole matrix where that would be too large to estimate or keep.
    """
    steps, dims = power.shape
    basis = dct(np.eye(steps), axis=0, norm="ortho")  # rows are frequencies
    matrix = np.zeros((steps, dims, steps, dims))
    for d in range(dims):
        matrix[:, d, :, d] = basis.T @ (power[:, d, None] * basis)
    return matrix.reshape(steps * dims, steps * dims)


def structured(matrix: Float[np.ndarray, "TD TD"], structure: str, steps: int) -> Float[np.ndarray, "TD TD"]:
    """What remains of a covariance under an assumption, one of `STRUCTURES`.

    `per-time` forgets what errors at different steps have in common, `spectral` keeps powers of a cosine transform
    over time, `low-rank` the `RANK` strongest directions.
    """
    dims = len(matrix) // steps
    if structure == "per-time":
        return matrix * np.kron(np.eye(steps), np.ones((dims, dims)))
    if structure == "spectral":
        basis = np.kron(dct(np.eye(steps), axis=0, norm="ortho"), np.eye(dims))
        return from_spectrum(np.diag(basis @ matrix @ basis.T).reshape(steps, dims))
    values, vectors = np.linalg.eigh(matrix)
    return (vectors[:, -RANK:] * values[-RANK:]) @ vectors[:, -RANK:].T


def free_entries(structure: str | None, steps: int, dims: int) -> int:
    """How many numbers a covariance under an assumption holds; a symmetric matrix without one."""
    whole = steps * dims
    return {
        None: whole * (whole + 1) // 2,
        "per-time": steps * dims * (dims + 1) // 2,
        "spectral": whole,
        "low-rank": RANK * whole - RANK * (RANK - 1) // 2,
    }[structure]


def at_level(
    covariances: Float[np.ndarray, "L TD TD"], levels: Float[np.ndarray, " L"], level: float
) -> Float[np.ndarray, "TD TD"]:
    """Covariance at a noise level between probed ones, linear in the logarithm of the level."""
    position = float(np.interp(np.log(level), np.log(levels), np.arange(len(levels))))
    below = min(int(position), len(levels) - 2)
    share = position - below
    return (1 - share) * covariances[below] + share * covariances[below + 1]
