"""Peaks and troughs of a histogram's shift, and whether a forecast finds them."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int

COUNT = 2
"""Peaks, and troughs, that are compared."""


def extremes(shift: Float[np.ndarray, " K"]) -> tuple[list[int], list[int]]:
    """Bins of the highest peaks and lowest troughs of a shift within the range, ends included.

    A peak is a bin above its neighbours after averaging over three.
    """
    high, low = (bins[0][found[0]].tolist() for bins, found in _extremes(shift[None]))
    return high, low


def _extremes(shifts: Float[np.ndarray, "R K"]) -> list[tuple[Int[np.ndarray, "R C"], Bool[np.ndarray, "R C"]]]:
    """For peaks, then for troughs: bins of the outermost ones of each row, and which of them there are."""
    padded = np.pad(shifts, ((0, 0), (1, 1)), mode="edge")
    smooth, both = (padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]) / 3, []
    for height in (smooth, -smooth):
        walls = np.pad(height, ((0, 0), (1, 1)), constant_values=-np.inf)
        peak = (height > walls[:, :-2]) & (height >= walls[:, 2:])
        bins = np.argsort(np.where(peak, -height, np.inf), axis=1, kind="stable")[:, :COUNT]
        both.append((bins, np.take_along_axis(peak, bins, axis=1)))
    return both


def extremes_found(
    expected: Float[np.ndarray, " K"], observed: Float[np.ndarray, " K"], rng: np.random.Generator, trials: int = 2_000
) -> tuple[tuple[float, float], tuple[float, float]]:
    """For peaks and for troughs: mean distance in bins from the observed ones to the nearest forecast one, and the share
    of random permutations of the forecast's bins that do as well."""
    forecasts = np.stack([expected, *(rng.permutation(expected) for _ in range(trials))])
    results = []
    for there, (bins, found) in zip(extremes(observed), _extremes(forecasts), strict=True):
        apart = [np.where(found, abs(bins - i), len(observed)).min(axis=1) for i in there]
        own, *chance = np.mean(apart, axis=0) if apart else np.zeros(trials + 1)
        results.append((float(own), (1 + int(np.sum(np.array(chance) <= own))) / (trials + 1)))
    return results[0], results[1]
