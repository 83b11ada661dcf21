"""Size and smoothness of the error in samples, read from their differences over time (pages layer).

An error independent of the motion adds its own mean square to that of every difference, whatever the quantity. The
excess of samples over demonstrations at orders one, two and three therefore gives its size and its correlation length,
without a look at the quantity.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from physlib.audit.deviations import smooth_power
from physlib.audit.quantities import Episodes

ORDERS = (1, 2, 3)
CLEAR = 3.0  # standard errors beyond which an excess is taken for one


@dataclass(frozen=True)
class Spectrum:
    """What the differences say of the error; None where they say nothing."""

    size: float | None  # root mean square, share of each column's standard deviation
    length: float | None  # correlation length, steps; 0 is white
    excess: tuple[float, ...]  # of mean squares of differences of each order, in squared standard deviations
    standard_error: tuple[float, ...]

    @property
    def kind(self) -> str:
        """In a word."""
        if self.length is None:
            smoother = all(e < -CLEAR * s for e, s in zip(self.excess, self.standard_error, strict=True))
            return "smoother than the demonstrations" if smoother else "not readable"
        return "white" if self.length < 0.5 else "smooth"


def _mean_squares(e: Episodes, scale: Float[np.ndarray, " D"]) -> Float[np.ndarray, "N 3"]:
    """Mean square difference of each order on each trajectory, columns in their standard deviations."""
    moving = scale > 0
    x, rows = e.x[:, :, moving] / scale[moving], []
    for order in ORDERS:
        square = (np.diff(x, order, axis=1) ** 2).mean(axis=2)
        real = np.arange(order, x.shape[1]) < e.steps[:, None]
        rows.append((square * real).sum(axis=1) / np.maximum(real.sum(axis=1), 1))
    return np.stack(rows, axis=1)


def expected(steps: int, length: float) -> Float[np.ndarray, " 3"]:
    """Mean squares of the differences of an error of size 1 and a correlation length; white: 2, 6, 20."""
    # on a fine grid of frequencies, as for a long trajectory
    power = smooth_power(64 * steps, length)
    squared = 2 - 2 * np.cos(np.pi * (np.arange(64 * steps) + 0.5) / (64 * steps))
    return np.array([(power * squared**order).mean() for order in ORDERS])


def read_spectrum(demonstrations: Episodes, samples: Episodes, scale: Float[np.ndarray, " D"]) -> Spectrum:
    """Fit size and correlation length to the excess of mean squared differences, weighted by its standard error."""
    both = [_mean_squares(e, scale) for e in (demonstrations, samples)]
    excess = both[1].mean(axis=0) - both[0].mean(axis=0)
    error = np.sqrt(sum(m.var(axis=0) / len(m) for m in both)) + 1e-300
    unread = Spectrum(None, None, tuple(map(float, excess)), tuple(map(float, error)))
    if demonstrations.x.shape[1] <= max(ORDERS) or not np.any(excess > CLEAR * error):
        return unread
    steps = demonstrations.x.shape[1]
    lengths = np.concatenate([[0.0], np.geomspace(0.2, steps / 2, 120)])
    shapes = np.array([expected(steps, length) for length in lengths])
    weight = 1 / error**2
    square = np.clip((shapes * excess * weight).sum(axis=1) / (shapes**2 * weight).sum(axis=1), 0, None)
    misfit = ((excess - square[:, None] * shapes) ** 2 * weight).sum(axis=1)
    best = int(np.argmin(misfit))
    if square[best] == 0 or best == len(lengths) - 1:  # a change of the motion itself, not an error of some length
        return unread
    return Spectrum(float(np.sqrt(square[best])), float(lengths[best]), unread.excess, unread.standard_error)
