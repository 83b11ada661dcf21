"""Trajectories that can be read from front to back, with what stands beside them: lengths, times, labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from physlib.core.errors import PhyslibError

STEPS = ("steps", "lengths", "length", "n_steps", "num_steps", "seq_lens", "seq_lengths", "episode_lengths")
MASK = ("mask", "masks", "valid", "is_valid", "valid_mask")
"""Arrays beside the trajectories that say how many steps of each are real."""
STEP_TIME = ("dt", "time_step", "timestep")
RATE = ("fps", "hz", "rate", "sampling_rate")
"""Numbers, one or one a trajectory, that say how much time is between steps, or how many steps are in a second."""
TIMES = ("timestamp", "timestamps", "time", "times", "t")
"""Arrays of the time of every step, seconds."""
ADVICE = "save x as a float array (N, T, D), trajectories by steps by columns"


@dataclass(frozen=True)
class Source:
    """Trajectories that can be read from front to back: `rows()` gives blocks `(n, T, D)` in order."""

    name: str  # of the file, without its folder
    shape: tuple[int, ...]
    rows: Callable[[], Iterator[np.ndarray]]
    steps: np.ndarray | None = None  # real steps of each trajectory `(N,)`, where the file says so
    dt: np.ndarray | None = None  # time between steps `(N,)`, seconds, where the file says so
    labels: Mapping[str, np.ndarray] = field(default_factory=dict)  # arrays `(N,)` beside the trajectories
    columns: tuple[str, ...] | None = None  # their names, where the file has any
    notes: tuple[str, ...] = ()  # what a reader of the audit should know of the file


def checked(source: Source, dtype: np.dtype) -> Source:
    """The same source. Raises unless the array can be trajectories."""
    name, shape = source.name, source.shape
    if dtype.hasobject:
        raise PhyslibError(
            f"{name} holds Python objects, which are never unpickled: save a numeric array, padded to one length, with steps (N,)."
        )
    if dtype.kind not in "fiu":
        raise PhyslibError(f"{name} holds {dtype}, not real numbers: {ADVICE}.")
    if len(shape) == 4:
        raise PhyslibError(
            f"{name} has rank 4, shape {shape}: put joints side by side, x.reshape({shape[0]}, {shape[1]}, {shape[2] * shape[3]}), "
            "and choose some with --columns."
        )
    if len(shape) == 2:
        raise PhyslibError(
            f"{name} has rank 2, shape {shape}: expected (N, T, D), trajectories by steps by columns. Are these frames one "
            "after another? Put episode_ends (where each trajectory ends) or episode_index (of each frame) beside them. "
            "Has each step one number? x[..., None]."
        )
    if len(shape) != 3:
        raise PhyslibError(f"{name} has rank {len(shape)}, shape {shape}: expected (N, T, D): {ADVICE}.")
    return source


def real_steps(name: str, shape: tuple[int, ...], beside: Mapping[str, np.ndarray]) -> np.ndarray | None:
    """How many steps of each trajectory are real, from their number or from a mask that is true up to there."""
    said = next((key for key in STEPS if key in beside and beside[key].ndim), None)
    masked = next((key for key in MASK if key in beside and beside[key].ndim), None)
    if said is not None:
        steps = np.asarray(beside[said]).reshape(-1)
        if steps.shape != shape[:1] or steps.dtype.kind not in "fiu" or not np.all(steps == np.floor(steps)):
            raise PhyslibError(f"'{said}' in {name} must be {shape[0]} whole numbers, one a trajectory.")
    elif masked is not None:
        mask = beside[masked]
        mask = mask[..., 0] if mask.ndim == 3 and mask.shape[2] == 1 else mask
        if mask.shape != shape[:2] or mask.dtype.kind not in "fiub":
            raise PhyslibError(
                f"'{masked}' in {name} must be booleans of shape {shape[:2]}, true where a step is real."
            )
        steps = prefix(mask.astype(bool), f"'{masked}' in {name}")
    else:
        return None
    if len(steps) and not 2 <= steps.min() <= steps.max() <= shape[1]:
        raise PhyslibError(
            f"{name} has episodes of {steps.min():g} to {steps.max():g} steps: each needs 2 to {shape[1]}."
        )
    return steps.astype(np.int64)


def prefix(mask: np.ndarray, what: str) -> np.ndarray:
    """Length of each row's true part. Raises where that is not its beginning."""
    steps = mask.sum(axis=1)
    if not np.array_equal(mask, np.arange(mask.shape[1]) < steps[:, None]):
        raise PhyslibError(f"{what} must be true from the first step to the last real one, without gaps.")
    return steps


def step_times(
    name: str, count: int, beside: Mapping[str, np.ndarray], steps: np.ndarray | None
) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """Time between the steps of each trajectory, where the file says it, and a note where it varies within one."""
    for names, power in ((STEP_TIME, 1), (RATE, -1)):
        for key in names:
            value = np.asarray(beside.get(key, ()))
            if value.size in (1, count) and value.dtype.kind in "fiu":
                value = np.broadcast_to(value.reshape(-1).astype(float), count)
                if not np.all((value > 0) & np.isfinite(value)):
                    raise PhyslibError(f"'{key}' in {name} must be above 0 for every trajectory.")
                return value**power, ()
    for key in TIMES:
        times = np.asarray(beside.get(key, ()))
        if times.ndim == 2 and len(times) == count and times.shape[1] > 1 and times.dtype.kind in "fiu":
            return _from_times(name, key, times.astype(float), steps)
    return None, ()


def _from_times(name: str, key: str, times: np.ndarray, steps: np.ndarray | None) -> tuple[np.ndarray, tuple[str, ...]]:
    steps = np.full(len(times), times.shape[1]) if steps is None else steps
    real = np.arange(1, times.shape[1]) < steps[:, None]
    ways = np.diff(times, axis=1)
    dt = np.where(real, ways, 0).sum(axis=1) / np.maximum(steps - 1, 1)
    if not np.all((dt > 0) & np.isfinite(dt)) or np.any(ways[real] < 0):
        raise PhyslibError(
            f"'{key}' in {name} must rise from step to step within every trajectory: mend it, or give --dt."
        )
    typical = float(np.median(dt))
    if not 1e-5 < typical < 1e4:
        raise PhyslibError(f"'{key}' in {name} rises by {typical:g} a step, hardly seconds: give --dt in seconds.")
    uneven = float(np.mean(np.abs(ways / dt[:, None] - 1)[real] > 0.2))
    note = f"{uneven:.0%} of the steps in {name} are longer or shorter by a fifth than others of their trajectory ({key}): resample to even times."
    return dt, (note,) if uneven > 0.01 else ()
