"""Histograms of rows that come in independent groups: windows of one episode, samples of one condition, copies."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

UNITS = 1_000
"""Independent units that are told apart; more groups than these are put together at random, which they survive."""


def group_codes(labels: np.ndarray) -> Int[np.ndarray, " N"]:
    """Labels of any kind as whole numbers from 0."""
    return np.unique(labels, return_inverse=True)[1].reshape(-1)


def merged(groups: Int[np.ndarray, " N"], rng: np.random.Generator, units: int = UNITS) -> Int[np.ndarray, " N"]:
    """At most `units` groups, each made of whole ones: as independent of each other as those were."""
    count = int(groups.max(initial=-1)) + 1
    return groups if count <= units else (rng.permutation(count) % units)[groups]


def tabulate(row: Int[np.ndarray, " N"], groups: Int[np.ndarray, " N"], width: int) -> Float[np.ndarray, "U M"]:
    """Counts of each row of a histogram within each group."""
    units = int(groups.max()) + 1
    return np.bincount(groups * width + row, minlength=units * width).reshape(units, width).astype(float)


@dataclass(frozen=True)
class GroupedCounts:
    """A histogram with as much of its origin as its noise needs."""

    counts: Int[np.ndarray, " M"]
    units: Float[np.ndarray, "U M"] | None = None  # counts of each independent unit; None: every value is one

    @classmethod
    def of(cls, row: Int[np.ndarray, " N"], width: int, groups: Int[np.ndarray, " N"] | None = None) -> GroupedCounts:
        """Of the rows that values fall in; `groups` are whole numbers from 0, `None` where values are independent."""
        units = None if groups is None else tabulate(row, groups, width)
        return cls(np.bincount(row, minlength=width), units)

    @property
    def total(self) -> int:
        """Number of values."""
        return int(self.counts.sum())

    @property
    def mass(self) -> Float[np.ndarray, " M"]:
        """Share of the values in each row."""
        return self.counts / self.total

    @cached_property
    def effective(self) -> float:
        """How many independent values would be as informative, at most as many as there are.

        Total variance of the shares, of a ratio of sums over groups, against that of a multinomial (Kish's design
        effect).
        """
        if self.units is None:
            return float(self.total)
        mass, count = self.mass, len(self.units)
        left = self.units - self.units.sum(axis=1, keepdims=True) * mass
        variance = (left**2).sum() / self.total**2 * count / max(1, count - 1)
        return float(min(self.total, (mass * (1 - mass)).sum() / max(variance, 1e-300)))

    def redrawn(self, rng: np.random.Generator, times: int) -> Float[np.ndarray, "B M"]:
        """Shares of `times` resamplings of whole units with replacement."""
        if self.units is None:
            return rng.multinomial(self.total, self.mass, times) / self.total
        count = len(self.units)
        drawn = rng.multinomial(count, np.full(count, 1 / count), times) @ self.units
        return drawn / drawn.sum(axis=1, keepdims=True)
