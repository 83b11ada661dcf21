"""What a kernel makes of the demonstrations over a grid of sizes, and of any resampling of them.

`physlib.forecasting.fit` fits one histogram. Here some thousand are fitted, of resampled samples to forecasts from
resampled demonstrations, so it is remembered where each trajectory lands, and a resampling only weighs them anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from physlib.audit.demonstrations import DRAWS, Demonstrations
from physlib.core.rng import numpy_rng
from physlib.forecasting.fit import BETWEEN
from physlib.kernels import Kernel, TrajectoryKernel
from physlib.tasks import Trajectories

SIZES = np.concatenate([[0.0], np.geomspace(0.001, 0.5, 53)])
"""The grid, as shares of each column's standard deviation: steps of an eighth."""
COARSE = np.array([0, *range(1, len(SIZES), 4)])  # places on the grid that are tried first, from an eighth of the draws
CHUNK = 2_500  # trajectories deviated at once


class Weights(NamedTuple):
    """The demonstrations, or a resampling of them."""

    kept: Float[np.ndarray, " N"]  # of each kept trajectory
    mass: Float[np.ndarray, " M"]  # of all of them


def as_measured(demos: Demonstrations) -> Weights:
    """Every demonstration once."""
    return Weights(np.ones(len(demos.kept.x)), demos.bins.reference)


def resampled(demos: Demonstrations, rng: np.random.Generator) -> Weights:
    """As many demonstrations, or groups of them, drawn again with replacement: the kept ones one by one, others within their bins."""
    bins, q, total = demos.bins, demos.loaded.kept_q, len(demos.loaded.q)
    if demos.units is not None:
        units = demos.counted.units
        drawn = rng.multinomial(len(units), np.full(len(units), 1 / len(units))).astype(float)
        counts = drawn @ units
        return Weights(drawn[demos.units[demos.loaded.rows]], counts / counts.sum())
    weights = rng.multinomial(len(q), np.full(len(q), 1 / len(q))).astype(float)
    counts = np.bincount(bins.index(q), weights, bins.count + 3)
    others = bins.counts(demos.loaded.q) - bins.counts(q)
    if total > len(q):
        counts += rng.multinomial(total - len(q), others / others.sum())
    return Weights(weights, counts / total)


class SizeFit(NamedTuple):
    """The size of one kernel that suits a histogram best."""

    size: float
    mass: Float[np.ndarray, " M"]  # what the kernel makes of the demonstrations there
    misfit: float  # chi squared per row
    change: float  # of the mean, by the kernel alone


