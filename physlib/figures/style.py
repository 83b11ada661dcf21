"""One figure style, light and dark: figures as inline SVG that takes the page's ink.

Lines and text are drawn in a marker colour that becomes `currentColor`, so the same figure reads on
white and on black. A figure carries its finding, its alternative text, where its numbers come from,
and the numbers themselves as CSV.
"""

from __future__ import annotations

import base64
import html
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

INK = "#010203"  # becomes currentColor
GREY = "#8c8c8c"
BLUE, ORANGE, GREEN, PURPLE, RED, GOLD = "#3f8fd2", "#dd7a2d", "#2e9e78", "#a66bc0", "#d6495b", "#b8932f"
COLOURS = (ORANGE, BLUE, GREEN, PURPLE, RED, GOLD)
STYLE = {
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "font.size": 9.5,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "grid.color": GREY,
    "legend.frameon": False,
    "svg.fonttype": "path",
    "svg.hashsalt": "physlib",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}


styled = matplotlib.rc_context(STYLE)
"""Decorator of every function that draws."""

LONGEST = 220  # characters of a caption
NARROWEST, WIDEST = 50, 118  # pixels that an inch of a figure takes on a phone, and on a large screen
_JOINS = "stroke-linejoin: round; stroke-linecap: butt"


@dataclass(frozen=True)
class Origin:
    """Where the numbers of a figure come from."""

    profile: str
    seeds: Sequence[int]
    revision: str | None

    def __str__(self) -> str:
        seeds = ", ".join(map(str, self.seeds)) or "none"
        return f"Profile {self.profile}, seeds {seeds}, revision {self.revision or 'unknown'}."


@dataclass(frozen=True, repr=False)
class CaptionedFigure:
    """A finished figure, shown as HTML: inline SVG, caption, and the numbers as CSV."""

    name: str
    figure: Figure
    finding: str  # the caption: its first sentence is shown, the others unfold
    alt: str  # what is drawn, for those who do not see it
    origin: Origin | str
    numbers: Sequence[pd.DataFrame]  # what is plotted, stretch by stretch

    def svg(self) -> str:
        """The drawing as one SVG element that takes its ink from the page."""
        buffer = io.StringIO()
        with matplotlib.rc_context(STYLE):
            self.figure.savefig(buffer, format="svg", transparent=True, bbox_inches="tight", metadata={"Date": None})
        text = buffer.getvalue()
        text = text[text.index("<svg") :].replace(INK, "currentColor")
        text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
        # inside a page a style sheet would reach every element: put it on this drawing alone
        text = re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL)
        text = re.sub(r' width="[\d.]+pt" height="[\d.]+pt"', "", text, count=1)
        label = html.escape(self.alt, quote=True)
        return text.replace("<svg", f'<svg role="img" aria-label="{label}" style="{_JOINS}"', 1)

    def csv(self) -> str:
        """The plotted numbers, with their origin on the first line."""
        numbers = pd.concat(self.numbers).to_csv(index=False, lineterminator="\n")
        return f"# {self.name}. {self.origin}\n{numbers}"

    def saying(self, sentence: str) -> CaptionedFigure:
        """The same figure under a caption of its own; what it said before unfolds below."""
        return replace(self, finding=f"{sentence} {self.finding}")

    def __repr__(self) -> str:
        return f"{self.name}: {self.finding}"

    def _repr_html_(self) -> str:
        width = self.figure.get_figwidth()
        numbers = base64.b64encode(self.csv().encode()).decode()
        link = f'<a download="{self.name}.csv" href="data:text/csv;base64,{numbers}">numbers (CSV)</a>'
        return (
            f'<figure class="phys" id="{self.name}"><div class="phys-scroll" tabindex="0">'
            f'<div style="min-width:{width * NARROWEST:.0f}px;max-width:{width * WIDEST:.0f}px">{self.svg()}</div></div>'
            f"{caption(self.finding, self.origin, link)}</figure>"
        )


def caption(finding: str, origin: Origin | str, link: str = "") -> str:
    """The first sentence of a finding as a caption, without what it lists where it is long; the rest, the origin and a link behind a mark that unfolds."""
    first, _, rest = finding.partition(". ")
    if len(first) > LONGEST:  # a list of numbers belongs with the rest
        first, _, listed = first.partition(":")
        rest = f"{listed.removesuffix('.')}. {rest}"
    more = html.escape(f"{rest} {origin}".strip())
    return (
        f"<figcaption>{html.escape(first.removesuffix('.'))}. "
        f"<details><summary>details, runs, numbers</summary>{more} {link}</details></figcaption>"
    )


class Numbers(list[pd.DataFrame]):
    """The plotted numbers, grown stretch by stretch."""

    def add(self, **values: Any) -> None:
        """Append a stretch of columns; a single value is repeated over it. Raises `ValueError` for unequal lengths."""
        self.append(pd.DataFrame(values))


def plain_ticks(*axes: Axis) -> None:
    """Ticks of logarithmic axes at 1, 2 and 5 times powers of ten, as plain numbers: for spans of a decade or two."""
    for axis in axes:
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())


def panel_grid(count: int, across: int, width: float, height: float, **options) -> tuple[Figure, np.ndarray]:
    """An empty figure of `count` panels, each of a size in inches, at most `across` in a row; its axes `(rows, columns)`.

    What the last row has to spare is hidden.
    """
    columns = min(across, count)
    rows = -(-count // columns)
    figure, axes = subplots(width * columns, height * rows, rows, columns, **options)
    for ax in axes.flat[count:]:
        ax.set_visible(False)
    return figure, axes


def subplots(width: float, height: float, rows: int = 1, columns: int = 1, **options) -> tuple[Figure, np.ndarray]:
    """An empty figure in the house style, inches, and its axes `(rows, columns)`."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **options)
