"""Histograms of a quantity with tails and failures: a *mass* vector has `M = K + 3` entries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from physlib.core.errors import PhyslibError

BINS = 20
"""Default number of bins K over the range of the balanced quantity."""
TAIL = 0.005
"""Probability of each tail beyond the bins of a sample."""


@dataclass(frozen=True)
class Bins:
    """Rows of a mass vector, `M = K + 3`: underflow, K bins, overflow, *failed* (not finite); and the intended mass.

    All rows count in every distance: a model that throws samples out of the range has moved the distribution just as
    one that reshuffles it inside.
    """

    edges: Float[np.ndarray, " E"]  # K + 1, rising
    reference: Float[np.ndarray, " M"]  # intended mass of each row

    @classmethod
    def uniform(cls, lo: float, hi: float, bins: int = BINS) -> Bins:
        """Bins of equal width with the flat prior on `[lo, hi]` as reference."""
        return cls(np.linspace(lo, hi, bins + 1), flat_mass(bins))

    @classmethod
    def equal_probability(cls, quantile: Callable[[np.ndarray], np.ndarray], bins: int = BINS) -> Bins:
        """Bins that each hold the same share of a distribution with that quantile function, the outer two open."""
        inner = quantile(np.arange(1, bins) / bins)
        return cls(np.concatenate([[-np.inf], inner, [np.inf]]), flat_mass(bins))

    @classmethod
    def of_sample(cls, q: Float[np.ndarray, " N"], bins: int = BINS) -> Bins:
        """Bins of equal probability between the .5 % and 99.5 % quantiles of `q`, fewer where values repeat.

        The reference is the sample's own mass. Raises `PhyslibError` where nearly all values are the same.
        """
        edges = np.unique(np.quantile(q, np.linspace(TAIL, 1 - TAIL, bins + 1)))
        if len(edges) < 3:
            raise PhyslibError(
                f"the quantity takes hardly more than one value ({edges[0]:g}): it has no distribution to audit."
            )
        return cls(edges, cls(edges, np.zeros(len(edges) + 2)).mass(q))

    @property
    def count(self) -> int:
        """K."""
        return len(self.edges) - 1

    def index(self, q: Float[Any, " N"]) -> Int[np.ndarray, " N"]:
        """Row of each value; both ends of the range belong to it, as in `numpy.histogram`."""
        q = np.asarray(q, dtype=np.float64)
        finite = np.isfinite(q)
        row = np.searchsorted(self.edges, np.where(finite, q, 0), side="right")
        row[q == self.edges[-1]] = self.count
        return np.where(finite, row, self.count + 2)

    def counts(self, q: Float[Any, " N"]) -> Int[np.ndarray, " M"]:
        """Number of values in each row."""
        return np.bincount(self.index(q), minlength=self.count + 3)

    def mass(self, q: Float[Any, " N"]) -> Float[np.ndarray, " M"]:
        """Share of the values in each row."""
        return self.counts(q) / np.size(q)

    def span(self, first: int, last: int) -> tuple[float | None, float | None]:
        """Ends of a stretch of rows; None where it is open."""
        low = None if first == 0 else float(self.edges[first - 1])
        high = None if last > self.count else float(self.edges[last])
        return low, high


def flat_mass(bins: int = BINS) -> Float[np.ndarray, " M"]:
    """Equal mass in each of the K bins, none outside: what the prior puts in bins of its own."""
    mass = np.zeros(bins + 3)
    mass[1 : bins + 1] = 1 / bins
    return mass
