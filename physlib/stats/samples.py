"""Two samples of a quantity and the noise of their difference: rows or groups independent of each other, or in pairs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import t as student

from physlib.stats.clusters import GroupedCounts, merged, tabulate
from physlib.stats.permutation import permutation_test, pooled_rows
from physlib.stats.sign_flips import grouped_test, paired_test

BOOTSTRAPS = 400
Rows = Int[np.ndarray, " _"]


class SamplePair(ABC):
    """What two samples have to do with each other."""

    @abstractmethod
    def difference(
        self, first: Rows, second: Rows, width: int, rng: np.random.Generator
    ) -> tuple[Float[np.ndarray, " M"], Float[np.ndarray, "B M"]]:
        """Shares of the second sample less those of the first in the rows of a histogram, and draws of its noise."""

    @abstractmethod
    def mean_shift(self, first: Float[np.ndarray, " N"], second: Float[np.ndarray, " N2"]) -> tuple[float, float]:
        """Mean of the second sample less that of the first, and half of its 95 % interval; values may be NaN."""

    @abstractmethod
    def p_value(
        self, first: Float[np.ndarray, " N"], second: Float[np.ndarray, " N2"], rng: np.random.Generator
    ) -> float:
        """Of one distribution behind both."""


@dataclass(frozen=True)
class Independent(SamplePair):
    """Two samples of independent rows, or of independent groups of rows: whole numbers from 0."""

    groups: tuple[Rows | None, Rows | None] = (None, None)

    def difference(self, first, second, width, rng):
        parts = [
            GroupedCounts.of(row, width, None if group is None else merged(group, rng))
            for row, group in zip((first, second), self.groups, strict=True)
        ]
        noise = [part.redrawn(rng, BOOTSTRAPS) - part.mass for part in parts]
        return parts[1].mass - parts[0].mass, noise[1] - noise[0]

    def mean_shift(self, first, second):
        means, squares, doubtful = [], [], 0.0
        for values, group in zip((first, second), self.groups, strict=True):
            mean, square, freedom = _mean(values, group)
            means.append(mean)
            squares.append(square)
            doubtful += square**2 / freedom
        square = sum(squares)
        half = student.ppf(0.975, square**2 / doubtful) * np.sqrt(square) if square > 0 else 0.0  # Welch
        return means[1] - means[0], float(half)

    def p_value(self, first, second, rng):
        rows = pooled_rows(first, second)
        width = int(max(row.max() for row in rows)) + 1
        if all(group is None for group in self.groups):
            return permutation_test(*(np.bincount(row, minlength=width) for row in rows), rng)
        together = [None if group is None else merged(group, rng) for group in self.groups]
        counted = [GroupedCounts.of(row, width, group) for row, group in zip(rows, together, strict=True)]
        units = [
            tabulate(row, merged(np.arange(len(row)), rng), width) if part.units is None else part.units
            for row, part in zip(rows, counted, strict=True)
        ]
        return grouped_test(*units, tuple(part.effective for part in counted), rng)


INDEPENDENT = Independent()
"""Every row of both samples by itself."""


@dataclass(frozen=True)
class Paired(SamplePair):
    """Samples that each answer a condition, whose real answer is a row of the first sample; no row may be without one."""

    condition: Rows  # of each row of the second sample: its row in the first
    groups: Rows | None = None  # of the first sample's rows, where they come in independent groups

    @cached_property
    def _answered(self) -> tuple[Rows, Rows]:
        """Rows of the first sample that are answered, and how often each is."""
        return np.unique(self.condition, return_counts=True)

    @cached_property
    def _unit(self) -> Rows:
        """Independent unit of each row of the first sample."""
        return np.arange(self.condition.max() + 1) if self.groups is None else self.groups

    def _added(self, first: Rows, second: Rows, width: int, rng: np.random.Generator) -> Float[np.ndarray, "U M"]:
        """What each unit adds to the difference of the shares."""
        rows, number = self._answered
        unit, each = merged(self._unit, rng), np.zeros(self.condition.max() + 1)
        each[rows] = 1 / number / len(rows)
        size = int(unit.max()) + 1
        added = np.bincount(unit[self.condition] * width + second, each[self.condition], size * width)
        return (added - np.bincount(unit[rows] * width + first[rows], minlength=size * width) / len(rows)).reshape(
            size, width
        )

    def difference(self, first, second, width, rng):
        added = self._added(first, second, width, rng)
        count = len(added)
        weights = rng.multinomial(count, np.full(count, 1 / count), BOOTSTRAPS)
        found = added.sum(axis=0)
        return found, weights @ (added - found / count)

    def mean_shift(self, first, second):
        rows, _ = self._answered
        good = np.isfinite(second)
        number = np.bincount(self.condition[good], minlength=len(first))[rows]
        answer = np.bincount(self.condition[good], second[good], len(first))[rows]
        change = np.where(number > 0, answer / np.maximum(number, 1), np.nan) - first[rows]
        mean, square, freedom = _mean(
            change, None if self.groups is None else np.unique(self.groups[rows], return_inverse=True)[1]
        )
        return mean, float(student.ppf(0.975, freedom) * np.sqrt(square))

    def p_value(self, first, second, rng):
        real, answers = pooled_rows(first, second)
        width = int(max(real.max(), answers.max())) + 1
        rows, _ = self._answered
        pooled = np.bincount(real[rows], minlength=width) / len(rows) + np.bincount(answers, minlength=width) / len(
            answers
        )
        return paired_test(self._added(real, answers, width, rng), pooled / 2, rng)


def _mean(values: Float[np.ndarray, " N"], groups: Rows | None) -> tuple[float, float, float]:
    """Mean of the finite values, the square of its standard error, and degrees of freedom."""
    good = np.isfinite(values)
    x = values[good]
    mean = float(x.mean())
    if groups is None:
        return mean, float(x.var(ddof=1) / len(x)), len(x) - 1.0
    sums = np.bincount(groups[good], x - mean)
    count = len(np.unique(groups[good]))
    return mean, float((sums**2).sum() / len(x) ** 2 * count / max(1, count - 1)), max(1.0, count - 1.0)
