"""What every kernel makes of the demonstrations over a grid of sizes, and of any resampling of them (pages layer)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from physlib.audit.before import ROWS, pushed_quantity
from physlib.audit.demonstrations import Demonstrations
from physlib.core.rng import numpy_rng
from physlib.kernels import Kernel, TrajectoryKernel

SIZES = np.concatenate([[0.0], np.geomspace(0.001, 0.5, 53)])
"""The grid, as shares of each column's standard deviation: steps of an eighth."""
COARSE = np.array([0, *range(1, len(SIZES), 4)])  # places on the grid that are tried first
DRAWS = 20_000  # trajectories deviated at each size, an eighth at first
BETWEEN = 16  # places that a fit tries between neighbouring sizes


class Population(NamedTuple):
    """The demonstrations, or a resampling of them."""

    weights: Float[np.ndarray, " N"]  # of each kept trajectory
    intended: Float[np.ndarray, " M"]  # mass of all of them


def as_measured(demos: Demonstrations) -> Population:
    """Every demonstration once."""
    return Population(np.ones(len(demos.kept.x)), demos.bins.intended)


def resampled(demos: Demonstrations, rng: np.random.Generator) -> Population:
    """As many demonstrations drawn again with replacement: the kept ones one by one, the others within their bins."""
    bins, q = demos.bins, demos.intake.kept_q
    weights = rng.multinomial(len(q), np.full(len(q), 1 / len(q))).astype(float)
    total = len(demos.intake.q)
    counts = np.bincount(bins.index(q), weights, bins.count + 3)
    others = bins.counts(demos.intake.q) - bins.counts(q)
    if total > len(q):
        counts += rng.multinomial(total - len(q), others / others.sum())
    return Population(weights, counts / total)


class Fit(NamedTuple):
    """The size of one kernel that suits a histogram best."""

    size: float
    mass: Float[np.ndarray, " M"]  # what the kernel makes of the demonstrations there
    misfit: float  # chi squared per row


class Law:
    """One family of kernels: where each kept trajectory lands when deviated, by size.

    Where it lands is drawn once; what the whole population makes is counted anew for any weights of its trajectories.
    """

    def __init__(self, demos: Demonstrations, name: str, build: Callable[[float], Kernel], seed: int):
        self.name = name
        self._demos, self._build, self._seed = demos, build, seed
        self._origin = demos.bins.index(demos.intake.kept_q)
        self._landed: dict[int, Int[np.ndarray, " R"]] = {}
        self._tried = self._land(COARSE, DRAWS // 8)
        self._counted: tuple[Population | None, dict[int, np.ndarray]] = (None, {})

    @property
    def length(self) -> float | None:
        """Correlation length in steps, where the kernel has one."""
        return self._build(1.0).parameters.get("length")

    def about(self, counts: Int[np.ndarray, " M"], variance: Float[np.ndarray, " M"]) -> Int[np.ndarray, " S"]:
        """Places on the grid about the coarse one that suits a histogram best."""
        table = self._masses(self._tried, as_measured(self._demos))
        best = int(np.argmin(_misfit(table, counts, variance)))
        return np.arange(COARSE[max(0, best - 1)], COARSE[min(len(COARSE) - 1, best + 1)] + 1)

    def tabulate(self, places: Int[np.ndarray, " S"]) -> None:
        """Deviate as many trajectories as a fit needs at some places of the grid."""
        missing = np.setdiff1d(places, list(self._landed))
        self._landed |= dict(zip(missing.tolist(), self._land(missing, DRAWS), strict=True))

    def fit(
        self,
        counts: Int[np.ndarray, " M"],
        variance: Float[np.ndarray, " M"],
        population: Population,
        places: Int[np.ndarray, " S"],
    ) -> Fit:
        """Least chi squared between tabulated places of the grid; masses are linear from one to the next."""
        table = self._table(places.tolist(), population)
        at = np.arange((len(places) - 1) * BETWEEN + 1) / BETWEEN
        below = np.minimum(at.astype(int), len(places) - 2)
        part = (at - below)[:, None]
        masses = (1 - part) * table[below] + part * table[below + 1]
        misfit = _misfit(masses, counts, variance)
        best = int(np.argmin(misfit))
        return Fit(float(np.interp(at[best], range(len(places)), SIZES[places])), masses[best], float(misfit[best]))

    def _land(self, places: Int[np.ndarray, " S"], draws: int) -> list[Int[np.ndarray, " R"]]:
        """Rows of the mass vector that trajectories land in at each place; every call draws the same errors."""
        rows, bins, unit = np.arange(draws) % len(self._demos.kept.x), self._demos.bins, self._build(1.0)
        if not isinstance(unit, TrajectoryKernel):
            return [self._land_at(SIZES[place], rows) for place in places]
        rng = numpy_rng(self._seed, "audit ladder")
        landed: list[list[np.ndarray]] = [[] for _ in places]
        for part in np.array_split(rows, -(-draws // ROWS)):  # deviations grow with size: one draw serves all sizes
            x = self._demos.kept.x[part]
            error = unit.deviate(self._demos, x, rng) - x
            for found, place in zip(landed, places, strict=True):
                found.append(bins.index(self._demos.measure_rows(x + SIZES[place] * error, part)))
        return [np.concatenate(found) for found in landed]

    def _land_at(self, size: float, rows: np.ndarray) -> Int[np.ndarray, " R"]:
        if size == 0:
            return self._origin[rows]
        rng = numpy_rng(self._seed, "audit ladder")
        return self._demos.bins.index(pushed_quantity(self._demos, self._build(float(size)), rows, rng))

    def _table(self, places: list[int], population: Population) -> Float[np.ndarray, "S M"]:
        """Masses at tabulated places; those of the population asked for last are remembered."""
        if self._counted[0] is not population:
            self._counted = population, {}
        known = self._counted[1]
        new = [place for place in places if place not in known]
        if new:
            known.update(zip(new, self._masses([self._landed[place] for place in new], population), strict=True))
        return np.stack([known[place] for place in places])

    def _masses(self, landed: list[Int[np.ndarray, " R"]], population: Population) -> Float[np.ndarray, "S M"]:
        """Intended mass plus what moved, so that the kept trajectories' own sampling noise cancels."""
        rows, width = np.arange(len(landed[0])) % len(self._origin), self._demos.bins.count + 3
        weights = population.weights[rows]
        before = np.bincount(self._origin[rows], weights, width)
        after = np.stack([np.bincount(row, weights, width) for row in landed])
        masses = np.clip(population.intended + (after - before) / weights.sum(), 0, None)
        return masses / masses.sum(axis=1, keepdims=True)


def _misfit(
    masses: Float[np.ndarray, "P M"], counts: Int[np.ndarray, " M"], variance: Float[np.ndarray, " M"]
) -> Float[np.ndarray, " P"]:
    return np.mean((counts / counts.sum() - masses) ** 2 / variance, axis=1)
