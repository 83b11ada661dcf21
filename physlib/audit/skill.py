"""How much of a shift kernels explain: each half of the samples judges what the other chose, by bins and by mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from physlib.audit.demonstrations import DRAWS, Demonstrations
from physlib.audit.io.read import Loaded
from physlib.audit.resampled_fit import KernelResponse, SizeFit, Weights
from physlib.stats.clusters import GroupedCounts
from physlib.stats.distances import tv_beyond, tv_noise

MEAN = 1 / np.sqrt(2 * np.pi)  # total variation of a normal distribution that moves by a standard deviation, per unit


class Part(NamedTuple):
    """Samples, and for each kernel the places on the grid of sizes that suit them."""

    sampled: GroupedCounts
    variance: Float[np.ndarray, " M"]  # of each row's share
    responses: list[KernelResponse]
    places: list[Int[np.ndarray, " S"]]


class Estimate(NamedTuple):
    """One estimate: of the data, or of a resampling."""

    fits: list[SizeFit]  # to all samples, by kernel
    skills: list[float]  # by kernel; behind these that of the kernels that the halves choose, and its advantage


class SkillEstimator:
    """Fits kernels to all samples and to both halves of them, and judges each half's fits on the other."""

    def __init__(self, demos: Demonstrations, drawn: Loaded, parts: Sequence[Part], tried: Sequence[int], base: int):
        self._parts, self._tried, self._base = parts, tried, base
        self._n = demos.counted.effective
        # means by row, in total variations that a normal distribution has that moves as far
        self._unit = MEAN / max(float(demos.loaded.finite.std()), 1e-300)
        self._demos, self._drawn = (_row_means(demos, q) for q in (demos.loaded.q, drawn.q))
        self._spread = float(demos.loaded.finite.var())

    def estimate(self, halves: Sequence[Float[np.ndarray, " M"]], weights: Weights, noise: int) -> Estimate:
        """From the shares of both halves; `noise` times the noise of sampling is taken off squares."""
        number = [part.sampled.total for part in self._parts[1:]]
        every = (np.average(halves, axis=0, weights=number), *halves)
        whole, *fits = [
            [r.fit(mass, part.variance, weights, places) for r, places in zip(part.responses, part.places, strict=True)]
            for part, mass in zip(self._parts, every, strict=True)
        ]
        chosen = [min(self._tried, key=lambda i: fit[i].misfit) for fit in fits]

        def skill(left: int, right: int) -> float:
            # each half judges what the other chose
            return self._skill(every, (fits[1][right], fits[0][left]), weights.mass, noise)

        skills, own = [skill(i, i) for i in range(len(whole))], skill(*chosen)
        return Estimate(whole, [*skills, own, own - skills[self._base]])

    def _skill(self, every, crossed: Sequence[SizeFit], intended: Float[np.ndarray, " M"], noise: int) -> float:
        """`1 - left / shift`; squares of both are of bins and mean together, with sampling noise taken off."""
        n, (count, *counts) = self._n / noise, [part.sampled.effective / noise for part in self._parts]
        sampling = intended * (1 - intended) * (1 / n + 1 / count)
        moved = self._moved(every[0], intended)
        shift = tv_beyond(every[0], intended, sampling) + self._beyond(moved, 1 / n + 1 / count)
        left = [
            tv_beyond(half, fit.mass, fit.mass * (1 - fit.mass) * (1 / n + 1 / c + 1 / DRAWS))
            + self._beyond(self._moved(half, intended) - fit.change, 1 / n + 1 / c)
            for half, fit, c in zip(every[1:], crossed, counts, strict=True)
        ]
        return 1 - float(np.sqrt(max(0.0, float(np.mean(left))) / max(shift, tv_noise(sampling) ** 2)))

    def _moved(self, mass: Float[np.ndarray, " M"], intended: Float[np.ndarray, " M"]) -> float:
        """Change of the mean from the demonstrations to the samples, of those that have a value."""
        return float(mass[:-1] @ self._drawn / mass[:-1].sum() - intended[:-1] @ self._demos / intended[:-1].sum())

    def _beyond(self, change: float, share: float) -> float:
        """Square of a change of the mean, its noise taken off."""
        return self._unit**2 * (change**2 - self._spread * share)


def _row_means(demos: Demonstrations, q: Float[np.ndarray, " N"]) -> Float[np.ndarray, " L"]:
    """Mean of the values in each row but the last; of an empty one it does not matter."""
    row, good = demos.bins.index(q), np.isfinite(q)
    width = demos.bins.count + 2
    number = np.bincount(row[good], minlength=width)
    return np.bincount(row[good], q[good], width) / np.maximum(number, 1)
