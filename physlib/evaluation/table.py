"""The results table: every number that the book rests on, one row each, from stored runs and stored forecasts.

`results/table.csv` holds the table of profile laptop; `rows` reads it, `compute` makes it again, and a test compares
the two. `COLUMNS` says what each column is; how rows come about is in `physlib.evaluation.rows`. Claims: C1, a shift;
C2, among plausible samples, by model; C3, of the mean of a physical quantity; C4, the share of a shift that redrawing
data with the trained model reproduces; C5, forecasts; C6, the excess length of paths; C7, C8, C9, what a remedy
leaves; C10, the shift with one choice changed; C11, on ranges from regular to chaotic; C12, of the toy.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from physlib.core.errors import unknown
from physlib.core.files import write_atomic
from physlib.evaluation import mechanism, sealed_scores, speech_rows, video_rows
from physlib.evaluation.comparisons import headline
from physlib.evaluation.rows import Row, Runs, rows_of
from physlib.runs.store import Store
from physlib.studies import catalogue

DIGITS = 6
"""Significant digits of numbers in the stored table."""
COLUMNS = {  # name: kind; numbers are means over seeds unless said
    "claim": "text",
    "task": "text",
    "model": "text",
    "kernel": "text",  # or the probe of C4
    "source": "text",  # what a kernel's numbers were fitted on, see `physlib.evaluation.run_group`
    "variant": "text",  # changed choice, remedy, level, or further kind of run
    "prior": "text",  # of the balanced quantity, flat where none is named
    "estimator": "text",  # by which the balanced quantity is read
    "quantity": "text",  # reading of a trajectory
    "level": "float",  # of redrawing
    "number": "text",  # what `value` is
    "value": "float",
    "unit": "text",  # 1 where there is none
    "tolerance": "float",  # how far the mean over other seeds may lie from it
    "no_shift": "float",  # what runs without a shift hardly ever exceed
    "values": "floats",  # for each seed
    "parameters": "record",
    "n_parameters": "int",
    "at_bound": "bool",  # a fit that ended where its range does
    "fitted_on": "text",
    "profile": "text",
    "seeds": "ints",
    "n_samples": "int",
    "tv_observed": "float",
    "tv_lo": "float",  # t-interval over seeds
    "tv_hi": "float",
    "tv_floor": "float",  # from sampling alone
    "tv_plausible": "float",  # of plausible samples alone
    "plausible": "float",
    "corr": "float",
    "r2": "float",
    "r2_inner": "float",  # without the outermost bins and the tails
    "share": "float",  # of a reading's shift that redrawing from a level brings back
    "decision_level": "float",  # where that share is one half
    "sign": "float",
    "skill": "float",
    "skill_lo": "float",
    "skill_hi": "float",
    "mean_prior": "float",
    "mean_observed": "float",
    "coverage": "float",  # share of bins within the forecast's 95 % interval
    "interval_width": "float",
    "interval_score": "float",
    "tv_before": "float",
    "tv_after": "float",
    "plausibility_before": "float",
    "plausibility_after": "float",
    "other_before": "float",  # shift of a quantity that nobody balanced, its noise taken off
    "other_after": "float",
    "seconds_extra": "float",
    "needs_quantity": "bool",
    "seconds_train": "float",
    "seconds_forecast": "float",
    "width": "int",
    "revision": "text",
}
KEY = ["claim", "task", "model", "kernel", "source", "variant", "profile"]
"""Columns that no two rows share."""
OF_GROUPS = ("C1", "C4", "C5", *speech_rows.MAKERS)
MAKERS = mechanism.MAKERS | sealed_scores.MAKERS
"""Makers of rows by the variant of the evidence, where it has one of its own."""
BY_CLAIM = video_rows.MAKERS | speech_rows.MAKERS
"""And by the claim, where that has one."""
_TYPES = {"float": "float64", "int": "Int64", "bool": "boolean", "text": "str"}


def rows(profile: str, groups: Collection[tuple[str, str]] | None = None) -> pd.DataFrame:
    """The table of a profile, of all or of groups of runs named by task and model: that of laptop as it is stored.

    Raises `PhyslibError` naming what is missing or damaged and how to make it.
    """
    if profile != "laptop" or not path().exists():
        return compute(profile, groups)
    found = read(path())
    return found if groups is None else found[pd.MultiIndex.from_frame(found[["task", "model"]]).isin(list(groups))]


def compute(profile: str, groups: Collection[tuple[str, str]] | None = None) -> pd.DataFrame:
    """The table as the stored runs and forecasts give it; of chosen groups only their shifts, locality and forecasts."""
    found = catalogue.evidence(profile)
    if groups is not None:
        found = [e for e in found if e.claim in OF_GROUPS and (e.task, e.model) in groups]
    made = typed(pd.DataFrame([row for e in found for row in _rows(e)]))
    return pd.concat([made, typed(pd.DataFrame(headline(made)))], ignore_index=True)


def _rows(evidence: catalogue.Evidence) -> list[Row]:
    """The rows of a claim for one task and model."""
    if evidence.claim in BY_CLAIM:
        return BY_CLAIM[evidence.claim](Runs(evidence))
    return MAKERS[evidence.variant](Runs(evidence)) if evidence.variant in MAKERS else rows_of(evidence)


def path() -> Path:
    """Where the table of profile laptop is stored."""
    return Store.of("laptop").root / "table.csv"


def typed(found: pd.DataFrame) -> pd.DataFrame:
    """A frame with the columns of the table, in their order and of their kinds; absent ones empty."""
    columns = {}
    for name, kind in COLUMNS.items():
        column = found[name] if name in found else pd.Series(None, found.index, dtype="object")
        columns[name] = column.astype(_TYPES.get(kind, "object"))
    return pd.DataFrame(columns)


def select(found: pd.DataFrame, **wanted: str | None) -> pd.DataFrame:
    """Rows by claim, task, model, kernel and source. Raises `PhyslibError` for a name that no row has, with the nearest."""
    for column, name in wanted.items():
        known = found[column].dropna().unique()
        if name is not None and name not in known:
            raise unknown(column, name, known)
        found = found if name is None else found[found[column] == name]
    return found


def records(found: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain values for JSON; absent and undefined ones are None."""
    return [{key: _plain(value) for key, value in row.items()} for row in found.to_dict("records")]


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if pd.isna(value):
        return None
    return value.item() if isinstance(value, np.generic) else value


