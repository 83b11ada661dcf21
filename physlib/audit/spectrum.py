"""Size and smoothness of the error in samples, read from their differences over time.

An error independent of the motion adds its own mean square to that of every difference, whatever the quantity. The
excess of samples over demonstrations at orders one, two and three therefore gives its size and its correlation length,
without a look at the quantity. A motion that is merely faster or larger multiplies them instead, by factors whose
logarithms rise in a straight line with the order: where that fits as well, there is no error to be read.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from physlib.audit.io.episodes import Episodes
from physlib.kernels.additive import smooth_power
from physlib.tasks.quantities import mean_squared_difference

ORDERS = (1, 2, 3)
CLEAR = 3.0  # standard errors beyond which an excess is taken for one
PACE = 1.5  # largest factor by which a motion is taken to be faster or slower
BENT = 0.1  # bend of the line of logarithms that paces which differ by a tenth make


@dataclass(frozen=True)
class Spectrum:
    """What the differences say of the error; None where they say nothing."""

    size: float | None  # root mean square, share of each column's standard deviation
    length: float | None  # correlation length, steps; 0 is white
    excess: tuple[float, ...]  # of mean squares of differences of each order, in squared standard deviations
    standard_error: tuple[float, ...]
    moved: bool  # whether a faster, slower or larger motion without error says as much

    @property
    def kind(self) -> str:
        """In a word."""
        if self.length is not None:
            return "white" if self.length < 0.5 else "smooth"
        smoother = all(e < -CLEAR * s for e, s in zip(self.excess, self.standard_error, strict=True))
        return "smoother than the demonstrations" if smoother else "unreadable"


def mean_squares(e: Episodes, scale: Float[np.ndarray, " D"]) -> Float[np.ndarray, "N 3"]:
    """Mean square difference of each order on each trajectory, columns in their standard deviations."""
    moving = scale > 0
    x = e.x[:, :, moving] / scale[moving]
    return np.stack([mean_squared_difference(x, order, e.steps) for order in ORDERS], axis=1) / x.shape[2]


def expected(steps: int, length: float) -> Float[np.ndarray, " 3"]:
    """Mean squares of the differences of an error of size 1 and a correlation length; white: 2, 6, 20."""
    # on a fine grid of frequencies, as for a long trajectory
    power = smooth_power(64 * steps, length)
    squared = 2 - 2 * np.cos(np.pi * (np.arange(64 * steps) + 0.5) / (64 * steps))
    return np.array([(power * squared**order).mean() for order in ORDERS])


def _merely_moved(both: list[Float[np.ndarray, "_ 3"]]) -> bool:
    """Whether the motion's own pace and size, changed, explain the mean squares of samples against demonstrations."""
    means = [m.mean(axis=0) for m in both]
    with np.errstate(divide="ignore", invalid="ignore"):  # no difference at all is none that a pace multiplies
        ratio = np.log(means[1] / means[0])
        second = np.array([1, -2, 1])
        error = np.sqrt(sum(np.var((m / mean) @ second) / len(m) for m, mean in zip(both, means, strict=True)))
        pace = np.exp((ratio[-1] - ratio[0]) / 4)
        return bool(1 / PACE < pace < PACE and abs(ratio @ second) < BENT + CLEAR * error)


def read_spectrum(demonstrations: Episodes, samples: Episodes, scale: Float[np.ndarray, " D"]) -> Spectrum:
    """Fit size and correlation length to the excess of mean squared differences, weighted by its standard error."""
    both = [mean_squares(e, scale) for e in (demonstrations, samples)]
    excess = both[1].mean(axis=0) - both[0].mean(axis=0)
    error = np.sqrt(sum(m.var(axis=0) / len(m) for m in both)) + 1e-300
    steps = demonstrations.x.shape[1]
    seen = steps > max(ORDERS) and bool(np.any(np.abs(excess) > CLEAR * error))
    moved = seen and _merely_moved(both)
    unread = Spectrum(None, None, tuple(map(float, excess)), tuple(map(float, error)), moved)
    if moved or not seen or not np.any(excess > CLEAR * error):
        return unread
    lengths = np.concatenate([[0.0], np.geomspace(0.2, steps / 2, 120)])
    shapes = np.array([expected(steps, length) for length in lengths])
    weight = 1 / error**2
    square = np.clip((shapes * excess * weight).sum(axis=1) / (shapes**2 * weight).sum(axis=1), 0, None)
    misfit = ((excess - square[:, None] * shapes) ** 2 * weight).sum(axis=1)
    best = int(np.argmin(misfit))
    if square[best] == 0 or best == len(lengths) - 1:  # longer than any error could be distinguished from the motion
        return unread
    return dataclasses.replace(unread, size=float(np.sqrt(square[best])), length=float(lengths[best]))
