"""Several audits in one table, for a terminal and for a report."""

from __future__ import annotations

from collections.abc import Sequence

from physlib.audit.report.text import sentences
from physlib.audit.report.words import chance, listed, number, share
from physlib.audit.several import LEVEL, AuditTable


def cells(found: AuditTable) -> tuple[list[str], list[list[str]]]:
    """Heads and rows of the table, as text."""
    rows, heads = [], ["quantity", "mean", "forecast: wrong bin", "forecast: mean"]
    tested = any(a.findings is not None for a in found)
    if tested:
        heads = ["quantity", "mean", "wrong bin", "by sampling", "mean changes by", "p, adjusted", "explained"]
    for row in found.rows():
        words = [row["quantity"].replace("_", " "), number(row["mean"], row["unit"])]
        if tested:
            p, skill = row["p_adjusted"], row["skill"]
            words += [share(row["tv"]), share(row["tv_floor"]), number(row["mean_shift"], row["unit"], sign=True)]
            words += ["no test" if p is None else chance(p), "" if skill is None else share(max(0.0, skill))]
        else:
            words += [share(row["forecast_tv"]), number(row["forecast_mean_shift"], row["unit"], sign=True)]
        rows.append(words)
    return heads, rows


def headline(found: AuditTable) -> str:
    """Which quantities have shifted, in a sentence."""
    names = [a.demos.title for a, p in zip(found, found.adjusted, strict=True) if p is not None and p < LEVEL]
    if found.audits[0].findings is None:
        return f"Forecasts of {len(found)} quantities, before training."
    if not names:
        return (
            f"None of {len(found)} quantities shows a shift that sampling could not make (adjusted for their number)."
        )
    doubt = " if trajectories are independent" if any(a.findings.dependence for a in found) else ""
    return f"{len(names)} of {len(found)} quantities have shifted{doubt} (adjusted for their number): {listed(names)}."


def lines(found: AuditTable) -> list[str]:
    """The table, what looks wrong in the files, and the main sentence on each quantity."""
    heads, rows = cells(found)
    widths = [max(len(row[i]) for row in [heads, *rows]) for i in range(len(heads))]
    text = [headline(found), "", *(_aligned(row, widths) for row in [heads, *rows]), ""]
    parts = [sentences(a) for a in found]
    said = dict.fromkeys(line for part in parts for line in part.get("warnings", []))
    doubts = dict.fromkeys(line for a in found if a.findings is not None for line in a.findings.dependence)
    main = [(part.get("verdict") or part["forecast"])[0] for part in parts]
    return [*text, *said, *doubts, *main]


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip()
