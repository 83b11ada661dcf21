"""What a row of the results table states: how near others must come to its number, and what no shift would give."""

from __future__ import annotations

import math

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student

from physlib.stats.distances import tv_floor
from physlib.stats.histogram import BINS, flat_mass
from physlib.stats.intervals import mean_interval

EXTREME = float(norm.isf(0.0005))
"""Standard deviations that noise exceeds, in either direction, once in a thousand times."""
RESOLUTION = 0.02
"""Least tolerance of an R2, which Monte Carlo stands behind."""


def tolerance(values: list[float], least: float = 0.0) -> float:
    """How far the mean of as many other seeds may lie from that of `values`, in 19 cases of 20, and at least `least`.

    The half-width of the prediction interval, `t s sqrt(2 / S)` for S seeds of standard deviation s; NaN for one seed,
    and where a value is not defined.
    """
    x = np.asarray(values, dtype=float)
    if x.size < 2:
        return math.nan
    return float(np.maximum(least, student.ppf(0.975, x.size - 1) * x.std(ddof=1) * math.sqrt(2 / x.size)))


def no_shift(values: list[float], expected: float, deviation: float) -> float:
    """What runs without a shift hardly ever exceed, where `values` of several seeds show one; NaN where they do not.

    They do where the t-interval of their mean lies beyond `expected`, the mean of a run without a shift, which varies by
    `deviation` from run to run.
    """
    _, low, high = mean_interval(values)
    shown = low > expected or high < -expected
    return expected + EXTREME * deviation / math.sqrt(len(values)) if shown else math.nan


def most_tv(n: int) -> float:
    """Total variation from flat that a sample of size `n` of the flat prior hardly ever exceeds."""
    return tv_floor(flat_mass(), n) + EXTREME * tv_deviation(n)


def tv_deviation(n: int, bins: int = BINS) -> float:
    """Standard deviation of the total variation from flat over samples of size `n` of the flat prior.

    A bin's deviation is normal with variance `p (1 - p) / n`, and its absolute value varies by `1 - 2 / pi` of that.
    """
    return 0.5 * math.sqrt((1 - 2 / math.pi) * (1 - 1 / bins) / n)


def mean_deviation(width: float, n: int) -> float:
    """Standard deviation of the mean of `n` samples of a flat prior of that width."""
    return width / math.sqrt(12 * n)


def passes(value: float, expected: float, tolerance: float, no_shift: float) -> bool:
    """Whether a number found by other runs bears out a row that states `expected`.

    It has to lie within the row's `tolerance` and, where the row states a shift, beyond what runs without one hardly ever
    exceed, in the same direction. A number that is not defined, as scores are where there is no shift, never does.
    """
    shifted = math.isnan(no_shift) or math.copysign(value, value * expected) > no_shift
    return bool(abs(value - expected) <= tolerance and shifted)
