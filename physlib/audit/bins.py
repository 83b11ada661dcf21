"""Bins of equal probability under the demonstrations, and stretches of bins that gain or lose (pages layer)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from physlib.core.errors import PhyslibError
from physlib.stats.histogram import BINS

TAIL = 0.005  # probability of each tail beyond the bins
LEVEL = 3.0  # standard errors beyond which one of some twenty stretches is not chance


@dataclass(frozen=True)
class Bins:
    """Rows of a mass vector: lower tail, K bins, upper tail, *failed* (not finite)."""

    edges: Float[np.ndarray, " E"]  # K + 1, rising
    intended: Float[np.ndarray, " M"]  # the demonstrations' own mass, M = K + 3

    @property
    def count(self) -> int:
        """K."""
        return len(self.edges) - 1

    def index(self, q: Float[Any, " N"]) -> Int[np.ndarray, " N"]:
        """Row of each value."""
        q = np.asarray(q, dtype=float)
        finite = np.isfinite(q)
        row = np.searchsorted(self.edges, np.where(finite, q, self.edges[0]), side="right")
        row[q == self.edges[-1]] = self.count  # both ends belong to the bins
        return np.where(finite, row, self.count + 2)

    def counts(self, q: Float[Any, " N"]) -> Int[np.ndarray, " M"]:
        """Number of values in each row."""
        return np.bincount(self.index(q), minlength=self.count + 3)

    def span(self, first: int, last: int) -> tuple[float | None, float | None]:
        """Ends of a stretch of rows; None where it is open."""
        low = None if first == 0 else float(self.edges[first - 1])
        high = None if last > self.count else float(self.edges[last])
        return low, high


def bins_of(q: Float[np.ndarray, " N"], bins: int = BINS) -> Bins:
    """Bins of equal probability between the .5 % and 99.5 % quantiles of `q`; fewer where values repeat.

    Raises `PhyslibError` where nearly all values are the same.
    """
    edges = np.unique(np.quantile(q, np.linspace(TAIL, 1 - TAIL, bins + 1)))
    if len(edges) < 3:
        raise PhyslibError(
            f"the quantity takes hardly more than one value ({edges[0]:g}): it has no distribution to audit."
        )
    empty = Bins(edges, np.zeros(len(edges) + 2))
    return Bins(edges, empty.counts(q) / len(q))


@dataclass(frozen=True)
class Stretch:
    """Neighbouring bins that all gain or all lose."""

    lo: float | None  # None: open
    hi: float | None
    mass: float  # change of the share of all trajectories, negative for a loss


@dataclass(frozen=True)
class Moved(Stretch):
    """A stretch that samples gain or lose."""

    interval: tuple[float, float]  # 95 %, of the noise of samples and demonstrations


def stretches(
    bins: Bins, change: Float[np.ndarray, " M"], variance: Float[np.ndarray, " M"], level: float = LEVEL
) -> list[Moved]:
    """Stretches of bins with changes of one sign, those beyond `level` standard errors, largest first.

    `variance` is that of each row's change; rows of a multinomial are taken as independent, which errs on the safe side
    for stretches of few bins.
    """
    sign = np.sign(change[:-1])  # the failed row has no place on the axis
    starts = [0, *(np.flatnonzero(np.diff(sign)) + 1)]
    found = []
    for first, stop in zip(starts, [*starts[1:], len(sign)], strict=True):
        # bins at the ends that hardly moved share the sign by chance
        clear = first + np.flatnonzero(np.abs(change[first:stop]) > np.sqrt(variance[first:stop]))
        if not clear.size:
            continue
        first, stop = clear[0], clear[-1] + 1
        mass, error = float(change[first:stop].sum()), math.sqrt(float(variance[first:stop].sum()))
        if abs(mass) > level * error:
            ends = (mass - 1.96 * error, mass + 1.96 * error)
            found.append(Moved(*bins.span(int(first), int(stop) - 1), mass, ends))
    return sorted(found, key=lambda s: -abs(s.mass))
