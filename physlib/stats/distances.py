"""Histograms of a quantity, distances between them, and what sampling noise alone does (ground layer).

A *mass* vector has `M = K + 3` entries: underflow, the K bins of `[lo, hi]`, overflow, and *failed*
(measurements that are not finite). All of them count in every distance: a model that throws
samples out of the range has moved the distribution just as one that reshuffles it inside.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial.distance import jensenshannon
from scipy.stats import kstest

from physlib.stats.histogram import BINS, flat_mass
from physlib.stats.intervals import basic_interval


def total_variation(p: Float[Any, " M"], r: Float[Any, " M"]) -> float:
    """Total variation distance, half the L1 distance between two mass vectors."""
    return 0.5 * float(np.abs(np.asarray(p) - np.asarray(r)).sum())


def quantile_shift(reference: Float[Any, " N"], values: Float[Any, " M"], bins: int = BINS) -> float:
    """Total variation between two samples on `bins` equally likely bins of the first; values not finite count apart.

    NaN where the first does not vary: then there is no law to move away from.
    """
    edges = np.quantile(reference, np.arange(1, bins) / bins)
    if np.ptp(edges) <= 1e-6 * np.abs(edges).max():
        return float("nan")
    shares = []
    for part in (np.asarray(reference, dtype=np.float64), np.asarray(values, dtype=np.float64)):
        index = np.where(np.isfinite(part), np.searchsorted(edges, part), bins)
        shares.append(np.bincount(index, minlength=bins + 1) / part.size)
    return total_variation(*shares)


def shift_r2(
    mass: Float[Any, "*S M"],
    observed: Float[Any, " M"],
    n: float | int = np.inf,
    noise: float | Float[Any, "*S M"] = 0.0,
    reference: Float[Any, " M"] | None = None,
    rows: slice = slice(None),
) -> Any:
    """Share of the observed shift's square that `mass` explains, `1 - |mass - observed|^2 / |observed - reference|^2`.

    `observed` comes from `n` samples and the rows of `mass` have variance `noise`: the expected squares of both are
    taken off both norms, so that noise alone neither counts as shift nor as failure to explain it. 1 is exact, 0 no
    better than no shift, below 0 worse. `reference` is the intended mass, flat where none is given; only `rows` count.
    NaN where the shift is under twice what sampling alone makes of it.
    """
    observed = np.asarray(observed, dtype=np.float64)
    reference = flat_mass(observed.size - 3) if reference is None else np.asarray(reference)
    sampling = observed * (1 - observed) / n
    shift = (observed - reference)[rows]
    if 0.5 * np.abs(shift).sum() < 2 * tv_noise((reference * (1 - reference) / n)[rows]) or not shift.any():
        return np.full(np.shape(mass)[:-1], np.nan)[()]
    left = np.square(np.asarray(mass) - observed) - sampling - noise
    return 1 - left[..., rows].sum(axis=-1) / np.sum(shift**2 - sampling[rows])


def tv_noise(variance: Float[Any, " M"]) -> float:
    """Total variation expected of rows that differ by independent normal noise of the given variances alone."""
    return 0.5 * float(np.sqrt(2 * np.asarray(variance) / np.pi).sum())


def tv_beyond(p: Float[Any, " M"], r: Float[Any, " M"], variance: Float[Any, " M"]) -> float:
    """Squared total variation less what noise of the rows' variances alone makes of it; below 0 by chance."""
    return total_variation(p, r) ** 2 - tv_noise(variance) ** 2


def tv_clear(p: Float[Any, " M"], r: Float[Any, " M"], variance: Float[Any, " M"]) -> float:
    """Total variation with that noise taken off in quadrature; 0 where it is no larger than noise makes it."""
    return float(np.sqrt(max(0.0, tv_beyond(p, r, variance))))


def tv_floor(mass: Float[Any, " M"], *sizes: int | float) -> float:
    """Total variation expected from sampling alone, when samples of these sizes share the law `mass`.

    The mean absolute deviation of each bin's binomial count in its normal limit,
    `sqrt(2 p (1-p) / (pi n))`, summed over bins and halved. With one size the other side is
    the law itself; with two, their variances add.
    """
    mass = np.asarray(mass, dtype=np.float64)
    return tv_noise(mass * (1 - mass) * sum(1 / n for n in sizes))


class ShiftReport(NamedTuple):
    """How far a measured sample lies from the prior; distances but `w1` have no unit."""

    tv: float  # total variation over all K + 3 entries
    tv_lo: float  # 95 % basic bootstrap interval
    tv_hi: float
    floor: float  # total variation expected from the sample size alone
    w1: float  # 1-Wasserstein distance of the finite measurements, in the unit of q
    ks: float  # Kolmogorov-Smirnov distance of the finite measurements
    js: float  # Jensen-Shannon distance of the mass vectors, base 2


def shift_report(counts: Int[Any, " M"], w1: float, ks: float, rng: np.random.Generator) -> ShiftReport:
    """The distances of a histogram from equal mass in its bins, with those that `distances_from_prior` gave."""
    n, flat = int(np.sum(counts)), flat_mass(len(counts) - 3)
    mass = np.asarray(counts) / n
    tv = total_variation(mass, flat)
    draws = 0.5 * np.abs(rng.multinomial(n, mass, size=1000) / n - flat).sum(axis=1)
    js = float(jensenshannon(mass, flat, base=2))
    return ShiftReport(tv, *basic_interval(draws, tv), tv_floor(flat, n), w1, ks, js)


def distances_from_prior(
    q: Float[Any, " N"], quantile: Callable[[np.ndarray], np.ndarray], cdf: Callable[[np.ndarray], np.ndarray]
) -> tuple[float, float]:
    """1-Wasserstein and Kolmogorov-Smirnov distance of the finite values from a distribution.

    NaN and 1 where no value is finite.
    """
    q = np.asarray(q, dtype=np.float64)
    finite = np.sort(q[np.isfinite(q)])
    if not finite.size:
        return float("nan"), 1.0
    # against its exact quantiles, not against a sample of it
    ideal = quantile((np.arange(finite.size) + 0.5) / finite.size)
    return float(np.abs(finite - ideal).mean()), float(kstest(finite, cdf).statistic)
