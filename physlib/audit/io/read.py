"""One pass over a file of trajectories: checked, measured, and a subset kept for everything that follows."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int
from tqdm import tqdm

from physlib.audit.io.episodes import Episodes, Reading, origin, prepared
from physlib.audit.io.fingerprints import Fingerprints, Repeats
from physlib.audit.io.open import chosen, unequal
from physlib.audit.io.source import Source
from physlib.audit.quantities import check_enough
from physlib.core.errors import PhyslibError
from physlib.tasks.quantities import Quantity

KEPT = 20_000  # trajectories kept for Monte Carlo, fewer where they are long
KEPT_ENTRIES = 8_000_000  # and at most so many numbers
HEAD = 2_000  # of the first trajectories, in the order of the file


@dataclass(frozen=True)
class Loaded:
    """What is kept of a file: the quantity of every trajectory, and whole trajectories of a random subset."""

    name: str
    q: Float[np.ndarray, " N"]  # NaN where it has no value
    kept: Episodes  # the subset, in random order
    rows: Int[np.ndarray, " M"]  # its places in the file
    mean: Float[np.ndarray, " D"]  # of each chosen column, over trajectories and real steps
    scale: Float[np.ndarray, " D"]  # standard deviation, likewise, in the model's own coordinates
    head: Float[np.ndarray, "H T D"]  # the first trajectories
    precision: float  # relative spacing of the numbers as stored; 0 for whole numbers
    repeats: Repeats
    labels: Mapping[str, np.ndarray] = field(default_factory=dict)  # arrays `(N,)` beside the trajectories
    notes: tuple[str, ...] = ()
    dropped: int = 0  # trajectories left out, as the quantity has no value for them
    timed: bool = False  # whether the time between steps is known

    @property
    def kept_q(self) -> Float[np.ndarray, " M"]:
        """The quantity of the subset."""
        return self.q[self.rows]

    @property
    def finite(self) -> Float[np.ndarray, " F"]:
        """The quantity where it has a value."""
        return self.q[np.isfinite(self.q)]


def load(source: Source, quantity: Quantity, reading: Reading, rng: np.random.Generator, length: int) -> Loaded:
    """Read a source once from front to back. `length` is the number of steps that resampling makes.

    Memory does not grow with the number of trajectories but for one number each. Raises `PhyslibError` for entries that
    are not finite, and says how many and where the first is.
    """
    columns = chosen(source, reading)
    steps = length if reading.ragged == "resample" else source.shape[1]
    check_enough(quantity, steps, len(columns))
    n = source.shape[0]
    size = min(n, KEPT, max(1_000, KEPT_ENTRIES // (steps * len(columns))))
    rows = np.sort(rng.choice(n, size, replace=False))
    q, kept, head, moments, prints, seen = np.empty(n), [], [], _Moments(), Fingerprints(), _Seen(source, columns)
    dt = _time(source, reading)
    with np.errstate(all="ignore"):  # what is not finite is counted, not warned about
        for start, block in _with_progress(source):
            stop = start + len(block)
            x = block[:, :, columns].astype(float)
            real = seen.look(x, start)
            if seen.bad:
                continue
            episodes = prepared(x, real, dt[start:stop], reading, steps)
            q[start:stop] = quantity.measure(*episodes)
            moments.add(episodes, reading.relative)
            precision = _precision(block)
            prints.add(episodes.x, precision)
            here = rows[np.searchsorted(rows, start) : np.searchsorted(rows, stop)] - start
            kept.append(Episodes(*(part[here] for part in episodes)))
            if start < HEAD:
                head.append(x[: HEAD - start].copy())  # not a view, which would keep the block
    seen.check(reading)
    mixed = rng.permutation(size)  # files may be sorted, and kernels are tried on the first few
    subset = Episodes(*(np.concatenate(parts)[mixed] for parts in zip(*kept, strict=True)))
    found = Loaded(
        source.name, q, subset, rows[mixed], *moments.result(source.name), np.concatenate(head), precision,
        prints.repeats(), source.labels, source.notes, timed=reading.dt is not None or source.dt is not None,
    )  # fmt: skip
    return _without_undefined(found, quantity) if reading.drop_undefined else found


def _time(source: Source, reading: Reading) -> Float[np.ndarray, " N"]:
    """Time between the steps of each trajectory."""
    if reading.dt is None and source.dt is not None:
        return source.dt
    return np.full(source.shape[0], float(reading.dt or 1))


def _precision(block: np.ndarray) -> float:
    """Relative spacing of a block's numbers, of single precision also where they were only read as double."""
    if block.dtype.kind != "f":
        return 0.0
    single = block.dtype.itemsize > 4 and np.array_equal(block[:100], block[:100].astype(np.float32), equal_nan=True)
    return float(np.finfo(np.float32 if single else block.dtype).eps)


