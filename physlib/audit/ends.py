"""Hard ends of a distribution, and what a generator with some error loses there whatever it learns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from physlib.forecasting.forecast import Forecast

STRIP = 0.025  # share of the range that is looked at on either side of a strip's edge
LEAST = 20  # trajectories in a strip below which nothing is said
STEEP = 0.6  # density at the end over that further in, from which the end is hard
GUARD = 2.0  # standard deviations of the error that a guard band is wide


@dataclass(frozen=True)
class HardEnd:
    """An end at which the density does not fade out."""

    at: float
    upper: bool
    lost: float  # share of all that an error of the typical size carries beyond, or smooths away
    guard: float  # width of a band beyond it to be shown in training and trimmed from samples


def hard_ends(q: Float[np.ndarray, " N"], forecast: Forecast) -> list[HardEnd]:
    """The hard ends among both; losses are those of a normal error with the forecast's spread in the bin at the end.

    A density `f` that stops at an edge loses `f s / sqrt(2 pi)` to an error of standard deviation `s`.
    """
    low, high = np.quantile(q, [0.0, 1.0])
    strip, found = STRIP * (high - low), []
    for upper, edge in ((False, low), (True, high)):
        inward = np.abs(q - edge)
        first, second = int((inward < strip).sum()), int(((inward >= strip) & (inward < 2 * strip)).sum())
        if first < LEAST or first < STEEP * second or np.mean(inward < 1e-9 * (high - low)) > 0.5 * first / len(q):
            continue  # fades out, or is an atom
        size = float(np.sqrt(2 * forecast.spread[-1 if upper else 0]))
        lost = min(first / len(q) / strip * size / np.sqrt(2 * np.pi), 0.5)
        found.append(HardEnd(float(edge), upper, float(lost), GUARD * size))
    return [end for end in found if end.guard > 0]
