"""Anything that holds trajectories, opened and checked for its shape but not yet read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from physlib.audit.io.episodes import Reading
from physlib.audit.io.layout import trajectories
from physlib.audit.io.memory import from_memory, from_minari
from physlib.audit.io.source import Source
from physlib.audit.io.store import open_store
from physlib.audit.io.tables import from_dask_table, is_table, open_table
from physlib.core.errors import PhyslibError


def open_trajectories(data: Any, reading: Reading) -> Source:
    """Trajectories of a file, of a local Minari dataset written `minari:NAME`, or of anything like an array.

    Raises `PhyslibError` where they are not there, do not fit `reading`, or are of unequal length and it does not say
    what to do.
    """
    reading.check()
    source = _opened(data, reading)
    if source.shape[0] < 2:
        raise PhyslibError(
            f"{source.name} holds {source.shape[0]} trajectories: an audit needs 100 or more, better thousands."
        )
    if source.steps is not None and reading.ragged is None and not reading.trim_idle:
        raise unequal(source.name, source.steps)
    for column in chosen(source, reading):
        if not 0 <= column < source.shape[2]:
            raise PhyslibError(
                f"{source.name} has no column {column}: it has {source.shape[2]}, counted from 0. Mend --columns."
            )
    return source


def _opened(data: Any, reading: Reading) -> Source:
    if hasattr(data, "npartitions") and hasattr(data, "get_partition"):
        return from_dask_table(data, reading.key, reading.columns, reading.episode)
    if not isinstance(data, (str, Path)):
        return from_memory(data, reading.key)
    if str(data).startswith("minari:"):
        return from_minari(str(data).removeprefix("minari:"), reading.key, reading.columns is not None)
    path = Path(data)
    if not path.exists():
        raise PhyslibError(f"there is no file {path}: check the name.")
    if is_table(path):
        return open_table(path, reading.key, reading.columns, reading.episode)
    return trajectories(open_store(path), reading.key)


def unequal(name: str, steps: Int[np.ndarray, " N"], why: str = "") -> PhyslibError:
    """For episodes of unequal length that nobody has said what to do with."""
    return PhyslibError(
        f"{name} has episodes of {steps.min()} to {steps.max()} steps{why}: choose --ragged mask "
        "(only real steps count) or --ragged resample (all to one length)."
    )


def chosen(source: Source, reading: Reading) -> list[int]:
    """Numbers of the columns that hold positions; those that a table has been asked for by name are all it has."""
    names = [column for column in reading.columns or () if isinstance(column, str)]
    if names and source.columns is None:
        raise PhyslibError(f"columns of {source.name} have no names: give their numbers, as --columns 0,1.")
    return list(range(source.shape[2])) if names or not reading.columns else list(reading.columns)


def check_match(demonstrations: Source, samples: Source, reading: Reading, timed: bool) -> None:
    """Raise where samples cannot be compared with demonstrations step by step and column by column.

    `timed` says whether the time between the steps of both is known.
    """
    (_, steps, dims), (_, other_steps, other_dims) = demonstrations.shape, samples.shape
    if dims != other_dims:
        raise PhyslibError(f"demonstrations have {dims} columns (D) and samples {other_dims}: give both the same.")
    ragged = demonstrations.steps is not None or samples.steps is not None
    if steps != other_steps and not ragged and not (timed and reading.ragged == "resample"):
        raise PhyslibError(
            f"demonstrations have {steps} steps (T) and samples {other_steps}: if they have another rate, give the time "
            "between steps of each, --dt and --samples-dt, and --ragged resample; else make them as long."
        )
