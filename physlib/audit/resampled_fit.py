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
    """As many demonstrations drawn again with replacement: the kept ones one by one, the others within their bins."""
    bins, q, total = demos.bins, demos.loaded.kept_q, len(demos.loaded.q)
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


class KernelResponse:
    """One family of kernels: where each kept trajectory lands when deviated, by size.

    Where it lands is drawn once; what all demonstrations become is counted anew for any weights of them.
    """

    def __init__(self, demos: Demonstrations, name: str, build: Callable[[float], Kernel], seed: int):
        self.name = name
        self._demos, self._build, self._seed = demos, build, seed
        self._origin = demos.bins.index(demos.loaded.kept_q)
        self._landed: dict[int, Int[np.ndarray, " R"]] = {}
        self._tried = self._land(COARSE, DRAWS // 8)
        self._counted: tuple[Weights | None, dict[int, np.ndarray]] = (None, {})

    @property
    def length(self) -> float | None:
        """Correlation length in steps, where the kernel has one."""
        return self._build(1.0).parameters.get("length")

    def about(self, counts: Int[np.ndarray, " M"], variance: Float[np.ndarray, " M"]) -> Int[np.ndarray, " S"]:
        """Places on the grid about the coarse one that suits a histogram best."""
        best = int(np.argmin(_misfit(self._masses(self._tried, as_measured(self._demos)), counts, variance)))
        return np.arange(COARSE[max(0, best - 1)], COARSE[min(len(COARSE) - 1, best + 1)] + 1)

    def tabulate(self, places: Int[np.ndarray, " S"]) -> None:
        """Deviate as many trajectories as a fit needs at some places of the grid."""
        missing = np.setdiff1d(places, list(self._landed))
        self._landed |= dict(zip(missing.tolist(), self._land(missing, DRAWS), strict=True))

    def fit(
        self,
        counts: Int[np.ndarray, " M"],
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
        misfit = _misfit(masses, counts, variance)
        best = int(np.argmin(misfit))
        size = float(np.interp(at[best], range(len(places)), SIZES[places]))
        return SizeFit(size, masses[best], float(misfit[best]))

    def _land(self, places: Int[np.ndarray, " S"], draws: int) -> list[Int[np.ndarray, " R"]]:
        """Rows of the mass vector that trajectories land in at each place."""
        landed: list[list[np.ndarray]] = [[] for _ in places]
        for start in range(0, draws, CHUNK):
            data = self._demos.at(np.arange(start, min(start + CHUNK, draws)) % len(self._origin))
            for found, q in zip(landed, self._deviated(data, SIZES[places], start), strict=True):
                found.append(self._demos.bins.index(q))
        return [np.concatenate(found) for found in landed]

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
    masses: Float[np.ndarray, "P M"], counts: Int[np.ndarray, " M"], variance: Float[np.ndarray, " M"]
) -> Float[np.ndarray, " P"]:
    return np.mean((counts / counts.sum() - masses) ** 2 / variance, axis=1)
