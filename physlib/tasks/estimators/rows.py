"""Work through many trajectories in chunks, without those that are not finite."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float


def by_rows(
    read: Callable[[Float[np.ndarray, "M T D"]], Float[np.ndarray, " M"]], x: Float[Any, "N T D"], chunk: int
) -> Float[np.ndarray, " N"]:
    """`read` of `chunk` trajectories after another, NaN where a trajectory is not finite."""
    x = np.asarray(x, dtype=float)
    kept = np.flatnonzero(np.isfinite(x).all(axis=(1, 2)))
    q = np.full(len(x), np.nan)
    with np.errstate(all="ignore"):  # a trajectory that cannot be read divides by zero, and is NaN
        for i in range(0, len(kept), chunk):
            rows = kept[i : i + chunk]
            q[rows] = read(x[rows])
    return q
