"""The report: one HTML file that needs nothing else, reads on light and on dark, and prints (pages layer)."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from physlib.audit.report.figures import FIGURES
from physlib.audit.report.text import number, sentences, share
from physlib.audit.result import Audit
from physlib.figures import Figure

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #ffffff; --faint: #6a737d; --line: #d0d7de; --box: #f4f6f8; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e6e6; --paper: #15181c; --faint: #9aa4ae; --line: #3a414a; --box: #1f242a; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 56rem; padding: 1.5rem 1rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.25; } h2 { font-size: 1.15rem; margin-top: 2.4rem; }
.lead { background: var(--box); border-left: 4px solid #3f8fd2; padding: .2rem 1rem; }
figure { margin: 1.2rem 0; } figure svg { width: 100%; height: auto; } .phys-scroll { overflow-x: auto; }
figcaption { color: var(--faint); font-size: .88rem; } a { color: inherit; }
table { border-collapse: collapse; font-size: .9rem; } .wide { overflow-x: auto; }
th, td { text-align: left; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
footer { color: var(--faint); font-size: .85rem; margin-top: 3rem; }
@media print {
  :root { --ink: #000; --paper: #fff; --faint: #444; --line: #bbb; --box: #fff; }
  body { max-width: none; padding: 0; font-size: 11pt; } figure, table, .lead { break-inside: avoid; }
  h2 { break-after: avoid; } figcaption a { display: none; }
}
"""
_SECTIONS = (
    ("verdict", "Have the samples shifted?", ("shift",)),
    ("explanation", "Does a small error explain it?", ("ladder",)),
    ("plausibility", "Do the samples look right?", ("plausibility",)),
    ("demonstrations", "The demonstrations", ("demonstrations",)),
    ("forecast", "Forecast before training", ("transition",)),
    ("sensitivity", "Where an error hurts", ("sensitivity",)),
    ("representations", "What another representation would do", ("representations",)),
)


def report(audit: Audit) -> str:
    """The whole page as text."""
    said = sentences(audit)
    title = f"Audit of {audit.demos.info.quantity}: {audit.demos.intake.name}"
    lead = (said.get("verdict") or said["forecast"])[:1] + said.get("explanation", [])[:1]
    body = [f"<h1>{escape(title)}</h1>", f'<div class="lead">{paragraphs(lead)}</div>']
    for key, heading, figures in _SECTIONS:
        if key in said:
            drawn = _figures(audit, key, figures)
            captions = " ".join(figure.finding for figure in drawn)  # what a caption says is not said twice
            text = paragraphs([line for line in said[key] if line not in captions])
            body.append(f"<h2>{escape(heading)}</h2>{text}{''.join(figure._repr_html_() for figure in drawn)}")
    body.append(f"<h2>The numbers</h2>{_numbers(audit)}")
    body.append(
        "<footer>Made by physlib audit. Shifts are total variation: the share of trajectories in the wrong bin. "
        f"Seed {audit.asked.seed}.</footer>"
    )
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, '
        f'initial-scale=1"><title>{escape(title)}</title><style>{_STYLE}</style></head><body>{"".join(body)}</body></html>\n'
    )


def paragraphs(lines: list[str]) -> str:
    """Sentences as HTML."""
    return "".join(f"<p>{escape(line)}</p>" for line in lines)


def _figures(audit: Audit, key: str, names: tuple[str, ...]) -> list[Figure]:
    if key == "explanation" and audit.findings.explanation.skill is None:
        return []  # nothing was fitted
    if key == "forecast" and audit.findings is None:
        names = ("shift", *names)
    return [FIGURES[name](audit) for name in names]


def _numbers(audit: Audit) -> str:
    """The record's main numbers as a table."""
    record, unit = audit.record(), audit.unit
    forecast = record["forecast"]
    rows = [
        ("mean of the demonstrations", number(record["quantity"]["mean"], unit)),
        (
            "forecast shift",
            f"{share(forecast['tv'])} ({share(forecast['tv_range'][0])} to {share(forecast['tv_range'][1])})",
        ),
        ("forecast change of the mean", number(forecast["mean_shift"], unit, sign=True)),
    ]
    if audit.findings is not None:
        rows += [
            ("p-value", number(record["p_value"])),
            (
                "shift",
                f"{share(record['tv'])} ({share(record['tv_interval'][0])} to {share(record['tv_interval'][1])})",
            ),
            ("shift by sampling alone", share(record["tv_floor"])),
            ("Wasserstein distance", number(record["w1"], unit)),
            ("change of the mean", number(record["mean_shift"], unit, sign=True)),
            ("skill of the best-fitting kernel", _or_dash(record, "skill", "{:.2f}".format)),
            ("skill of a blur", _or_dash(record, "baseline_skill", "{:.2f}".format)),
            ("advantage over a blur", _or_dash(record, "advantage", "{:.2f}".format)),
            ("white-equivalent size", _or_dash(record, "scale", share)),
        ]
    cells = "".join(f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>" for name, text in rows)
    return f'<div class="wide"><table>{cells}</table></div>'


def _or_dash(record: dict, key: str, form: Callable[[float], str]) -> str:
    """A number of the record and its interval in words."""
    if record[key] is None:
        return "not identifiable"
    low, high = map(form, record[f"{key}_interval"])
    return f"{form(record[key])} ({low} to {high})"
