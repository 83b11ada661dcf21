"""Peaks and troughs of a histogram's shift, and whether a forecast finds them."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def extremes(shift: Float[np.ndarray, " K"], count: int = 2) -> tuple[list[int], list[int]]:
    """Bins of the `count` highest peaks and lowest troughs of a shift within the range, ends included.

    A peak is a bin above its neighbours after averaging over three.
    """
    padded = np.pad(shift, 1, mode="edge")
    smooth = (padded[:-2] + padded[1:-1] + padded[2:]) / 3
    walls = np.pad(smooth, 1, constant_values=-np.inf)
    peaks = np.flatnonzero((smooth > walls[:-2]) & (smooth >= walls[2:]))
    walls = np.pad(smooth, 1, constant_values=np.inf)
    troughs = np.flatnonzero((smooth < walls[:-2]) & (smooth <= walls[2:]))
    highest = sorted(peaks, key=lambda i: -smooth[i])[:count]
    lowest = sorted(troughs, key=lambda i: smooth[i])[:count]
    return [int(i) for i in highest], [int(i) for i in lowest]


def extremes_found(
    expected: Float[np.ndarray, " K"], observed: Float[np.ndarray, " K"], rng: np.random.Generator, trials: int = 2_000
) -> tuple[tuple[float, float], tuple[float, float]]:
    """For peaks and for troughs: mean distance in bins from the observed ones to the nearest forecast one, and the share
    of random permutations of the forecast's bins that do as well."""

    def distances(forecast: Float[np.ndarray, " K"]) -> list[float]:
        pairs = zip(extremes(observed), extremes(forecast), strict=True)
        nearest = [[min((abs(i - j) for j in here), default=len(observed)) for i in there] for there, here in pairs]
        return [float(np.mean(apart)) if apart else 0.0 for apart in nearest]

    own = distances(expected)
    chance = np.array([distances(rng.permutation(expected)) for _ in range(trials)])
    as_good = (1 + np.sum(chance <= own, axis=0)) / (trials + 1)
    return (own[0], float(as_good[0])), (own[1], float(as_good[1]))