class KernelResponse:
    """One family of kernels: where each kept trajectory lands when deviated, by size.

    Where it lands is drawn once; what all demonstrations become is counted anew for any weights of them.
    """

    def __init__(self, demos: Demonstrations, name: str, build: Callable[[float], Kernel], seed: int):
        self.name = name
        self._demos, self._build, self._seed = demos, build, seed
        self._origin = demos.bins.index(demos.loaded.kept_q)
        self._landed: dict[int, Int[np.ndarray, " R"]] = {}
        self._changes: dict[int, float] = {}
        self._tried, _ = self._land(COARSE, DRAWS // 8)
        self._counted: tuple[Weights | None, dict[int, np.ndarray]] = (None, {})

    @property
    def length(self) -> float | None:
        """Correlation length in steps, where the kernel has one."""
        return self._build(1.0).parameters.get("length")

    def about(self, observed: Float[np.ndarray, " M"], variance: Float[np.ndarray, " M"]) -> Int[np.ndarray, " S"]:
        """Places on the grid about the coarse one that suits a histogram best."""
        best = int(np.argmin(_misfit(self._masses(self._tried, as_measured(self._demos)), observed, variance)))
        return np.arange(COARSE[max(0, best - 1)], COARSE[min(len(COARSE) - 1, best + 1)] + 1)

    def tabulate(self, places: Int[np.ndarray, " S"]) -> None:
        """Deviate as many trajectories as a fit needs at some places of the grid."""
        missing = np.setdiff1d(places, list(self._landed))
        landed, changes = self._land(missing, DRAWS)
        self._landed |= dict(zip(missing.tolist(), landed, strict=True))
        self._changes |= dict(zip(missing.tolist(), changes, strict=True))

    def fit(
        self,
        observed: Float[np.ndarray, " M"],
        variance: Float[np.ndarray, " M"],
        weights: Weights,
        places: Int[np.ndarray, " S"],
    ) -> SizeFit:
        """Least chi squared between tabulated places of the grid; masses are linear from one to the next."""
        table = self._table(places.tolist(), weights)
        at = np.arange((len(places) - 1) * BETWEEN + 1) / BETWEEN
        below = np.minimum(at.astype(int), len(places) - 2)
        part = (at - below)[:, None]
        masses = (1 - part) * table[below] + part * table[below + 1]
        misfit = _misfit(masses, observed, variance)
        best = int(np.argmin(misfit))
        changes = [self._changes[place] for place in places.tolist()]
        size, change = (float(np.interp(at[best], range(len(places)), v)) for v in (SIZES[places], changes))
        return SizeFit(size, masses[best], float(misfit[best]), change)

    def _land(self, places: Int[np.ndarray, " S"], draws: int) -> tuple[list[Int[np.ndarray, " R"]], list[float]]:
        """Rows of the mass vector that trajectories land in at each place, and the change of their mean."""
        landed: list[list[np.ndarray]] = [[] for _ in places]
        sums = np.zeros((2, len(places)))
        for start in range(0, draws, CHUNK):
            data = self._demos.at(np.arange(start, min(start + CHUNK, draws)) % len(self._origin))
            for i, q in enumerate(self._deviated(data, SIZES[places], start)):
                landed[i].append(self._demos.bins.index(q))
                change = q - data.q
                sums[:, i] += np.nansum(change[np.isfinite(change)]), np.isfinite(change).sum()
        return [np.concatenate(found) for found in landed], (sums[0] / np.maximum(sums[1], 1)).tolist()

    def _deviated(self, data: Trajectories, sizes: Float[np.ndarray, " S"], start: int) -> Iterator[np.ndarray]:
        """The quantity after deviations of each size, from the same random numbers."""
        unit, purpose = self._build(1.0), f"audit ladder {start}"
        if isinstance(unit, TrajectoryKernel):  # deviations grow with size: one draw serves all sizes
            error = unit.deviate(self._demos, data.x, numpy_rng(self._seed, purpose)) - data.x
        for size in map(float, sizes):
            with np.errstate(all="ignore"):
                if size == 0:
                    yield data.q
                elif isinstance(unit, TrajectoryKernel):
                    yield self._demos.remeasure(data.x + size * error, data)
                else:
                    yield self._build(size).push(self._demos, data, numpy_rng(self._seed, purpose))

    def _table(self, places: list[int], weights: Weights) -> Float[np.ndarray, "S M"]:
        """Masses at tabulated places; those of the last weights are remembered."""
        if self._counted[0] is not weights:
            self._counted = weights, {}
        known = self._counted[1]
        new = [place for place in places if place not in known]
        if new:
            known.update(zip(new, self._masses([self._landed[place] for place in new], weights), strict=True))
        return np.stack([known[place] for place in places])

    def _masses(self, landed: list[Int[np.ndarray, " R"]], weights: Weights) -> Float[np.ndarray, "S M"]:
        """Intended mass plus what moved, so that the kept trajectories' own sampling noise cancels."""
        rows, width = np.arange(len(landed[0])) % len(self._origin), self._demos.bins.count + 3
        each = weights.kept[rows]
        before = np.bincount(self._origin[rows], each, width)
        after = np.stack([np.bincount(row, each, width) for row in landed])
        masses = np.clip(weights.mass + (after - before) / each.sum(), 0, None)
        return masses / masses.sum(axis=1, keepdims=True)


def _misfit(
    masses: Float[np.ndarray, "P M"], observed: Float[np.ndarray, " M"], variance: Float[np.ndarray, " M"]
) -> Float[np.ndarray, " P"]:
    return np.mean((observed - masses) ** 2 / variance, axis=1)
