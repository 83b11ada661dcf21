"""Kernels for a reader's own data: error of any spectrum, and error that follows the state (pages layer).

All act on positions and need no rule of motion. Sizes are root mean squares, as shares of each column's standard deviation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float
from scipy.fft import idct

from physlib.kernels import TrajectoryKernel

PROBES = 24  # random directions behind a trajectory's sensitivity
STEP = 1e-3  # size of those steps, share of the standard deviations


def smooth_power(steps: int, length: float) -> Float[np.ndarray, " T"]:
    """Mean square of each cosine coefficient of an error with correlation `exp(-lag^2 / (2 length^2))`, on average 1.

    `length` in steps; 0 is white.
    """
    omega = np.pi * np.arange(steps) / steps
    power = np.exp(-((omega * length) ** 2) / 2)
    return power / power.mean()


def coloured(rng: np.random.Generator, shape: tuple[int, ...], power: Float[np.ndarray, "T D"]) -> np.ndarray:
    """Gaussian error `(N, T, D)` whose discrete cosine transforms over time have mean squares `power`."""
    return idct(np.sqrt(power) * rng.standard_normal(shape), axis=1, norm="ortho", overwrite_x=True)


@dataclass(frozen=True)
class Smooth(TrajectoryKernel):
    """Error correlated over time: the longer its correlation, the less differences between steps feel it."""

    name = "smooth"
    s: float  # root mean square size
    length: float  # correlation length, steps

    def deviate(self, task, x, rng):
        power = smooth_power(x.shape[1], self.length)[:, None]
        return x + self.s * task.scale * coloured(rng, x.shape, power)


@dataclass(frozen=True)
class Measured(TrajectoryKernel):
    """Error with the size and the spectrum of given residuals, column by column."""

    name = "residuals"
    power: Float[np.ndarray, "T D"]  # mean squares of their cosine transforms, in the columns' own units squared

    @property
    def size(self) -> Float[np.ndarray, " D"]:
        """Root mean square of each column, in its unit."""
        return np.sqrt(self.power.mean(axis=0))

    def deviate(self, task, x, rng):
        return x + coloured(rng, x.shape, self.power)


def speed(task, x: Float[np.ndarray, "N T D"]) -> Float[np.ndarray, "N T 1"]:
    """Local speed, in standard deviations of the columns a step."""
    scale = np.where(task.scale > 0, task.scale, 1)
    return np.linalg.norm(np.gradient(x, axis=1) / scale, axis=2, keepdims=True)


def distance(task, x: Float[np.ndarray, "N T D"]) -> Float[np.ndarray, "N T 1"]:
    """Distance from the mean position, in standard deviations of the columns."""
    scale = np.where(task.scale > 0, task.scale, 1)
    return np.linalg.norm((x - task.intake.mean) / scale, axis=2, keepdims=True)


def sensitivity(task, x: Float[np.ndarray, "N T D"]) -> Float[np.ndarray, "N 1 1"]:
    """Root mean square change of the quantity for small white error about each trajectory, by `PROBES` central steps."""
    square = np.zeros(len(x))
    rng = np.random.default_rng(0)  # fixed directions: a law of x, not another source of noise
    with np.errstate(all="ignore"):
        for _ in range(PROBES):
            error = STEP * task.scale * rng.standard_normal(x.shape[1:])
            square += (task.measure(x + error) - task.measure(x - error)) ** 2
    return np.nan_to_num(np.sqrt(square))[:, None, None]


@dataclass(frozen=True)
class Following(TrajectoryKernel):
    """White error whose size follows the state: a subclass says by which weight."""

    weight: ClassVar[Callable[[Any, np.ndarray], np.ndarray]]
    s: float  # root mean square size

    def deviate(self, task, x, rng):
        weight = type(self).weight
        size = self.s * weight(task, x) / max(task.typical(weight), 1e-300)
        return x + size * task.scale * rng.standard_normal(x.shape)


class SpeedScale(Following):
    """Error proportional to the local speed."""

    name, weight = "speed-scale", staticmethod(speed)


class DistanceScale(Following):
    """Error proportional to the distance from the mean position."""

    name, weight = "distance-scale", staticmethod(distance)


class SensitivityScale(Following):
    """Error of one size over a trajectory, largest where the quantity is most sensitive; `state-scale` by differences,
    for quantities that cannot be differentiated."""

    name, weight = "state-scale", staticmethod(sensitivity)
