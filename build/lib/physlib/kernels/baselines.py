"""Laws that know nothing of trajectories; a kernel must beat them to say anything (kernels layer)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.special import ndtr

from physlib.kernels.base import Kernel


@dataclass(frozen=True)
class NoShift(Kernel):
    """The model reproduces the intended distribution."""

    name = "no-shift"

    def push(self, task, data, rng):
        return data.q


@dataclass(frozen=True)
class Blur(Kernel):
    """`q + b z`: the quantity itself is blurred, the same everywhere."""

    name = "blur"
    b: float  # share of the range

    def push(self, task, data, rng):
        return data.q + self.b * (task.hi - task.lo) * rng.standard_normal(data.q.shape)


def flat_posterior_mean(u: Float[np.ndarray, " N"], width: float, lo: float, hi: float) -> Float[np.ndarray, " N"]:
    """`E[q | q + width z = u]` for q flat on `[lo, hi]`: the mean of a normal truncated to the range."""
    alpha, beta = (lo - u) / width, (hi - u) / width
    # mirrored into the left tail, where differences of the normal distribution function keep their digits
    flip = alpha + beta > 0
    alpha, beta = np.where(flip, -beta, alpha), np.where(flip, -alpha, beta)
    ends = (np.exp(-(alpha**2) / 2) - np.exp(-(beta**2) / 2)) / np.sqrt(2 * np.pi)
    mean = ends / np.maximum(ndtr(beta) - ndtr(alpha), 1e-300)
    return np.clip(u + width * np.where(flip, -mean, mean), lo, hi)


@dataclass(frozen=True)
class ShrinkAndBlur(Kernel):
    """`E[q | q + a z] + b z'`: contraction and blur in quantity space, as many numbers as noise-contract-q."""

    name = "shrink-and-blur"
    a: float  # shares of the range
    b: float

    def push(self, task, data, rng):
        span = task.hi - task.lo
        first, second = rng.standard_normal((2, data.q.size))
        if self.a == 0:
            return data.q + self.b * span * second
        width = self.a * span
        return flat_posterior_mean(data.q + width * first, width, task.lo, task.hi) + self.b * span * second


@dataclass(frozen=True)
class Shrink(Kernel):
    """`ShrinkAndBlur` with one number, as many as `contract`."""

    name = "shrink"
    a: float  # share of the range

    def push(self, task, data, rng):
        return ShrinkAndBlur(self.a, self.a).push(task, data, rng)
