"""Is the shift real, and how large: an exact permutation test, and distances with intervals (pages layer)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import norm, wasserstein_distance

from physlib.audit.bins import Bins, Moved, stretches
from physlib.stats.distances import total_variation, tv_floor
from physlib.stats.intervals import basic_interval

GROUPS = 40  # of equal size in the pooled sample, on which labels are permuted
COARSE = 20  # of which so many are compared one by one
PERMUTATIONS = 999
BOOTSTRAPS = 400
Interval = tuple[float, float]


def pooled_counts(
    first: Float[np.ndarray, " N"], second: Float[np.ndarray, " N2"], groups: int = GROUPS
) -> tuple[Int[np.ndarray, " G"], Int[np.ndarray, " G"]]:
    """Counts of two samples in groups of the pooled one, as equal as repeated values allow.

    The groups know nothing of which sample a value came from, so a permutation of labels leaves them as they are.
    Values that are not finite count as the largest.
    """
    pooled = np.concatenate([first, second])
    pooled = np.where(np.isfinite(pooled), pooled, np.inf)
    # ends are observed values, so that what lies between two samples' interpolated quantiles never decides
    edges = np.unique(np.quantile(pooled, np.linspace(0, 1, groups + 1)[1:-1], method="inverted_cdf"))
    row = np.searchsorted(edges, pooled, side="left")
    split = (row[: len(first)], row[len(first) :])
    return tuple(np.bincount(part, minlength=len(edges) + 1) for part in split)


def _statistics(second: Int[np.ndarray, "B G"], total: Int[np.ndarray, " G"]) -> Float[np.ndarray, "B 2"]:
    """Two distances of a split of the pooled groups from a proportional one.

    Anderson and Darling's, which sees moves of the whole, and chi squared over coarser groups, which sees bins that
    gain from their neighbours.
    """
    share = second.sum(axis=1, keepdims=True) / total.sum()
    excess = second - share * total
    below = np.cumsum(total)[:-1] / total.sum()
    walk = np.cumsum(excess, axis=1)[:, :-1]
    weights = (total[:-1] + total[1:]) / (below * (1 - below))
    anderson = (walk**2 * weights).sum(axis=1)
    width = -(-len(total) // COARSE)
    places = np.arange(0, len(total), width)
    coarse, sizes = np.add.reduceat(excess, places, axis=1), np.add.reduceat(total, places)
    return np.stack([anderson, (coarse**2 / sizes).sum(axis=1)], axis=1)


def permutation_test(
    first: Int[np.ndarray, " G"],
    second: Int[np.ndarray, " G"],
    rng: np.random.Generator,
    permutations: int = PERMUTATIONS,
) -> float:
    """P-value of one law behind both counts: `(b + 1) / (B + 1)`, exact for any B.

    Permuting labels deals the second sample anew from the pooled groups, a multivariate hypergeometric draw. Both
    statistics are ranked among all draws and the observed one, the larger rank counts, and ties are broken at random,
    so that the p-value is uniform when the laws agree. B. Phipson and G. Smyth (2010) for the `+ 1`.
    """
    total = first + second
    total, kept = total[total > 0], total > 0
    dealt = rng.multivariate_hypergeometric(total, int(second.sum()), size=permutations, method="marginals")
    every = _statistics(np.concatenate([second[kept][None], dealt]), total)
    tie_break = rng.random(every.shape)
    ranks = np.stack([np.lexsort((t, s)).argsort() for s, t in zip(every.T, tie_break.T, strict=True)], axis=1)
    larger = ranks.max(axis=1) + rng.random(len(ranks)) / 2  # whole ranks, so halves only break ties
    return float(np.sum(larger >= larger[0]) / (permutations + 1))


class Comparison(NamedTuple):
    """The quantity in samples against demonstrations; `w1` and `mean_shift` in its unit, intervals of 95 %."""

    p_value: float
    tv: float
    tv_interval: Interval
    tv_floor: float  # total variation that samples of these sizes from one law have on average
    w1: float
    w1_interval: Interval
    mean_shift: float
    mean_shift_interval: Interval
    failed: int  # samples whose quantity is not finite
    mass: Float[np.ndarray, " M"]  # of the samples
    gains: list[Moved]
    losses: list[Moved]


def compare(
    bins: Bins, demonstrated: Float[np.ndarray, " N"], sampled: Float[np.ndarray, " N2"], rng: np.random.Generator
) -> Comparison:
    """Test and measure the shift from `demonstrated` to `sampled` values. Both are finite samples of unknown laws."""
    n, n2 = len(demonstrated), len(sampled)
    mass, intended = bins.counts(sampled) / n2, bins.intended
    draws = rng.multinomial(n2, mass, BOOTSTRAPS) / n2 - rng.multinomial(n, intended, BOOTSTRAPS) / n
    tv = total_variation(mass, intended)
    finite = sampled[np.isfinite(sampled)]
    shift = float(finite.mean() - demonstrated.mean())
    error = np.sqrt(finite.var() / len(finite) + demonstrated.var() / n)
    half = float(norm.ppf(0.975) * error)
    w1 = float(wasserstein_distance(demonstrated, finite))
    p = permutation_test(*pooled_counts(demonstrated, sampled), rng)
    variance = mass * (1 - mass) / n2 + intended * (1 - intended) / n
    moved = stretches(bins, mass - intended, variance) if p < 0.05 else []
    return Comparison(
        p_value=p,
        tv=tv,
        tv_interval=basic_interval(0.5 * np.abs(draws).sum(axis=1), tv),
        tv_floor=tv_floor(intended, n, n2),
        w1=w1,
        w1_interval=basic_interval(_resampled_w1(demonstrated, finite, rng), w1),
        mean_shift=shift,
        mean_shift_interval=(shift - half, shift + half),
        failed=n2 - len(finite),
        mass=mass,
        gains=[s for s in moved if s.mass > 0],
        losses=[s for s in moved if s.mass < 0],
    )


def _resampled_w1(
    first: Float[np.ndarray, " N"], second: Float[np.ndarray, " N2"], rng: np.random.Generator
) -> Float[np.ndarray, " B"]:
    """1-Wasserstein distances of bootstrap samples, on a grid of the pooled quantiles."""
    grid = np.unique(np.quantile(np.concatenate([first, second]), np.linspace(0, 1, 400)))
    parts = []
    for values in (first, second):
        # share at or below each value of the grid, so that few distinct values are counted where they are
        at = np.searchsorted(grid, values).clip(0, len(grid) - 1)
        share = np.bincount(at, minlength=len(grid)) / len(values)
        drawn = rng.multinomial(len(values), share, BOOTSTRAPS) / len(values)
        parts.append(np.cumsum(drawn, axis=1)[:, :-1])
    return np.abs(parts[0] - parts[1]) @ np.diff(grid)
