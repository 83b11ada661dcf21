"""Tables of frames: CSV, and Parquet as LeRobot writes it. A row is a step, and a column says of which trajectory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from physlib.audit.io.layout import INDEX, SHOWN, checked_ends, from_frames
from physlib.audit.io.source import RATE, STEP_TIME, TIMES, Source
from physlib.audit.io.store import damaged, slices
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

    `episode` names the column that says which trajectory a row belongs to, by default one of the usual names. Raises
    `PhyslibError` where there is none.
    """
    table = _read(path)
    lower = {str(name).lower(): name for name in table.columns}
    index = next((lower[name] for name in ((episode.lower(),) if episode else INDEX) if name in lower), None)
    if index is None:
        raise PhyslibError(
            f"{path.name} does not say which rows are one trajectory: name the column that does with --episode ({_some(table)})."
        )
    order = next((lower[name] for name in ORDER if name in lower), None)
    if order is not None:
        table = table.sort_values([index, order], kind="stable")
    elif table[index].ne(table[index].shift()).sum() != table[index].nunique():
        table = table.sort_values(index, kind="stable")
    values, names = _values(path.name, table, key, columns, {index, order})
    ends = checked_ends(path.name, str(index), table[index].to_numpy(), len(table), True)
    flat = [name for name in table.columns if table[name].dtype.kind in "fiubOT" and name not in names]
    beside = {str(name).lower(): table[name].to_numpy() for name in flat if not _listed(table[name])}
    if rate := _lerobot_rate(path):
        beside = {k: v for k, v in beside.items() if k not in (*TIMES, *STEP_TIME, *RATE)} | {"fps": np.array(rate)}
    return from_frames(path.name, (values.shape, values.dtype), lambda: slices(values), ends, beside, names)


def _read(path: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        if path.suffix in (".csv", ".tsv"):
            return pd.read_csv(path, sep=_separator(path), skipinitialspace=True)
        files = [path] if path.is_file() else sorted(path.rglob("*.parquet"))
        data = [file for file in files if "meta" not in file.relative_to(path).parts[:-1]]
        return pd.concat([pd.read_parquet(file) for file in data], ignore_index=True)
    except ImportError:
        raise PhyslibError(
            f"reading {path.name} needs pyarrow: pip install 'physlib[files]', or save as .npz."
        ) from None
    except (OSError, ValueError, UnicodeDecodeError) as error:
        raise damaged(path.name, error) from None


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
            except (ValueError, KeyError, TypeError):
                return None
    return None
