"""Tests by random signs: for values that come in independent groups, and for samples that answer the same conditions.

Under the hypothesis of one distribution, what each independent unit adds to the difference of two samples is as likely
to have the other sign. Flipping the signs of whole units, which may be of any size and depend on each other within as
they like, makes a sample of differences that have the covariance of the observed one.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from physlib.stats.permutation import COARSE, PERMUTATIONS, p_value


def grouped_test(
    first: Float[np.ndarray, "U G"],
    second: Float[np.ndarray, "U2 G"],
    effective: tuple[float, float],
    rng: np.random.Generator,
    flips: int = PERMUTATIONS,
) -> float:
    """P-value of one distribution behind two samples, given as counts of each independent unit in pooled bins.

    `effective` numbers of independent values weigh the two in the shares that both have if they are one. A wild
    bootstrap with the hypothesis imposed (C.-F. Wu 1986; A. C. Cameron, J. Gelbach and D. Miller 2008): its level is that
    of many units, measured from a dozen on in `benchmarks/audit_statistics.py`.
    """
    parts = (first, second)
    shares = [part.sum(axis=0) / part.sum() for part in parts]
    pooled = np.average(shares, axis=0, weights=effective)
    drawn = []
    for part in parts:
        left = (part - part.sum(axis=1, keepdims=True) * pooled) / part.sum()
        drawn.append(_signs(rng, flips, len(part)) @ left * np.sqrt(len(part) / max(1, len(part) - 1)))
    return p_value(_statistics(np.concatenate([[shares[1] - shares[0]], drawn[1] - drawn[0]]), pooled), rng)


def paired_test(
    differences: Float[np.ndarray, "U G"],
    pooled: Float[np.ndarray, " G"],
    rng: np.random.Generator,
    flips: int = PERMUTATIONS,
) -> float:
    """P-value of no difference, given what each unit of pairs adds to the difference of the shares in pooled bins.

    Exact where the two of each pair may as well be exchanged. `pooled` are the shares of both together.
    """
    if not np.any(differences):
        return 1.0  # every pair is the same: nothing to flip
    signs = np.concatenate([np.ones((1, len(differences))), _signs(rng, flips, len(differences))])
    return p_value(_statistics(signs @ differences, pooled), rng)


def _signs(rng: np.random.Generator, flips: int, units: int) -> Float[np.ndarray, "B U"]:
    return rng.integers(0, 2, (flips, units)) * 2.0 - 1


def _statistics(difference: Float[np.ndarray, "B G"], pooled: Float[np.ndarray, " G"]) -> Float[np.ndarray, "B 2"]:
    """Squared distances: Anderson and Darling's of shares below, which sees moves of the whole, and chi squared of coarser bins."""
    below = np.cumsum(pooled)[:-1]
    walk = np.cumsum(difference, axis=1)[:, :-1] ** 2 / np.maximum(below * (1 - below), 1e-12)
    places = np.arange(0, len(pooled), -(-len(pooled) // COARSE))
    coarse = np.add.reduceat(difference, places, axis=1) ** 2 / np.maximum(np.add.reduceat(pooled, places), 1e-12)
    return np.stack([walk.sum(axis=1), coarse.sum(axis=1)], axis=1)
