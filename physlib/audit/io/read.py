"""One pass over a file of trajectories: checked, measured, and a subset kept for everything that follows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from tqdm import tqdm

from physlib.audit.io.files import Source, open_source
from physlib.audit.quantities import check_enough
from physlib.core.errors import PhyslibError, unknown
from physlib.tasks.quantities import Quantity

LEAST = 100  # trajectories below which bins would be noise
RAGGED = ("mask", "resample")
KEPT = 20_000  # trajectories kept for Monte Carlo, fewer where they are long
KEPT_ENTRIES = 8_000_000  # and at most so many numbers


@dataclass(frozen=True)
class Reading:
    """How a file is to be read."""

    key: str = "x"  # name of the array within a file
    columns: tuple[int, ...] | None = None  # those that hold positions; all where none are named
    dt: float | None = None  # time between steps, seconds; where not given, time is counted in steps
    ragged: str | None = None  # what to do with episodes of different lengths: one of `RAGGED`
    length: int | None = None  # steps to resample to; as many as the file has, where not given


class Episodes(NamedTuple):
    """Trajectories of up to T steps."""

    x: Float[np.ndarray, "N T D"]  # positions; beyond the real steps the last one is repeated
    steps: Int[np.ndarray, " N"]  # real steps of each
    dt: Float[np.ndarray, " N"]  # time between steps


@dataclass(frozen=True)
class Loaded:
    """What is kept of a file: the quantity of every trajectory, and whole trajectories of a random subset."""

    name: str
    q: Float[np.ndarray, " N"]
    kept: Episodes  # the subset, in random order
    rows: Int[np.ndarray, " M"]  # its places in the file
    mean: Float[np.ndarray, " D"]  # of each chosen column, over trajectories and real steps
    scale: Float[np.ndarray, " D"]  # standard deviation, likewise

    @property
    def kept_q(self) -> Float[np.ndarray, " M"]:
        """The quantity of the subset."""
        return self.q[self.rows]


def open_trajectories(data: str | Path | np.ndarray, reading: Reading) -> Source:
    """`open_source`, or a local Minari dataset written `minari:NAME`; too few or too short trajectories are refused."""
    if isinstance(data, str) and data.startswith("minari:"):
        from physlib.tasks.recorded import minari_episodes

        x, steps = minari_episodes(data.removeprefix("minari:"))
        source = Source(data.removeprefix("minari:"), x.shape, lambda: iter([x]), steps)
    else:
        source = open_source(data, reading.key)
    if source.shape[0] < LEAST:
        raise PhyslibError(
            f"{source.name} holds {source.shape[0]} trajectories: an audit needs {LEAST} or more, better thousands."
        )
    if reading.ragged is not None and reading.ragged not in RAGGED:
        raise unknown("way with unequal episodes", reading.ragged, RAGGED)
    if source.steps is not None and reading.ragged is None:
        raise PhyslibError(
            f"{source.name} has episodes of {source.steps.min()} to {source.steps.max()} steps: choose --ragged mask "
            "(only real steps count) or --ragged resample (all to one length)."
        )
    if reading.dt is not None and not 0 < reading.dt < np.inf:
        raise PhyslibError(f"a time step of {reading.dt:g} is not possible: give --dt above 0.")
    if reading.length is not None and (reading.ragged != "resample" or reading.length < 2):
        raise PhyslibError("--length sets the steps of --ragged resample and must be 2 or more.")
    for column in reading.columns or ():
        if not 0 <= column < source.shape[2]:
            raise PhyslibError(
                f"{source.name} has no column {column}: it has {source.shape[2]}, counted from 0. Mend --columns."
            )
    return source


def check_match(demonstrations: Source, samples: Source, reading: Reading) -> None:
    """Raise where samples cannot be compared with demonstrations step by step and column by column."""
    (_, steps, dims), (_, other_steps, other_dims) = demonstrations.shape, samples.shape
    if dims != other_dims:
        raise PhyslibError(f"demonstrations have {dims} columns (D) and samples {other_dims}: give both the same.")
    if steps != other_steps and reading.ragged != "resample":
        raise PhyslibError(
            f"demonstrations have {steps} steps (T) and samples {other_steps}: give both the same, or --ragged resample."
        )


def load(source: Source, quantity: Quantity, reading: Reading, rng: np.random.Generator, length: int) -> Loaded:
    """Read a source once from front to back. `length` is the number of steps that resampling makes.

    Memory does not grow with the number of trajectories but for one number each. Raises `PhyslibError` for entries or
    quantities that are not finite, and says how many and where the first is.
    """
    n, _, dims = source.shape
    columns = list(reading.columns) if reading.columns else list(range(dims))
    steps = length if reading.ragged == "resample" else source.shape[1]
    check_enough(quantity, steps, len(columns))
    size = min(n, KEPT, max(1_000, KEPT_ENTRIES // (steps * len(columns))))
    rows = np.sort(rng.choice(n, size, replace=False))
    q, kept, moments, bad, first = np.empty(n), [], _Moments(), 0, ""
    with np.errstate(all="ignore"):  # what is not finite is counted, not warned about
        for start, block in _with_progress(source):
            stop = start + len(block)
            real = source.steps[start:stop] if source.steps is not None else np.full(len(block), source.shape[1])
            episodes = _episodes(block[:, :, columns].astype(float), real, reading, steps)
            count, place = _not_finite(episodes, start, columns)
            bad, first = bad + count, first or place
            if bad:
                continue
            q[start:stop] = quantity.measure(*episodes)
            moments.add(episodes)
            here = rows[np.searchsorted(rows, start) : np.searchsorted(rows, stop)] - start
            kept.append(Episodes(*(part[here] for part in episodes)))
    if bad:
        raise PhyslibError(
            f"{source.name} holds {bad} entries that are NaN or infinite, the first at {first}: repair or drop them."
        )
    mixed = rng.permutation(size)  # files may be sorted, and kernels are tried on the first few
    subset = Episodes(*(np.concatenate(parts)[mixed] for parts in zip(*kept, strict=True)))
    return Loaded(source.name, q, subset, rows[mixed], *moments.result(source.name))


def check_demonstrated(loaded: Loaded, quantity: Quantity) -> None:
    """Raise where the demonstrations' quantity is not finite everywhere, or does not vary."""
    lost = np.flatnonzero(~np.isfinite(loaded.q))
    if lost.size:
        raise PhyslibError(
            f"{quantity.name} is not finite for {lost.size} of {len(loaded.q)} demonstrations, first for trajectory "
            f"{lost[0]}: leave them out, or choose another quantity."
        )
    low, high = loaded.q.min(), loaded.q.max()
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        raise PhyslibError(
            f"{quantity.name} is {low:g} for every demonstration: a quantity that does not vary has no distribution."
        )


