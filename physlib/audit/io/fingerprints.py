"""Rows that share a stretch of motion: copies, and windows cut from one path.

Every step is hashed, and of each row the stretch kept that begins with the smallest hash: two rows that share much of
their motion keep the same one, wherever it lies in them (A. Broder 1997). Only steps are hashed, so that windows may have
been moved to their own first point.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt64

MOST = 100_000  # rows that are looked at
STEPS = 8  # of a stretch, fewer where trajectories are short
COARSE = 1_000  # different steps of the first rows below which data lies on a grid: then only whole rows are compared
ALIKE = 0.05  # share of rows beyond which some depend on each other
NONE = np.uint64(2**64 - 1)  # of a row that does not move


@dataclass(frozen=True)
class Repeats:
    """How many of the rows that move share a stretch of motion with another."""

    rows: int  # looked at that move
    sharing: int
    distinct: int  # different stretches among them

    @property
    def dependent(self) -> bool:
        """Whether enough rows share motion to matter."""
        return self.sharing > ALIKE * max(1, self.rows)


class Fingerprints:
    """Two smallest hashes of each row, block by block."""

    def __init__(self):
        self._unit, self._span, self._found, self._rows = None, 0, [], 0

    def add(self, x: Float[np.ndarray, "N T D"], precision: float) -> None:
        """Rows of the next block; `precision` is the relative one of the numbers as stored."""
        x = x[: max(0, MOST - self._rows)]
        if not len(x):
            return
        self._rows += len(x)
        step = np.diff(x, axis=1)
        if self._unit is None:
            moving = np.abs(step[step != 0])
            if not moving.size:
                return
            self._unit = max(1e-6 * float(np.median(moving)), 8 * precision * float(np.abs(x).max()))
            kinds = len(np.unique(np.rint(moving[:100_000] / self._unit)))
            self._span = step.shape[1] if kinds < COARSE else min(STEPS, max(1, step.shape[1] // 3))
        self._found.append(_smallest(np.rint(step / self._unit).astype(np.int64).view(np.uint64), self._span))

    def repeats(self) -> Repeats:
        """What the rows so far have in common."""
        if not self._found:
            return Repeats(0, 0, 0)
        prints = np.concatenate(self._found, axis=1)
        prints = prints[:, (prints != NONE).all(axis=0)]
        shared = np.zeros(prints.shape[1], bool)
        for one in prints:
            _, place, number = np.unique(one, return_inverse=True, return_counts=True)
            shared |= number[place] > 1
        return Repeats(prints.shape[1], int(shared.sum()), len(np.unique(prints[0])))


def _smallest(step: UInt64[np.ndarray, "N S D"], span: int) -> UInt64[np.ndarray, "2 N"]:
    """By two hash functions, the hash of the stretch of `span` steps that begins with the smallest one; `NONE` without motion."""
    rng, dims = np.random.default_rng(0), step.shape[2]
    odd = rng.integers(0, 2**63, (dims + span, 2), dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    count, rows, found = step.shape[1] - span + 1, np.arange(len(step))[:, None], []
    for one in range(2):
        each = step[..., 0] * odd[0, one]
        for d in range(1, dims):
            each += step[..., d] * odd[d, one]
        # a stretch that rests at one of its ends says little, and is shared by chance; a row as a whole may
        moves = each != 0
        free = moves[:, :count] & moves[:, span - 1 :] if count > 1 else moves.any(axis=1, keepdims=True)
        first = np.where(free, _mixed(each[:, :count]), NONE).argmin(axis=1)[:, None]
        hashed = _mixed(each[rows, first + np.arange(span)] * odd[dims:, one]).sum(axis=1, dtype=np.uint64)
        found.append(np.where(free.any(axis=1), hashed, NONE))
    return np.stack(found)


def _mixed(value: np.ndarray) -> np.ndarray:
    """Bits stirred so that near values are far apart (S. Vigna's splitmix64)."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    return value ^ (value >> np.uint64(27))