def _without_undefined(loaded: Loaded, quantity: Quantity) -> Loaded:
    good = np.isfinite(loaded.q)
    if not good.any():
        raise PhyslibError(
            f"{quantity.name} has no value for any trajectory of {loaded.name}: choose another quantity."
        )
    place, among = np.cumsum(good) - 1, good[loaded.rows]
    return dataclasses.replace(
        loaded,
        q=loaded.q[good],
        kept=Episodes(*(part[among] for part in loaded.kept)),
        rows=place[loaded.rows[among]],
        labels={name: values[good] for name, values in loaded.labels.items()},
        dropped=int((~good).sum()),
    )


def check_demonstrated(loaded: Loaded, quantity: Quantity) -> None:
    """Raise where the demonstrations' quantity has hardly any value, or does not vary."""
    finite = loaded.finite
    if len(finite) < 2:
        raise PhyslibError(
            f"{quantity.name} has a value for {len(finite)} of {len(loaded.q)} demonstrations: choose another."
        )
    low, high = finite.min(), finite.max()
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        raise PhyslibError(
            f"{quantity.name} is {low:g} for every demonstration: a quantity that does not vary has no distribution."
        )


def _with_progress(source: Source) -> Iterator[tuple[int, np.ndarray]]:
    start = 0
    with tqdm(total=source.shape[0], desc=f"reading {source.name}", leave=False, delay=2, disable=None) as bar:
        for block in source.rows():
            yield start, block
            start += len(block)
            bar.update(len(block))


class _Moments:
    """Mean and standard deviation of each column over real steps, block by block."""

    def __init__(self):
        self._pivot, self._count, self._sums = None, 0, None

    def add(self, e: Episodes, relative: str | None) -> None:
        real = (np.arange(e.x.shape[1]) < e.steps[:, None])[..., None]
        x = e.x - origin(e, relative)
        if self._pivot is None:  # sums about a typical value keep their digits
            self._pivot, self._sums = x[:, 0].mean(axis=0), np.zeros((2, x.shape[2]))
        centred = (x - self._pivot) * real
        self._count += int(real.sum())
        self._sums += [centred.sum(axis=(0, 1)), (centred**2).sum(axis=(0, 1))]

    def result(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        if not np.isfinite(self._sums).all():
            raise PhyslibError(
                f"{name} holds entries whose squares are beyond all numbers: mend them, or change the unit."
            )
        first, second = self._sums / self._count
        return self._pivot + first, np.sqrt(np.clip(second - first**2, 0, None))


class _Seen:
    """Entries that are not finite: NaN behind the end of an episode is padding, anything else is an error."""

    def __init__(self, source: Source, columns: list[int]):
        self._source, self._columns = source, columns
        self.bad, self._first, self._padded = 0, "", []

    def look(self, x: Float[np.ndarray, "N T D"], start: int) -> Int[np.ndarray, " N"]:
        """Real steps of each trajectory of a block."""
        steps = self._source.steps
        real = np.full(len(x), x.shape[1]) if steps is None else steps[start : start + len(x)]
        if np.isfinite(x.sum()):
            return real
        if steps is None:
            absent = np.isnan(x).all(axis=2)
            real = x.shape[1] - np.where(absent.all(axis=1), x.shape[1], absent[:, ::-1].argmin(axis=1))
            self._padded.append(real)
            real = np.maximum(real, 2)
        places = np.argwhere(~np.isfinite(x) & (np.arange(x.shape[1]) < real[:, None])[..., None])
        if len(places) and not self.bad:
            row, step, column = places[0]
            self._first = f"trajectory {start + row}, step {step}, column {self._columns[column]}"
        self.bad += len(places)
        return real

    def check(self, reading: Reading) -> None:
        name = self._source.name
        if self.bad:
            raise PhyslibError(
                f"{name} holds {self.bad} entries that are NaN or infinite, the first at {self._first}: repair "
                "(interpolate gaps) or drop them; NaN is padding only behind the last step, in all columns."
            )
        padded = np.concatenate(self._padded) if self._padded else np.array([], int)
        if len(padded) and padded.min() < 2:
            raise PhyslibError(f"{name} has episodes of fewer than two steps before their NaN: drop them.")
        if len(padded) and reading.ragged is None and not reading.trim_idle and padded.min() < padded.max():
            raise unequal(name, padded, ", NaN behind them")
        if reading.ragged == "mask" and self._source.steps is None and not len(padded) and not reading.trim_idle:
            raise PhyslibError(
                f"{name} does not say how many steps of each trajectory are real, so --ragged mask has nothing to go by: put "
                "steps (N,) or mask (N, T) beside the array, in its group; or leave out --ragged."
            )
