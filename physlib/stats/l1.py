"""Intervals for weighted L1 norms of a noisy difference: total variation of shares, Wasserstein distance of shares below.

Noise adds to a norm, the more the less a difference stands out from it. Entries that stand out are taken as they are; of
the others, as much is noise as has its energy, and the rest is shrunk to what then remains (C. Stein's estimator, with
the energy of the noise drawn anew for each draw, so that not knowing it widens the interval). Measured coverage of 95 %
intervals: `benchmarks/audit_statistics.py`.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from physlib.stats.intervals import basic_interval

CLEAR = 3.5  # standard errors beyond which an entry stands out


def l1_interval(
    difference: Float[np.ndarray, " M"],
    noise: Float[np.ndarray, "B M"],
    weights: Float[np.ndarray, " M"] | float,
    level: float = 0.95,
) -> tuple[float, float]:
    """Interval for `sum(weights * |true difference|)`; `noise` are draws of the error of `difference`, mean 0."""
    weights = np.broadcast_to(weights, difference.shape)
    error = noise.std(axis=0)
    rest = np.abs(difference) <= CLEAR * error
    kept, seen = np.ones(len(noise)), rest & (error > 0)
    each = weights[seen] / error[seen] ** 2
    energy = each @ difference[seen] ** 2
    if energy > 0:
        kept = np.clip(1 - np.roll(noise, 1, axis=0)[:, seen] ** 2 @ each / energy, 0, 1)
    share = np.where(rest, kept[:, None], 1)
    draws = np.abs(share * difference + np.sqrt(share) * noise) @ weights
    tail = (1 - level) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    if np.all(rest | (error == 0)):
        return float(low), float(high)
    # entries that stand out by a little were chosen for their noise: reflection errs to the safe side above
    reflected = basic_interval(np.abs(difference + noise) @ weights, float(np.abs(difference) @ weights), level)
    return float(low), float(max(high, reflected[1]))
