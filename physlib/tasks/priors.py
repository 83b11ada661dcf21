"""Prior distributions of the balanced quantity on a range: flat, and two that leave no mass at a hard edge.

A flat prior jumps at both ends, and any smooth generator rounds a jump. Under a prior that falls off towards the ends
the shift that is left is made by the dynamics and the measurement alone. All are symmetric about the middle.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float
from scipy.special import ndtr, ndtri
from scipy.stats import cosine

from physlib.stats.histogram import BINS, Bins

DEFAULT = "flat"
REACH = 6.0  # standard deviations of a reading's error within which its posterior is summed up
READINGS, NODES = 801, 400  # readings for which it is, and values of the quantity behind each
ENDS = 2.0
"""Standard deviations from the middle at which the Gaussian prior is cut off: its density there is .14 of the peak."""


@dataclass(frozen=True)
class Prior(ABC):
    """A distribution on `[lo, hi]`."""

    name: ClassVar[str]
    lo: float
    hi: float

    @property
    def mean(self) -> float:
        """The middle of the range."""
        return (self.lo + self.hi) / 2

    @property
    def half(self) -> float:
        """Half the range."""
        return (self.hi - self.lo) / 2

    @property
    @abstractmethod
    def variance(self) -> float:
        """Variance, in the squared unit of the quantity."""

    @abstractmethod
    def quantile(self, p: Float[np.ndarray, "*N"]) -> Float[np.ndarray, "*N"]:
        """The value below which a share `p` lies."""

    @abstractmethod
    def cdf(self, q: Float[np.ndarray, "*N"]) -> Float[np.ndarray, "*N"]:
        """The share below `q`."""

    @abstractmethod
    def log_density(self, q: Float[np.ndarray, "*N"]) -> Float[np.ndarray, "*N"]:
        """Logarithm of the density at values inside the range, up to a constant."""

    @abstractmethod
    def bins(self, count: int = BINS) -> Bins:
        """Bins that hold the same share of the prior each."""

    @abstractmethod
    def posterior_mean(self, u: Float[np.ndarray, " N"], width: float) -> Float[np.ndarray, " N"]:
        """`E[q | q + width z = u]` for standard normal z."""

    def _unit(self, q):
        """The range as `[-1, 1]`."""
        return np.clip((q - self.mean) / self.half, -1, 1)


class Flat(Prior):
    """The same density everywhere on the range."""

    name = DEFAULT

    @property
    def variance(self):
        return self.half**2 / 3

    def quantile(self, p):
        return self.lo + (self.hi - self.lo) * p

    def cdf(self, q):
        return np.clip((q - self.lo) / (self.hi - self.lo), 0, 1)

    def log_density(self, q):
        return np.zeros_like(q)

    def bins(self, count=BINS):
        """Bins of equal width over the range; values beyond it are counted apart."""
        return Bins.uniform(self.lo, self.hi, count)

    def posterior_mean(self, u, width):
        """The mean of a normal distribution truncated to the range."""
        alpha, beta = (self.lo - u) / width, (self.hi - u) / width
        # mirrored into the left tail, where differences of the normal distribution function keep their digits
        flip = alpha + beta > 0
        alpha, beta = np.where(flip, -beta, alpha), np.where(flip, -alpha, beta)
        ends = (np.exp(-(alpha**2) / 2) - np.exp(-(beta**2) / 2)) / np.sqrt(2 * np.pi)
        mean = ends / np.maximum(ndtr(beta) - ndtr(alpha), 1e-300)
        return np.clip(u + width * np.where(flip, -mean, mean), self.lo, self.hi)


class Smooth(Prior):
    """A prior that falls off towards both ends."""

    def bins(self, count=BINS):
        """Bins of equal probability, the outer two open: beyond the range begins where hardly any mass was."""
        return Bins.equal_probability(self.quantile, count)

    def posterior_mean(self, u, width):
        """By the midpoint rule where both density and likelihood are, on a grid of readings, linear between them."""
        reach = REACH * width
        read = np.linspace(self.lo - 0.99 * reach, self.hi + 0.99 * reach, READINGS)[:, None]
        first, last = np.maximum(self.lo, read - reach), np.minimum(self.hi, read + reach)
        q = first + (last - first) * (np.arange(NODES) + 0.5) / NODES
        log_weight = self.log_density(q) - ((read - q) / width) ** 2 / 2
        weight = np.exp(log_weight - log_weight.max(axis=1, keepdims=True))
        return np.interp(u, read[:, 0], (weight * q).sum(axis=1) / weight.sum(axis=1))


class RaisedCosine(Smooth):
    """Density in proportion to `1 + cos(pi (q - mean) / half)`: it and its slope are zero at both ends."""

    name = "cosine"

    @property
    def variance(self):
        return self.half**2 * (1 / 3 - 2 / np.pi**2)

    def quantile(self, p):
        return self.mean + self.half / np.pi * cosine.ppf(p)

    def cdf(self, q):
        return cosine.cdf(np.pi * self._unit(q))

    def log_density(self, q):
        with np.errstate(divide="ignore"):  # the ends have none
            return np.log1p(np.cos(np.pi * self._unit(q)))


class TruncatedGaussian(Smooth):
    """A Gaussian about the middle, cut off at the ends, `ENDS` of its standard deviations away."""

    name = "gaussian"
    INSIDE: ClassVar[float] = float(ndtr(ENDS) - ndtr(-ENDS))  # share of the Gaussian that is kept

    @property
    def variance(self):
        density = np.exp(-(ENDS**2) / 2) / np.sqrt(2 * np.pi)
        return (self.half / ENDS) ** 2 * (1 - 2 * ENDS * density / self.INSIDE)

    def quantile(self, p):
        return self.mean + self.half * np.clip(ndtri(ndtr(-ENDS) + self.INSIDE * p) / ENDS, -1, 1)

    def cdf(self, q):
        return (ndtr(ENDS * self._unit(q)) - ndtr(-ENDS)) / self.INSIDE

    def log_density(self, q):
        return -((ENDS * self._unit(q)) ** 2) / 2


PRIORS: dict[str, type[Prior]] = {prior.name: prior for prior in (Flat, RaisedCosine, TruncatedGaussian)}
"""Priors by name."""
