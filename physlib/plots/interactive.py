"""Interactive figures that need no kernel behind the page: every state is computed beforehand (pages layer)."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
import plotly.io as pio
from jaxtyping import Float

from physlib.plots.figure import GREY, ORANGE, Origin
from physlib.tasks import Task

PLOTLY_JS = "../_static/vendor/plotly.min.js"
"""The site's own copy, relative to a page one folder deep; `book.py` puts it there."""


@dataclass(frozen=True, repr=False)
class Interactive:
    """A plotly figure with its finding, alternative text and origin."""

    name: str
    figure: go.Figure
    finding: str
    alt: str
    origin: Origin

    def __repr__(self) -> str:
        return f"{self.name}: {self.finding}"

    def _repr_html_(self) -> str:
        plot = pio.to_html(
            self.figure,
            full_html=False,
            include_plotlyjs=PLOTLY_JS,
            config={"displayModeBar": False, "responsive": True},
            div_id=self.name,
        )
        return (
            f'<figure class="phys"><div role="img" aria-label="{html.escape(self.alt, quote=True)}">{plot}</div>'
            f"<figcaption>{html.escape(self.finding)} <small>{html.escape(str(self.origin))}</small>"
            "</figcaption></figure>"
        )


def scale_slider(
    name: str,
    task: Task,
    observed: Float[np.ndarray, " M"],
    sizes: Sequence[float],
    masses: Float[np.ndarray, "J M"],
    r2: Sequence[float],
    origin: Origin,
) -> Interactive:
    """A slider over the size of a kernel moves its forecast against the observed histogram."""
    bins = len(observed) - 3
    width = (task.hi - task.lo) / bins
    centres = task.lo + (np.arange(-1, bins + 1) + 0.5) * width
    start = int(np.argmax(r2))
    figure = go.Figure(
        [
            go.Bar(x=centres, y=observed[:-1] * bins, name="observed in samples", marker_color=GREY, opacity=0.5),
            go.Scatter(x=centres, y=masses[start][:-1] * bins, name="forecast", line_shape="hvh", line_color=ORANGE),
        ]
    )
    steps = [
        {
            "method": "update",
            "label": f"{s:.3f}",
            "args": [{"y": [list(mass[:-1] * bins)]}, {"title.text": f"s = {s:.3f}: R2 of the shift {value:.2f}"}, [1]],
        }
        for s, mass, value in zip(sizes, masses, r2, strict=True)
    ]
    slider = {
        "active": start,
        "steps": steps,
        "currentvalue": {"visible": False},  # the title says it
        "pad": {"t": 45},
        "bgcolor": GREY,
        "bordercolor": GREY,
        "font": {"size": 10},
    }
    faint = "rgba(140, 140, 140, 0.3)"
    unit = "" if task.facts.unit == "1" else f" ({task.facts.unit})"
    figure.update_layout(
        title={"text": f"s = {sizes[start]:.3f}: R2 of the shift {r2[start]:.2f}", "font": {"size": 14}},
        sliders=[slider],
        xaxis_title=f"{task.facts.quantity}{unit}; first and last bar: under- and overflow",
        yaxis={"title": "mass / intended mass", "gridcolor": faint, "zerolinecolor": faint},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 1, "xanchor": "right"},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": GREY, "size": 13},
        margin={"l": 55, "r": 15, "t": 70, "b": 60},
        bargap=0,
        height=460,
        template="none",
    )
    finding = (
        f"Move the slider: too small a deviation forecasts no shift, too large a one empties the range. "
        f"The best size is {sizes[start]:.3f}, where R2 is {r2[start]:.2f}."
    )
    alt = (
        f"Observed histogram of {task.facts.quantity} as bars and the forecast as a line; "
        "a slider sets the size of the deviation."
    )
    return Interactive(name, figure, finding, alt, origin)
