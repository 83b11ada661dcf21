"""Length and peak speed of paths after smoothing at the scale of their error."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.fft import dct, idct

from physlib.tasks.arm import DT, ArmPositions
from physlib.tasks.estimators.rows import by_rows
from physlib.tasks.maze import Maze, TimedUMaze

STRENGTHS = np.geomspace(1e-6, 1e6, 40)  # of the smoothing: error variance over the variance that roughness allows
ORDER = 2.5  # of the derivative whose size is roughness: the mazes' paths have power falling like frequency^-5
SHARE = 0.05  # of the most likely strength that is used: less rounding of turns, for more error that is taken off
PEAK_ORDER, PEAK_SHARE = 3.0, 0.1  # the same for a controlled reach, which is smoother
CHUNK = 2_000  # paths worked on at once


def smoothed_steps(
    path: Float[np.ndarray, "N T 2"], order: float, share: float
) -> tuple[Float[np.ndarray, "N S"], Float[np.ndarray, "N S"]]:
    """Length of each step of the smoothed path, and the variance left in it across its direction.

    Smoothing spline in the cosine basis over time (D. Garcia, Computational Statistics and Data Analysis 54 (2010),
    1167-1178) with the error's variance, one a channel, and the strength by marginal likelihood (G. Wahba,
    Annals of Statistics 13 (1985), 1378-1402).
    """
    steps = path.shape[1]
    codes = dct(path, axis=1, norm="ortho")
    rough = (2 - 2 * np.cos(np.pi * np.arange(1, steps) / steps)) ** order
    removed = STRENGTHS[:, None] * rough / (1 + STRENGTHS[:, None] * rough)  # share of each coefficient
    variance = np.stack([codes[:, 1:, c] ** 2 @ removed.T for c in (0, 1)]) / (steps - 1)  # (2, N, strengths)
    unlikely = (steps - 1) * np.log(np.maximum(variance, 1e-300)).sum(axis=0) - 2 * np.log(removed).sum(axis=1)
    best = unlikely.argmin(axis=1)
    error = np.take_along_axis(variance, best[None, :, None], axis=2)[..., 0].T
    kept = np.ones((len(path), steps))
    kept[:, 1:] = 1 / (1 + share * STRENGTHS[best, None] * rough)
    step = np.diff(idct(kept[..., None] * codes, axis=1, norm="ortho"), axis=1)
    left = kept**2 @ np.diff(idct(np.eye(steps), axis=0, norm="ortho"), axis=0).T ** 2  # variance of a step per error's
    length = np.linalg.norm(step, axis=2)
    across = np.sum(step[..., ::-1] ** 2 * error[:, None], axis=2) / np.maximum(length, 1e-150) ** 2
    return length, left * across


def _corrected(length: Float[np.ndarray, "N S"], variance: Float[np.ndarray, "N S"]) -> Float[np.ndarray, "N S"]:
    """Step lengths less what an error across the step adds in the mean, its variance over twice the length.

    Below 1.2 standard deviations, about the mean length of a mere error, the term is that of this length.
    """
    return length - variance / 2 / np.maximum(length, 1.2 * np.sqrt(variance) + 1e-150)


def _length(task: Maze, x: Float[np.ndarray, "N T D"]) -> Float[np.ndarray, " N"]:
    length = np.maximum(_corrected(*smoothed_steps(x[..., :2], ORDER, SHARE)).sum(axis=1), 0)
    if not isinstance(task, TimedUMaze):
        return length
    time = np.linspace(-0.5, 0.5, x.shape[1])
    duration = x[..., 2] @ time / (time @ time)  # of the straight line through the clock's readings
    return np.where(duration > 0, length / duration, np.nan)


def smoothed_length(task: Maze, x: Float[Any, "N T D"]) -> Float[np.ndarray, " N"]:
    """Length of paths after smoothing, cells; with a clock the mean speed, by a straight line through its readings.

    An error lengthens a path by its variance over the step length; here most of it is smoothed away and the mean effect
    of the rest taken off. Paths without error come out exact to .1 % in root mean square, 2 % at worst.
    Where the error is as small as the kinks of a path (1 % on the larger mazes) it is taken for them in part.
    NaN where a path is not finite or its clock does not advance.
    """
    return by_rows(lambda part: _length(task, part), x, CHUNK)


def _peak(x: Float[np.ndarray, "N T 2"]) -> Float[np.ndarray, " N"]:
    return _corrected(*smoothed_steps(x, PEAK_ORDER, PEAK_SHARE)).max(axis=1) / DT


def smoothed_peak(task: ArmPositions, x: Float[Any, "N T 2"]) -> Float[np.ndarray, " N"]:
    """Peak speed of the hand after smoothing, m/s. A maximum, so what error is left still raises it a little."""
    return by_rows(_peak, x, CHUNK)
