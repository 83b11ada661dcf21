"""Blocks of a file as episodes: idle ends cut, angles unwrapped, padding replaced, resampled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from physlib.core.errors import PhyslibError, unknown

RAGGED = ("mask", "resample")
RELATIVE = ("first", "last", "mean")
IDLE = 0.01  # share of an episode's longest step below which a step is none


@dataclass(frozen=True)
class Reading:
    """How a file is to be read."""

    key: str = "x"  # name of the array within a file
    columns: tuple[int | str, ...] | None = None  # those that hold positions; all where none are named
    dt: float | None = None  # time between steps, seconds; else what the file says; else time is counted in steps
    ragged: str | None = None  # what to do with episodes of different lengths: one of `RAGGED`
    length: int | None = None  # steps to resample to; as many as the file has, where not given
    angles: tuple[int, ...] = ()  # those of the chosen columns that are angles, radians
    episode: str | None = None  # column of a table that says which trajectory a row belongs to
    trim_idle: bool = False  # whether to cut off the idle steps at both ends of every episode
    drop_undefined: bool = False  # whether to leave out trajectories for which the quantity has no value
    relative: str | None = None  # what the model's own coordinates are counted from: one of `RELATIVE`

    def check(self) -> None:
        """Raise for values that cannot be."""
        if self.ragged is not None and self.ragged not in RAGGED:
            raise unknown("way with unequal episodes", self.ragged, RAGGED)
        if self.relative is not None and self.relative not in RELATIVE:
            raise unknown("point for --relative", self.relative, RELATIVE)
        if self.dt is not None and not 0 < self.dt < np.inf:
            raise PhyslibError(f"a time step of {self.dt:g} is not possible: give --dt above 0.")
        if self.length is not None and (self.ragged != "resample" or self.length < 2):
            raise PhyslibError("--length sets the steps of --ragged resample and must be 2 or more.")


class Episodes(NamedTuple):
    """Trajectories of up to T steps."""

    x: Float[np.ndarray, "N T D"]  # positions; beyond the real steps the last one is repeated
    steps: Int[np.ndarray, " N"]  # real steps of each
    dt: Float[np.ndarray, " N"]  # time between steps


def prepared(
    x: Float[np.ndarray, "N S D"],
    steps: Int[np.ndarray, " N"],
    dt: Float[np.ndarray, " N"],
    reading: Reading,
    length: int,
) -> Episodes:
    """A block with its padding replaced by the last real point, or resampled so that there is none."""
    x = hold_last(x, steps)
    if reading.angles:
        x[:, :, list(reading.angles)] = np.unwrap(x[:, :, list(reading.angles)], axis=1)
    if reading.trim_idle:
        x, steps = _trimmed(x, steps)
    if reading.ragged != "resample":
        return Episodes(x, steps, dt)
    place = np.linspace(0, 1, length) * (steps[:, None] - 1)
    below = np.minimum(place.astype(int), x.shape[1] - 2)
    share = (place - below)[:, :, None]
    left, right = (np.take_along_axis(x, (below + i)[:, :, None], axis=1) for i in (0, 1))
    return Episodes((1 - share) * left + share * right, np.full(len(x), length), dt * (steps - 1) / (length - 1))


def hold_last(x: Float[np.ndarray, "N T D"], steps: Int[np.ndarray, " N"]) -> Float[np.ndarray, "N T D"]:
    """Trajectories with the last real point repeated beyond it."""
    last = np.minimum(np.arange(x.shape[1]), steps[:, None] - 1)
    return np.take_along_axis(x, last[:, :, None], axis=1)


def _trimmed(
    x: Float[np.ndarray, "N T D"], steps: Int[np.ndarray, " N"]
) -> tuple[Float[np.ndarray, "N T D"], Int[np.ndarray, " N"]]:
    """Episodes from where they first move to where they last do; two steps of those that never do."""
    way = np.linalg.norm(np.diff(x, axis=1), axis=2)
    moves = way > IDLE * way.max(axis=1, keepdims=True)
    never = ~moves.any(axis=1)
    first = np.where(never, 0, moves.argmax(axis=1))
    last = np.where(never, 1, way.shape[1] - moves[:, ::-1].argmax(axis=1))
    place = np.minimum(np.arange(x.shape[1]) + first[:, None], last[:, None])
    return np.take_along_axis(x, place[:, :, None], axis=1), last - first + 1


def origin(e: Episodes, relative: str | None) -> Float[np.ndarray, "N 1 D"] | float:
    """The point of each episode that a model's coordinates are counted from; 0 where they are as stored."""
    if relative is None:
        return 0.0
    if relative == "first":
        return e.x[:, :1]
    if relative == "last":
        return e.x[:, -1:]  # the last real one, which padding repeats
    real = np.arange(e.x.shape[1]) < e.steps[:, None]
    return (e.x * real[..., None]).sum(axis=1, keepdims=True) / e.steps[:, None, None]
