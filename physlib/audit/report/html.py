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
from physlib.figures import CaptionedFigure

_SECTIONS = (
    ("warnings", "Look at your files first", ()),
    ("verdict", "Have the samples shifted?", ("shift",)),
    ("explanation", "Does a small error explain it?", ("ladder",)),
    ("plausibility", "Do the samples look right?", ("plausibility",)),
    ("demonstrations", "The demonstrations", ("demonstrations",)),
    ("forecast", "Forecast before training", ("transition",)),
    ("sensitivity", "Where an error hurts", ("sensitivity",)),
    ("representations", "What another representation would do", ("representations",)),
)


@lru_cache(maxsize=1)
def _template() -> Template:
    found = PackageLoader("physlib.audit", "report")
    options = {"autoescape": True, "undefined": StrictUndefined, "trim_blocks": True, "keep_trailing_newline": True}
    return Environment(loader=found, **options).get_template("report.html.j2")


def paragraphs(lines: list[str]) -> str:
    """Sentences as HTML."""
    return Markup("").join(Markup("<p>{}</p>").format(line) for line in lines)


def report(result: AuditResult) -> str:
    """The whole page as text."""
    lines, sections = sentences(result), []
    for key, heading, names in _SECTIONS:
        if key in lines:
            figures = _figures(result, key, names)
            captions = " ".join(figure.finding for figure in figures)  # what a caption says is not repeated
            sections.append((heading, [line for line in lines[key] if line not in captions], figures))
    return _template().render(
        title=f"Audit of {result.demos.title}: {result.demos.loaded.name}",
        lead=(lines.get("verdict") or lines["forecast"])[:1] + lines.get("explanation", [])[:1],
        sections=sections,
        numbers=_numbers(result.record(), result.demos.unit),
        seed=result.request.seed,
    )


def _figures(result: AuditResult, key: str, names: tuple[str, ...]) -> list[CaptionedFigure]:
    if key == "explanation" and result.findings.explanation.skill is None:
        return []  # nothing was fitted
    if key == "forecast" and result.findings is None:
        names = ("shift", *names)
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
