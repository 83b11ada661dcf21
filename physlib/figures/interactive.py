"""Interactive figures that need no kernel behind the page: every state is computed beforehand.

Plotly comes with the extra `book`; here and wherever else it is used it is imported late, as an audit draws without it.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float

from physlib.figures.style import GREY, ORANGE, Origin, caption
from physlib.tasks import Task

PLOTLY_JS = "../_static/vendor/plotly.min.js"
"""The site's own copy, relative to a page one folder deep; `book.py` puts it there."""


@dataclass(frozen=True, repr=False)
class Interactive:
    """A plotly figure with its finding, alternative text and origin."""

    name: str
    figure: Any  # plotly's
    finding: str
    alt: str
    origin: Origin

    def saying(self, sentence: str) -> Interactive:
        """The same figure under a caption of its own; what it said before unfolds below."""
        return replace(self, finding=f"{sentence} {self.finding}")

    def __repr__(self) -> str:
        return f"{self.name}: {self.finding}"

    def _repr_html_(self) -> str:
        import plotly.io as pio

        plot = pio.to_html(
            self.figure,
            full_html=False,
            include_plotlyjs=PLOTLY_JS,
            auto_play=False,
            config={"displayModeBar": False, "responsive": True},
            div_id=self.name,
        )
        return (
            f'<figure class="phys"><div role="img" aria-label="{html.escape(self.alt, quote=True)}">{plot}</div>'
            f"{caption(self.finding, self.origin)}</figure>"
        )


def _slider(sizes: Sequence[float], lines: list[list[float]], titles: list[str], start: int) -> dict:
    """A slider whose steps replace the forecast line and the title."""
    steps = [
        {"method": "update", "label": f"{s:.3f}", "args": [{"y": [line]}, {"title.text": title}, [1]]}
        for s, line, title in zip(sizes, lines, titles, strict=True)
    ]
    look = {"pad": {"t": 80, "b": 25}, "bgcolor": GREY, "bordercolor": GREY, "font": {"size": 10}}
    return {"active": start, "steps": steps, "currentvalue": {"visible": False}} | look  # the title says the value


def heights(mass: Float[np.ndarray, " M"]) -> list[float]:
    """Mass over what is intended in a bin, of underflow, the bins and overflow; failed measurements left out."""
    return [float(v) for v in mass[:-1] * (len(mass) - 3)]


def histogram(
    task: Task,
    mass: Float[np.ndarray, " M"],
    label: str,
    lines: Sequence[Any],
    **layout: Any,
) -> Any:
    """A histogram of the quantity as grey bars, and lines over it that a control may replace; for light and dark pages."""
    import plotly.graph_objects as go

    bins = len(mass) - 3
    centres = list(task.lo + (np.arange(-1, bins + 1) + 0.5) * (task.hi - task.lo) / bins)
    figure = go.Figure([go.Bar(x=centres, y=heights(mass), name=label, marker_color=GREY, opacity=0.5)])
    figure.add_traces([line.update(x=centres, line_shape="hvh") for line in lines])
    faint, clear = "rgba(140, 140, 140, 0.3)", "rgba(0, 0, 0, 0)"
    return figure.update_layout(
        template="none",
        xaxis_title=task.info.label,
        yaxis={"title": "mass / intended mass", "gridcolor": faint, "zerolinecolor": faint, "rangemode": "tozero"},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 1, "xanchor": "right"},
        paper_bgcolor=clear,
        plot_bgcolor=clear,
        font={"color": GREY, "size": 13},
        bargap=0,
        **layout,
    )


def size_slider(
    name: str,
    task: Task,
    observed: Float[np.ndarray, " M"],
    sizes: Sequence[float],
    masses: Float[np.ndarray, "J M"],
    r2: Sequence[float],
    origin: Origin,
) -> Interactive:
    """A slider over the size of a kernel moves its forecast against the observed histogram."""
    import plotly.graph_objects as go

    lines = [heights(mass) for mass in masses]
    titles = [f"s = {s:.3f}: R2 of the shift {value:.2f}" for s, value in zip(sizes, r2, strict=True)]
    start = int(np.argmax(r2))
    figure = histogram(
        task,
        observed,
        "observed in samples",
        [go.Scatter(y=lines[start], name="forecast", line_color=ORANGE)],
        title={"text": titles[start], "font": {"size": 14}, "y": 0.98, "yanchor": "top"},
        sliders=[_slider(sizes, lines, titles, start)],
        margin={"l": 55, "r": 25, "t": 95, "b": 70},  # on a phone the legend takes two lines
        height=520,
    )
    finding = (
        "Move the slider (the first and last bars are under- and overflow): too small a deviation forecasts no shift, "
        f"too large a one empties the range. The best size is {sizes[start]:.3f}, where R2 is {r2[start]:.2f}."
    )
    alt = (
        f"Observed histogram of {task.info.quantity} as bars and the forecast as a line; "
        "a slider sets the size of the deviation."
    )
    return Interactive(name, figure, finding, alt, origin)
