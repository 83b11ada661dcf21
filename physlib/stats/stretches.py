"""Stretches of neighbouring bins that gain or lose mass together."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float

LEVEL = 3.0  # standard errors beyond which one of some twenty stretches is not chance


def stretches(change: Float[np.ndarray, " M"], variance: Float[np.ndarray, " M"], level: float = LEVEL) -> list[slice]:
    """Rows of a mass vector whose changes have one sign and together exceed `level` standard errors, largest first.

    `variance` is that of each row's change; rows of a multinomial are taken as independent, which errs on the safe side
    for stretches of few bins. The last row, of values that are not finite, has no place on the axis and is left out.
    """
    sign = np.sign(change[:-1])
    starts = [0, *(np.flatnonzero(np.diff(sign)) + 1)]
    found = []
    for first, stop in zip(starts, [*starts[1:], len(sign)], strict=True):
        # bins at the ends that hardly moved share the sign by chance
        clear = first + np.flatnonzero(np.abs(change[first:stop]) > np.sqrt(variance[first:stop]))
        if not clear.size:
            continue
        rows = slice(int(clear[0]), int(clear[-1]) + 1)
        if abs(change[rows].sum()) > level * math.sqrt(variance[rows].sum()):
            found.append(rows)
    return sorted(found, key=lambda rows: -abs(change[rows].sum()))
