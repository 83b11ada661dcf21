"""What is written from the library itself: the expected numbers, the reference of the library."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from physlib.core.files import write_atomic
from physlib.evaluation import table
from physlib.evaluation.comparisons import HEADLINE
from physlib.models import PROBES
from physlib.runs.presets import expected_seconds
from physlib.studies import catalogue
from physlib.studies.forecasts import DIFFUSIONS, TASKS

_ORDER = (  # packages from the ground up
    *("core", "stats", "tasks", "models", "kernels", "forecasting", "mitigations"),
    *("runs", "studies", "evaluation", "audit", "figures", "book", "cli"),
)
_STATED = ["value", "tolerance", "no_shift"]
_EXPECTED = re.compile(r"(?<=<!-- expected numbers -->\n).*(?=<!-- end -->)", re.DOTALL)
_ARGUED = (  # forecasts with an expected number, besides the headline kernel's: kernel, source
    *(("noise-contract-q", "oracle"), ("shrink-and-blur", "oracle"), ("isotropic", "transferred")),
)


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A Markdown table; numbers with three decimals, absent values blank."""
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for row in rows:
        cells = ("" if pd.isna(v) else f"{v:.3f}" if isinstance(v, float) else str(v) for v in row)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def expected(rows: pd.DataFrame) -> str:
    """The table of REPRODUCING.md: the numbers of each claim, and how to find them again."""
    head = ("claim", "task", "model", "number", "expected", "tolerance", "no shift", "command", "minutes")
    evidence, lines = catalogue.evidence("laptop"), []
    for row in rows[_listed(rows)].to_dict("records"):
        place = [row[name] for name in head[:3]]
        lines.append([*place, _number(row), *(row[name] for name in _STATED), *_command(*place, evidence)])
    return _table(head, lines)


def _listed(rows: pd.DataFrame) -> pd.Series:
    """All rows but most of C4 and C5: of those the argument's models, at one level, and the headline kernel's."""
    argued = rows.task.isin(TASKS) & rows.model.isin(DIFFUSIONS)
    local = (rows.claim == "C4") & argued & (rows.variant == "level=0.2")
    pairs = pd.MultiIndex.from_frame(rows[["kernel", "source"]])
    told = pairs.isin([HEADLINE]) | (pairs.isin(_ARGUED) & argued & rows.variant.isna())
    return ~rows.claim.isin(["C4", "C5"]) | local | ((rows.claim == "C5") & told)


def _number(row: Mapping[str, Any]) -> str:
    """What a row states, in words."""
    words = [row["number"] if row["kernel"] == "none" else f"{row['number']} of {row['kernel']}"]
    words += [row["source"]] if row["claim"] == "C5" else []
    words += [row["variant"]] if pd.notna(row["variant"]) else []
    return ", ".join(words) + ("" if row["unit"] == "1" else f" ({row['unit']})")


def _command(claim: str, task: str, model: str, evidence: Sequence[catalogue.Evidence]) -> tuple[str, str]:
    """The command that makes a number again, and its minutes on one core."""
    quoted = f"'{task}'" if "[" in task else task
    if claim == "C5":  # the headline is of all tasks
        return f"`physlib benchmark {f'{quoted} ' if model in PROBES else ''}--again`", ""
    runs = {c for e in catalogue.select(evidence, claim=claim, task=task, model=model) for c in (*e.seen, *e.configs)}
    minutes = sum(expected_seconds(config) for config in runs) / 60
    return f"`physlib verify --claim {claim} --task {quoted} --model {model}`", f"{minutes:.0f}"


def write_expected(rows: pd.DataFrame) -> None:
    """Put the table of expected numbers into REPRODUCING.md, where the repository is there."""
    page = table.path().parents[1] / "REPRODUCING.md"
    if page.exists():
        write_atomic(page, _EXPECTED.sub(lambda _: expected(rows), page.read_text()).encode())


def api_page() -> str:
    """Reference of the library, one section per module, by Sphinx's autodoc."""
    package = Path(__file__).resolve().parents[1]
    parts = ["# Library reference\n\nThe modules from the ground up; {doc}`notation` has the layers.\n"]
    for folder in _ORDER:
        for path in sorted(p for p in (package / folder).rglob("*.py") if p.name != "__init__.py"):
            name = ".".join(path.relative_to(package.parent).with_suffix("").parts)
            parts.append(f"## `{name}`\n\n```{{eval-rst}}\n.. automodule:: {name}\n   :members:\n```\n")
    return "\n".join(parts)
