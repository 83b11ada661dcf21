"""Tables of frames: CSV, and Parquet as LeRobot writes it. A row is a step, and a column says of which trajectory."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from physlib.audit.io import pieces
from physlib.audit.io.layout import INDEX, SHOWN, checked_ends, from_frames
from physlib.audit.io.pieces import dask_pieces, from_pieces, parquet_bytes, parquet_pieces
from physlib.audit.io.source import RATE, STEP_TIME, TIMES, Source
from physlib.audit.io.store import slices, told
from physlib.core.errors import PhyslibError

if TYPE_CHECKING:
    import pandas as pd

TABLES = (".csv", ".tsv", ".parquet", ".pq")
ORDER = ("frame_index", "frame", "frame_id", "step", *TIMES)
"""Columns that say which step of its trajectory a row is."""
OTHER = (
    "index",
    "task_index",
    "success",
    "done",
    "next.done",
    "next.success",
    "reward",
    "next.reward",
    "unnamed: 0",
    "agent_id",
)
"""Columns of numbers that are no coordinates."""


def is_table(path: Path) -> bool:
    """Whether a file, or a folder of files, is a table of frames."""
    return path.suffix in TABLES or (path.is_dir() and next(path.rglob("*.parquet"), None) is not None)


def open_table(path: Path, key: str, columns: tuple[int | str, ...] | None, episode: str | None) -> Source:
    """Trajectories of a table: those of its column `key` of lists, or the columns of numbers that are named or left.

    `episode` names the column that says which trajectory a row belongs to, by default one of the usual names. Parquet of
    more than `LARGE` bytes is read in pieces. Raises `PhyslibError` where there is no such column.
    """
    rate = _lerobot_rate(path)

    def opened(table: pd.DataFrame) -> Source:
        return _of_table(path.name, table, key, columns, episode, rate)

    try:
        files = [] if path.suffix in (".csv", ".tsv") else _parquet_files(path)
        if not files or parquet_bytes(files) <= pieces.LARGE:
            return opened(_read(path, files))
        first = next(parquet_pieces(files))
        return from_pieces(path.name, lambda: parquet_pieces(files), _index(path.name, first, episode), opened)
    except ImportError:
        raise PhyslibError(
            f"reading {path.name} needs pyarrow: pip install 'physlib[files]', or save as .npz."
        ) from None


def from_dask_table(table: Any, key: str, columns: tuple[int | str, ...] | None, episode: str | None) -> Source:
    """The same of a table of Dask's, in its partitions."""
    index = _index("table", table, episode)
    return from_pieces(
        "table", lambda: dask_pieces(table), index, lambda piece: _of_table("table", piece, key, columns, episode, None)
    )


def _index(name: str, table: Any, episode: str | None) -> str:
    """The column that says which trajectory a row belongs to."""
    lower = {str(column).lower(): column for column in table.columns}
    index = next((lower[column] for column in ((episode.lower(),) if episode else INDEX) if column in lower), None)
    if index is None:
        raise PhyslibError(
            f"{name} does not say which rows are one trajectory: name the column that does with --episode ({_some(table)})."
        )
    return index


def _of_table(
    name: str,
    table: pd.DataFrame,
    key: str,
    columns: tuple[int | str, ...] | None,
    episode: str | None,
    rate: float | None,
) -> Source:
    """Trajectories of a table in memory; `rate` is the frames a second that its dataset says."""
    index, lower = _index(name, table, episode), {str(column).lower(): column for column in table.columns}
    order = next((lower[column] for column in ORDER if column in lower), None)
    if order is not None:
        table = table.sort_values([index, order], kind="stable")
    elif table[index].ne(table[index].shift()).sum() != table[index].nunique():
        table = table.sort_values(index, kind="stable")
    values, names = _values(name, table, key, columns, {index, order})
    ends = checked_ends(name, str(index), table[index].to_numpy(), len(table), True)
    flat = [column for column in table.columns if table[column].dtype.kind in "fiubOT" and column not in names]
    beside = {str(column).lower(): table[column].to_numpy() for column in flat if not _listed(table[column])}
    if rate:
        beside = {k: v for k, v in beside.items() if k not in (*TIMES, *STEP_TIME, *RATE)} | {"fps": np.array(rate)}
    return from_frames(name, (values.shape, values.dtype), lambda: slices(values), ends, beside, names)


def _parquet_files(path: Path) -> list[Path]:
    """Parquet files of a table, those of its metadata left out."""
    files = [path] if path.is_file() else sorted(path.rglob("*.parquet"))
    return [file for file in files if "meta" not in file.relative_to(path).parts[:-1]]


def _read(path: Path, files: Sequence[Path]) -> pd.DataFrame:
    import pandas as pd

    with told(path.name):
        if not files:
            return pd.read_csv(path, sep=_separator(path), skipinitialspace=True)
        return pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)


def _separator(path: Path) -> str:
    """Comma, semicolon or tab: whichever the first line has most of."""
    with path.open(encoding="utf-8", errors="replace") as file:
        first = file.readline()
    return max(",;\t", key=first.count)


def _listed(column: pd.Series) -> bool:
    """Whether a column holds a list in every row."""
    return column.dtype == object and len(column) > 0 and isinstance(column.iloc[0], (list, tuple, np.ndarray))


def _values(
    name: str, table: pd.DataFrame, key: str, columns: tuple[int | str, ...] | None, taken: set
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Frames `(S, D)` and the names of their columns: a column of lists, or columns of numbers."""
    if key in table.columns and _listed(table[key]):
        lists = table[key].to_numpy()
        if len({len(row) for row in lists}) > 1:
            raise PhyslibError(f"'{key}' in {name} holds lists of different lengths: choose another --key.")
        return np.stack([np.asarray(row, float) for row in lists]), tuple(f"{key}.{i}" for i in range(len(lists[0])))
    lists = [str(column) for column in table.columns if _listed(table[column])]
    if lists and not any(isinstance(c, str) for c in columns or ()):
        raise PhyslibError(
            f"{name} holds lists under {', '.join(lists[:SHOWN])}: name one with --key, as --key {lists[0]}."
        )
    known = {*INDEX, *ORDER, *STEP_TIME, *RATE, *OTHER}
    numbers = [
        c for c in table.columns if table[c].dtype.kind in "fiu" and c not in taken and str(c).lower() not in known
    ]
    named = [c for c in columns or () if isinstance(c, str)]
    missing = [c for c in named if c not in table.columns or table[c].dtype.kind not in "fiu"]
    if missing:
        raise PhyslibError(f"{name} has no column of numbers '{missing[0]}': choose --columns among {_some(table)}.")
    if not (named or numbers):
        raise PhyslibError(f"{name} has no columns of numbers to audit: it has {_some(table)}.")
    chosen = named or numbers
    return table[chosen].to_numpy(float), tuple(map(str, chosen))


def _some(table: pd.DataFrame) -> str:
    names = list(map(str, table.columns))
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def _lerobot_rate(path: Path) -> float | None:
    """Frames a second as a LeRobot dataset says in `meta/info.json`."""
    for folder in (path, *path.parents[:3]):
        info = folder / "meta" / "info.json"
        if info.is_file():
            try:
                return float(json.loads(info.read_text())["fps"])
            except (OSError, ValueError, KeyError, TypeError, RecursionError):
                return None
    return None