def text(found: pd.DataFrame) -> str:
    """Rows as CSV with a stable order and six digits, so that a change shows as the lines it changed."""
    written = {name: [_written(value) for value in found[name]] for name in found}
    return pd.DataFrame(written).to_csv(index=False, lineterminator="\n")


def _written(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{name}={_written(number)}" for name, number in value.items())
    if isinstance(value, list):
        return " ".join(f"{part:.{DIGITS}g}" for part in value)
    if pd.isna(value):
        return ""
    return f"{value:.{DIGITS}g}" if isinstance(value, float) else str(value)


def read(stored: Path) -> pd.DataFrame:
    """Inverse of `text`, to six digits."""
    found = pd.read_csv(stored, dtype=str, keep_default_na=False)
    return typed(pd.DataFrame({name: [_read(word, kind) for word in found[name]] for name, kind in COLUMNS.items()}))


def _read(word: str, kind: str) -> Any:
    parts = {
        "floats": lambda: [float(part) for part in word.split()],
        "ints": lambda: [int(part) for part in word.split()],
        "record": lambda: {name: float(number) for name, number in (part.split("=") for part in word.split())},
        "float": lambda: float(word),
        "int": lambda: int(word),
        "bool": lambda: word == "True",
        "text": lambda: word,
    }
    return None if word == "" else parts[kind]()


def write(found: pd.DataFrame) -> None:
    """Store the table of profile laptop."""
    write_atomic(path(), text(found).encode())
