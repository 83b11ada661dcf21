"""What a forecast may be off by, and what intervals are worth (theory layer).

A forecast is made for *one new run*: its bin masses differ from the forecast because samples are finite, because the
numbers behind the forecast come from a few runs, and because the kernel is not the model. The first is known, the
second is seen in pilots of different seeds, the third on other tasks where the answer is known.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.stats import norm

from physlib.density import flat_mass

LEVEL = 0.95


def predictive_interval(
    mass: Float[np.ndarray, " M"],
    n: int,
    draws: int,
    members: Float[np.ndarray, "J M"],
    misfit: Float[np.ndarray, " M"],
    level: float = LEVEL,
) -> tuple[Float[np.ndarray, " M"], Float[np.ndarray, " M"]]:
    """Ends of the interval for each bin mass of one new sample of size `n`.

    `draws` is the Monte Carlo size behind `mass`; `members` are the forecasts from single pilots, whose variance, none
    where a source has no pilots,
    stands for that of the numbers and of the seed; `misfit` is the root mean square error expected of the kernel.
    The four variances add.
    """
    sampling = np.clip(mass * (1 - mass), 1 / n, None) * (1 / n + 1 / draws)  # an empty bin has an error as well
    between = members.var(axis=0, ddof=1) if len(members) > 1 else np.zeros_like(mass)
    half = norm.ppf((1 + level) / 2) * np.sqrt(sampling + between + misfit**2)
    return np.clip(mass - half, 0, 1), np.clip(mass + half, 0, 1)


def misfit(
    mass: Float[np.ndarray, " M"], expected: Float[np.ndarray, "J M"], observed: Float[np.ndarray, "J M"]
) -> Float[np.ndarray, " M"]:
    """Root mean square error that forecasts of a kind made elsewhere lead one to expect of `mass`, bin by bin.

    Errors grow with the shift, so each is taken in proportion to the size of the shift that was forecast with it, where
    any was. Few cells say little about a single bin: half of the square is that bin's own, half the mean of all bins.
    """
    flat = flat_mass(len(mass) - 3)
    here, there = np.linalg.norm(mass - flat), np.linalg.norm(expected - flat, axis=1)
    growth = np.where(there > 0, here / np.where(there > 0, there, 1), 1)
    square = np.mean(np.square(growth[:, None] * (observed - expected)), axis=0)
    return np.sqrt((square + square.mean()) / 2)


def interval_score(
    low: Float[np.ndarray, "... M"],
    high: Float[np.ndarray, "... M"],
    x: Float[np.ndarray, "... M"],
    level: float = LEVEL,
) -> float:
    """Mean width plus `2 / (1 - level)` times by how much values fall outside; less is better.

    T. Gneiting and A. Raftery, Strictly Proper Scoring Rules, Prediction, and Estimation (2007), equation 43.
    """
    outside = np.clip(low - x, 0, None) + np.clip(x - high, 0, None)
    return float(np.mean(high - low + 2 / (1 - level) * outside))


def coverage(low: Float[np.ndarray, "... M"], high: Float[np.ndarray, "... M"], x: Float[np.ndarray, "... M"]) -> float:
    """Share of values within their intervals."""
    return float(np.mean((low <= x) & (x <= high)))


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