def _with_progress(source: Source) -> Iterator[tuple[int, np.ndarray]]:
    start = 0
    with tqdm(total=source.shape[0], desc=f"reading {source.name}", leave=False, delay=2) as bar:
        for block in source.rows():
            yield start, block
            start += len(block)
            bar.update(len(block))


def _episodes(x: Float[np.ndarray, "N S D"], steps: Int[np.ndarray, " N"], reading: Reading, length: int) -> Episodes:
    """A block with its padding replaced by the last real point, or resampled so that there is none."""
    dt, held = np.full(len(x), float(reading.dt or 1)), hold_last(x, steps)
    if reading.ragged != "resample":
        return Episodes(held, steps, dt)
    place = np.linspace(0, 1, length) * (steps[:, None] - 1)
    below = np.minimum(place.astype(int), x.shape[1] - 2)
    share = (place - below)[:, :, None]
    left, right = (np.take_along_axis(held, (below + i)[:, :, None], axis=1) for i in (0, 1))
    return Episodes((1 - share) * left + share * right, np.full(len(x), length), dt * (steps - 1) / (length - 1))


def hold_last(x: Float[np.ndarray, "N T D"], steps: Int[np.ndarray, " N"]) -> Float[np.ndarray, "N T D"]:
    """Trajectories with the last real point repeated beyond it."""
    last = np.minimum(np.arange(x.shape[1]), steps[:, None] - 1)
    return np.take_along_axis(x, last[:, :, None], axis=1)


class _Moments:
    """Mean and standard deviation of each column over real steps, block by block."""

    def __init__(self):
        self._pivot, self._count, self._sums = None, 0, None

    def add(self, e: Episodes) -> None:
        real = (np.arange(e.x.shape[1]) < e.steps[:, None])[..., None]
        if self._pivot is None:  # sums about a typical value keep their digits
            self._pivot, self._sums = e.x[:, 0].mean(axis=0), np.zeros((2, e.x.shape[2]))
        centred = (e.x - self._pivot) * real
        self._count += int(real.sum())
        self._sums += [centred.sum(axis=(0, 1)), (centred**2).sum(axis=(0, 1))]

    def result(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        if not np.isfinite(self._sums).all():
            raise PhyslibError(
                f"{name} holds entries whose squares are beyond all numbers: mend them, or change the unit."
            )
        first, second = self._sums / self._count
        return self._pivot + first, np.sqrt(np.clip(second - first**2, 0, None))


def _not_finite(e: Episodes, start: int, columns: list[int]) -> tuple[int, str]:
    """How many entries are not finite, and the place of the first."""
    places = np.argwhere(~np.isfinite(e.x)) if not np.isfinite(e.x.sum()) else []
    if not len(places):
        return 0, ""
    row, step, column = places[0]
    return len(places), f"trajectory {start + row}, step {step}, column {columns[column]}"
