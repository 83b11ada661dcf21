"""Tables of frames larger than memory: read piece by piece, each of whole trajectories, as a table of its own.

In memory at any moment are one piece, and of every trajectory its length, its time step and its labels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from physlib.audit.io.source import Source, checked
from physlib.audit.io.store import BLOCK, check_size, told
from physlib.core.errors import PhyslibError

if TYPE_CHECKING:
    import pandas as pd

LARGE = 500_000_000  # bytes of a table, unpacked, from which it is read in pieces
Pieces = Callable[[], Iterator["pd.DataFrame"]]


def parquet_bytes(files: Sequence[Path]) -> int:
    """Size of Parquet files in memory, as their footers say. Raises `PhyslibError` where that cannot be."""
    from pyarrow.parquet import ParquetFile

    held = 0
    for file in files:
        with told(file.name):
            facts = ParquetFile(file).metadata
        packed = sum(facts.row_group(i).total_byte_size for i in range(facts.num_row_groups))
        check_size(file, size := max(packed, 8 * facts.num_rows * facts.num_columns))
        held += size
    return held


def parquet_pieces(files: Sequence[Path]) -> Iterator[pd.DataFrame]:
    """Rows of Parquet files in order, about a block at a time."""
    from pyarrow.parquet import ParquetFile

    for file in files:
        with told(file.name):
            opened = ParquetFile(file)
            rows = max(1, opened.metadata.num_rows * BLOCK // max(1, parquet_bytes([file])))
            yield from (batch.to_pandas() for batch in opened.iter_batches(rows))


def dask_pieces(table: Any) -> Iterator[pd.DataFrame]:
    """Partitions of a table of Dask's in order."""
    yield from (table.get_partition(i).compute() for i in range(table.npartitions))


def from_pieces(name: str, pieces: Pieces, index: str, opened: Callable[[pd.DataFrame], Source]) -> Source:
    """Trajectories of a table that comes in pieces, the column `index` saying which one a row belongs to.

    `opened` makes a source of a table of whole trajectories. Raises `PhyslibError` where `index` does not rise from
    row to row, as what is larger than memory is not sorted here.
    """
    parts = [_facts(opened(piece)) for piece in _whole(name, pieces(), index)]
    if not parts:
        raise PhyslibError(f"{name} holds no rows: write it again.")
    lengths = np.concatenate([part.steps for part in parts])
    longest, (_, _, dims) = int(lengths.max()), parts[0].shape

    def rows() -> Iterator[np.ndarray]:
        for piece in _whole(name, pieces(), index):
            for block in opened(piece).rows():
                yield np.pad(block, ((0, 0), (0, longest - block.shape[1]), (0, 0)), mode="edge")

    common = [label for label in parts[0].labels if all(label in part.labels for part in parts)]
    source = Source(
        name,
        (len(lengths), longest, dims),
        rows,
        lengths if longest > lengths.min() else None,
        None if any(part.dt is None for part in parts) else np.concatenate([part.dt for part in parts]),
        {label: np.concatenate([part.labels[label] for part in parts]) for label in common},
        parts[0].columns,
        tuple(dict.fromkeys(note for part in parts for note in part.notes)),
    )
    return checked(source, np.dtype(float))


def _facts(source: Source) -> Source:
    """A source without what it would read."""
    steps = np.full(source.shape[0], source.shape[1]) if source.steps is None else source.steps
    return Source(
        source.name, source.shape, lambda: iter(()), steps, source.dt, source.labels, source.columns, source.notes
    )


def _whole(name: str, pieces: Iterator[pd.DataFrame], index: str) -> Iterator[pd.DataFrame]:
    """The same rows in pieces of whole trajectories."""
    import pandas as pd

    left, ended = None, None
    for piece in pieces:
        table = piece if left is None else pd.concat([left, piece], ignore_index=True)
        if not len(table):
            continue
        rises = table[index].is_monotonic_increasing and (ended is None or table[index].iloc[0] > ended)
        if not rises:
            raise PhyslibError(
                f"'{index}' in {name} must rise, as {name} is too large to be sorted here: sort it by that."
            )
        last = table[index] == table[index].iloc[-1]
        ready, left = table[~last], table[last]
        if len(ready):
            ended = ready[index].iloc[-1]
            yield ready
    if left is not None and len(left):
        yield left
