"""Pages of the book that are written from the library itself: the ledger of claims, the reference (pages layer)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from physlib.evaluation import table
from physlib.models import PROBES

_INTRODUCTION = """# Ledger of claims

Every row that stands behind a sentence of this book, profile `{profile}`, from `physlib ledger`; `physlib ledger --json`
has all columns. Scores are means over the judged seeds; {{doc}}`notation` says what `source` and the scores mean.
"""
_ORDER = (
    "errors",
    "rng",
    "density",
    "tasks",
    "models",
    "kernels",
    "forecast",
    "calibrate",
    "profiles",
    "train",
    "store",
)


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A Markdown table; numbers with three decimals, absent values blank."""
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for row in rows:
        cells = ("" if v is None else f"{v:.3f}" if isinstance(v, float) else str(v) for v in row)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def claims_page(profile: str) -> str:
    """The ledger as a page, one table a claim."""
    rows = table.rows(profile)
    cells = list(dict.fromkeys((row["task"], row["model"]) for row in rows if row["claim"] == "C1"))

    def of(claim: str, cell: tuple[str, str]) -> list[table.Row]:
        return [row for row in rows if row["claim"] == claim and (row["task"], row["model"]) == cell]

    shift = ("tv_observed", "tv_floor", "plausible", "tv_plausible", "mean_prior", "mean_observed")
    score = ("kernel", "source", "corr", "r2", "skill")
    parts = [
        _INTRODUCTION.format(profile=profile),
        "## C1, C2: the shift, and the shift among plausible samples\n",
        _table(("task", "model", *shift), ([*cell, *(of("C1", cell)[0][key] for key in shift)] for cell in cells)),
        "## C4: share R2 of the shift that redrawing data to a level reproduces\n",
    ]
    for probe in dict.fromkeys(PROBES[model] for _, model in cells):
        own = [cell for cell in cells if PROBES[cell[1]] is probe]
        heads = ("task", "model", *(f"{probe.name} {level:g}" for level in probe.levels))
        parts.append(_table(heads, ([*cell, *(f"{row['r2']:.2f}" for row in of("C4", cell))] for cell in own)))
    parts.append("## C5: forecasts\n")
    for cell in cells:
        parts.append(f"### {cell[0]}, {cell[1]}\n")
        parts.append(_table(score, ([row[key] for key in score] for row in of("C5", cell))))
    parts.append("## C10, C11, C12: the shift with one choice changed, from regular to chaotic, and of the toy\n")
    plain = ("claim", "task", "model", "variant", "tv_observed", "tv_lo", "tv_hi", "tv_floor", "plausible")
    others = (row for row in rows if row["claim"] in ("C10", "C11", "C12"))
    parts.append(_table(plain, ([row[key] for key in plain] for row in others)))
    return "\n".join(parts)


def api_page() -> str:
    """Reference of the library, one section per module in the order of the layers, by Sphinx's autodoc."""
    package = Path(__file__).resolve().parents[1]

    def rank(name: str) -> tuple[int, str]:
        unit = name.split(".")[1]
        return (_ORDER.index(unit) if unit in _ORDER else len(_ORDER), name)

    modules = (p for p in package.rglob("*.py") if p.name not in ("__init__.py", "cli.py"))
    names = ["physlib." + ".".join(p.relative_to(package).with_suffix("").parts) for p in modules]
    parts = ["# Library reference\n\nThe modules from the ground up; {doc}`notation` has the layers.\n"]
    for name in sorted(names, key=rank):
        parts.append(f"## `{name}`\n\n```{{eval-rst}}\n.. automodule:: {name}\n   :members:\n```\n")
    return "\n".join(parts)
