"""The report: one HTML file that needs nothing else, reads on light and on dark, and prints."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from physlib.audit.report.figures import FIGURES
from physlib.audit.report.text import sentences
from physlib.audit.report.words import chance, number, share
from physlib.audit.result import AuditResult
from physlib.audit.several import AuditTable
from physlib.figures import CaptionedFigure

_SECTIONS = (
    ("warnings", "Look at your files first", ()),
    ("verdict", "Have the samples shifted?", ("shift", "histograms", "quantiles")),
    ("explanation", "Does a small error explain it?", ("ladder",)),
    ("plausibility", "Do the samples look right?", ("plausibility", "trajectories")),
    ("demonstrations", "The demonstrations", ("histograms", "trajectories")),
    ("forecast", "Forecast before training", ("transition",)),
    ("sensitivity", "Where an error hurts", ("sensitivity",)),
    ("representations", "What another representation would do", ("representations",)),
)
OPEN = ("warnings", "verdict")
"""Sections that are not folded; without samples, the forecast is not either."""


@lru_cache(maxsize=1)
def _environment() -> Environment:
    found = PackageLoader("physlib.audit", "report")
    options = {"autoescape": True, "undefined": StrictUndefined, "trim_blocks": True, "keep_trailing_newline": True}
    return Environment(loader=found, **options)


def _template(name: str) -> Template:
    return _environment().get_template(name)


def paragraphs(lines: list[str]) -> str:
    """Sentences as HTML."""
    return Markup("").join(Markup("<p>{}</p>").format(line) for line in lines)


def report(result: AuditResult) -> str:
    """The whole page as text."""
    return _template("report.html.j2").render(
        title=f"Audit of {result.demos.title}: {result.demos.loaded.name}", **_body(result)
    )


def report_of_several(found: AuditTable) -> str:
    """One page with the table on top and every audit folded below it."""
    from physlib.audit.report.table import cells, headline

    first = found.audits[0]
    heads, rows = cells(found)
    return _template("several.html.j2").render(
        title=f"Audit of {len(found)} quantities: {first.demos.loaded.name}",
        headline=headline(found),
        heads=heads,
        rows=rows,
        audits=[{"name": a.demos.title, **_body(a)} for a in found],
        seed=first.request.seed,
    )


def _body(result: AuditResult) -> dict[str, Any]:
    """What the template shows of one audit."""
    lines, sections = sentences(result), []
    shown = OPEN if result.findings is not None else (*OPEN, "forecast")
    for key, heading, names in _SECTIONS:
        if key in lines:
            figures = _figures(result, key, names)
            captions = " ".join(figure.finding for figure in figures)  # what a caption says is not repeated
            sections.append((heading, [line for line in lines[key] if line not in captions], figures, key in shown))
    return {
        "lead": (lines.get("verdict") or lines["forecast"])[:1] + lines.get("explanation", [])[:1],
        "advice": lines["advice"][0],
        "sections": sections,
        "numbers": _numbers(result.record(), result.demos.unit),
        "seed": result.request.seed,
    }


def _figures(result: AuditResult, key: str, names: tuple[str, ...]) -> list[CaptionedFigure]:
    if key == "explanation" and result.findings.explanation.skill is None:
        return []  # nothing was fitted
    if key == "forecast" and result.findings is None:
        names = ("shift", *names)
    if key == "demonstrations" and result.findings is not None:
        return []  # they are shown beside the samples
    return [FIGURES[name](result) for name in names]


def _numbers(record: dict[str, Any], unit: str) -> list[tuple[str, str]]:
    """The record's main numbers with their names."""
    forecast, two = record["forecast"], "{:.2f}".format
    rows = [
        ("mean of the demonstrations", number(record["quantity"]["mean"], unit)),
        ("forecast shift", _with_ends(share, forecast["tv"], forecast["tv_range"])),
        ("forecast change of the mean", number(forecast["mean_shift"], unit, sign=True)),
    ]
    if record["samples"] is not None:
        rows += [
            ("p-value", "no test" if record["p_value"] is None else chance(record["p_value"])),
            ("shift", _with_ends(share, record["tv"], record["tv_interval"])),
            ("shift by sampling alone", share(record["tv_floor"])),
            ("Wasserstein distance", number(record["w1"], unit)),
            ("change of the mean", number(record["mean_shift"], unit, sign=True)),
            ("skill of the best-fitting kernel", _with_ends(two, record["skill"], record["skill_interval"])),
            ("skill of a blur", _with_ends(two, record["baseline_skill"], record["baseline_skill_interval"])),
            ("advantage over a blur", _with_ends(two, record["advantage"], record["advantage_interval"])),
            ("white-equivalent size", _with_ends(share, record["scale"], record["scale_interval"])),
        ]
    return rows


def _with_ends(form: Callable[[float], str], value: float | None, ends: list[float] | None) -> str:
    """A number and its interval or range in words."""
    return "not identifiable" if value is None else f"{form(value)} ({form(ends[0])} to {form(ends[1])})"
