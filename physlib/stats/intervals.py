"""What a forecast may be off by, and what intervals are worth .

A forecast is made for *one new run*: its bin masses differ from the forecast because samples are finite, because the
numbers behind the forecast come from a few runs, and because the kernel is not the model. The first is known, the
second is seen in pilots of different seeds, the third on other tasks where the answer is known.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float
from scipy.stats import t as student

from physlib.stats.histogram import flat_mass

LEVEL = 0.95


def predictive_interval(
    mass: Float[np.ndarray, " M"],
    n: int,
    noise: Float[np.ndarray, " M"],
    members: Float[np.ndarray, "J M"],
    misfit: Float[np.ndarray, " M"],
    elsewhere: int,
    level: float = LEVEL,
) -> tuple[Float[np.ndarray, " M"], Float[np.ndarray, " M"]]:
    """Ends of the interval for each bin mass of one new sample of size `n`.

    `noise` is the variance of `mass` from its draws; `members` are the forecasts from single pilots, whose variance,
    none where a source has no pilots, stands for that of the seed and, over their number, for that of their mean; `misfit` is the root mean square
    error of forecasts of the same kind on `elsewhere` other tasks. The variances add, and since two of them are
    estimated from a handful of runs, the quantile is Student's with Welch's and Satterthwaite's degrees of freedom.
    """
    sampling = np.clip(mass * (1 - mass), 1 / n, None) / n + noise  # an empty bin has an error as well
    pilots = len(members)
    between = (1 + 1 / pilots) * members.var(axis=0, ddof=1) if pilots > 1 else np.zeros_like(mass)
    total = sampling + between + misfit**2
    doubtful = between**2 / max(1, pilots - 1) + misfit**4 / max(1, elsewhere)
    freedom = total**2 / np.maximum(doubtful, 1e-9 * total**2)
    half = student.ppf((1 + level) / 2, freedom) * np.sqrt(total)
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


Interval = tuple[float, float, float]
"""A mean over seeds, and the ends of its t-interval."""


def mean_interval(values: list[float]) -> Interval:
    """Mean over seeds and its 95 % t-interval; NaN ends for a single seed, NaN throughout where any value is."""
    x = np.asarray(values, dtype=float)
    if x.size < 2:
        return float(x.mean()), math.nan, math.nan
    half = student.ppf(0.975, x.size - 1) * x.std(ddof=1) / math.sqrt(x.size)
    return float(x.mean()), float(x.mean() - half), float(x.mean() + half)


def basic_interval(draws: Float[np.ndarray, " B"], value: float, level: float = 0.95) -> tuple[float, float]:
    """Basic (reflected) bootstrap interval, bounded below by 0.

    Resampling a histogram adds noise, so resampled distances lie above the observed one; reflecting
    them about it takes that bias off, where the percentile interval would keep it. Bins that have not
    moved at all keep part of it: where most are such, the interval sits up to half a floor too high.
    """
    tail = (1 - level) / 2
    low, high = np.quantile(draws, [1 - tail, tail])
    return max(0.0, 2 * value - float(low)), max(0.0, 2 * value - float(high))
