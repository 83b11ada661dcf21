"""Frequency of the sinusoid that fits a series best, by variable projection."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float

from physlib.tasks.estimators.rows import by_rows
from physlib.tasks.sinusoid import Sinusoid

GRID = 128  # frequencies tried first; the main lobe of 16 steps is sixteen of their spacings wide
ROUNDS = 40  # of Newton's method between two bounds, whose distance is halved where a step would leave them
CONVERGED = 1e-7  # rad/step; the next of Newton's steps would be of the order of the square
CHUNK = 5_000  # series worked on at once, which fit the processor's cache


def profile(u: Float[np.ndarray, "N T"], q: Float[np.ndarray, " N"]) -> Float[np.ndarray, "3 N"]:
    """Energy of series in the span of `cos(q t)` and `sin(q t)`, and its first two derivatives in `q`.

    About the centre of the window the two are orthogonal, so the energy is a sum of two terms, projection squared over
    squared norm.
    """
    t = np.arange(u.shape[1]) - (u.shape[1] - 1) / 2
    even, odd = np.cos(q[:, None] * t), np.sin(q[:, None] * t)
    ut = u * t
    first, second = np.sum(2 * t * even * odd, axis=1), np.sum(2 * t**2 * (even**2 - odd**2), axis=1)
    total = np.zeros((3, len(q)))
    for wave, other, sign in ((even, odd, -1), (odd, even, 1)):
        a, a1, a2 = np.sum(u * wave, axis=1), sign * np.sum(ut * other, axis=1), -np.sum(ut * t * wave, axis=1)
        c, c1, c2 = np.sum(wave**2, axis=1), sign * first, sign * second
        share = a / c
        slope = (a1 - share * c1) / c
        bend = (a2 - share * c2 - 2 * slope * c1) / c
        total += share * a, a1 * share + a * slope, a2 * share + 2 * a1 * slope + a * bend
    return total


def _frequency(u: Float[np.ndarray, "N T"]) -> Float[np.ndarray, " N"]:
    """Maximum of the profile over frequencies from 0 to pi: the best of a grid, then Newton between its neighbours."""
    width = np.pi / GRID
    grid = width * (np.arange(GRID) + 0.5)
    phase = np.outer(np.arange(u.shape[1]) - (u.shape[1] - 1) / 2, grid)
    energy = sum((u @ wave) ** 2 / np.sum(wave**2, axis=0) for wave in (np.cos(phase), np.sin(phase)))
    q = grid[energy.argmax(axis=1)]
    low, high = np.maximum(q - width, 0), np.minimum(q + width, np.pi)
    for _ in range(ROUNDS):
        _, slope, bend = profile(u, q)
        low, high = np.where(slope >= 0, q, low), np.where(slope <= 0, q, high)
        then = q - slope / bend
        then = np.where((bend < 0) & (then >= low) & (then <= high), then, (low + high) / 2)
        done, q = np.abs(then - q).max() < CONVERGED, then
        if done:
            break
    return np.where(u.any(axis=1), q, np.nan)


def best_sinusoid(task: Sinusoid, x: Float[Any, "N T 1"]) -> Float[np.ndarray, " N"]:
    """Angular frequency of the sinusoid, of any amplitude and phase, with the least squared error, rad/step.

    Maximum likelihood under white Gaussian error; amplitude and phase are eliminated by projection (G. H. Golub and
    V. Pereyra, SIAM Journal on Numerical Analysis 10 (1973), 413-432). Values lie in [0, pi], whatever the task's range;
    at 0, to 1e-6, where a straight line fits better than any sinusoid. NaN for a series that vanishes or is not finite.
    """
    return by_rows(lambda part: _frequency(part[..., 0]), x, CHUNK)
