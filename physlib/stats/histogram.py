"""Histograms of a quantity with tails and failures: a *mass* vector has `M = K + 3` entries."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float, Int

BINS = 20
"""Default number of bins K over the range of the balanced quantity."""


def bin_index(q: Float[Any, " N"], lo: float, hi: float, bins: int = BINS) -> Int[np.ndarray, " N"]:
    """Row of the mass vector that each measurement falls in: 0 underflow, 1..K, K+1 overflow, K+2 failed.

    Both ends of the range belong to it, as in `numpy.histogram`.
    """
    q = np.asarray(q, dtype=np.float64)
    finite = np.isfinite(q)
    position = (np.where(finite, q, lo) - lo) / (hi - lo)
    index = np.clip(np.floor(position * bins).astype(np.int64), 0, bins - 1) + 1
    index[position < 0] = 0
    index[position > 1] = bins + 1
    index[~finite] = bins + 2
    return index


def bin_counts(q: Float[Any, " N"], lo: float, hi: float, bins: int = BINS) -> Int[np.ndarray, " M"]:
    """Counts of `q` `(N,)` as underflow, K bins, overflow, failed."""
    return np.bincount(bin_index(q, lo, hi, bins), minlength=bins + 3)


def flat_mass(bins: int = BINS) -> Float[np.ndarray, " M"]:
    """The intended prior: equal mass in each of the K bins, none outside."""
    mass = np.zeros(bins + 3)
    mass[1 : bins + 1] = 1 / bins
    return mass
