"""Distance to the nearest of a set."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.spatial import KDTree


def nearest(x: Float[np.ndarray, "N T D"], known: Float[np.ndarray, "L T D"]) -> Float[np.ndarray, " N"]:
    """Euclidean distance from each trajectory to the nearest of `known`, over all of its entries."""
    return KDTree(known.reshape(len(known), -1)).query(x.reshape(len(x), -1))[0]
