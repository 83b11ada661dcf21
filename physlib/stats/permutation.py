"""An exact permutation test of whether two samples come from one distribution."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

GROUPS = 40  # of equal size in the pooled sample, on which labels are permuted
COARSE = 20  # of which so many are compared one by one
PERMUTATIONS = 999


def pooled_counts(
    first: Float[np.ndarray, " N"], second: Float[np.ndarray, " N2"], groups: int = GROUPS
) -> tuple[Int[np.ndarray, " G"], Int[np.ndarray, " G"]]:
    """Counts of two samples in the bins of `pooled_rows`."""
    rows = pooled_rows(first, second, groups)
    width = int(max(row.max(initial=0) for row in rows)) + 1
    return tuple(np.bincount(row, minlength=width) for row in rows)


def pooled_rows(
    first: Float[np.ndarray, " N"], second: Float[np.ndarray, " N2"], groups: int = GROUPS
) -> tuple[Int[np.ndarray, " N"], Int[np.ndarray, " N2"]]:
    """Rows of two samples in bins of the pooled one, as equal as repeated values allow.

    The bins know nothing of which sample a value came from, so a permutation of labels leaves them as they are.
    Values that are not finite count as the largest.
    """
    pooled = np.concatenate([first, second])
    pooled = np.where(np.isfinite(pooled), pooled, np.inf)
    # ends are observed values, so that what lies between two samples' interpolated quantiles never decides
    edges = np.unique(np.quantile(pooled, np.linspace(0, 1, groups + 1)[1:-1], method="inverted_cdf"))
    row = np.searchsorted(edges, pooled, side="left")
    return row[: len(first)], row[len(first) :]


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
    """P-value of one distribution behind both counts: `(b + 1) / (B + 1)`, exact for any B.

    Permuting labels deals the second sample anew from the pooled groups, a multivariate hypergeometric draw. Both
    statistics are ranked among all draws and the observed one, the larger rank counts, and ties are broken at random,
    so that the p-value is uniform when the distributions agree. B. Phipson and G. Smyth (2010) for the `+ 1`.
    """
    total = first + second
    total, kept = total[total > 0], total > 0
    dealt = rng.multivariate_hypergeometric(total, int(second.sum()), size=permutations, method="marginals")
    return p_value(_statistics(np.concatenate([second[kept][None], dealt]), total), rng)


def p_value(every: Float[np.ndarray, "B S"], rng: np.random.Generator) -> float:
    """Of the first row of statistics among all rows: each is ranked, the largest rank counts, ties are broken at random."""
    tie_break = rng.random(every.shape)
    ranks = np.stack([np.lexsort((t, s)).argsort() for s, t in zip(every.T, tie_break.T, strict=True)], axis=1)
    larger = ranks.max(axis=1) + rng.random(len(ranks)) / 2  # whole ranks, so halves only break ties
    return float(np.sum(larger >= larger[0]) / len(every))
