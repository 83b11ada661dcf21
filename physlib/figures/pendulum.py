"""Pictures of double pendulums: a motion to play, and what errors do to their energy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.ticker import NullFormatter

from physlib.figures.interactive import Interactive
from physlib.figures.style import COLOURS, GREY, INK, CaptionedFigure, Numbers, Origin, plain_ticks, styled, subplots
from physlib.tasks.pendulum import DT

APART = 4.6  # between pivots, in arms
FRAME = 1000 * DT  # ms
STILL = {"frame": {"duration": 0, "redraw": False}, "mode": "immediate"}  # plotly's way to show one frame and stop


def _arms(angles: Float[np.ndarray, " 2"], pivot: float) -> tuple[list[float], list[float]]:
    """Corners of the two arms, from the pivot down."""
    x, y = np.cumsum(np.sin(angles)), -np.cumsum(np.cos(angles))
    return [pivot, *(pivot + x)], [0.0, *y]


def pendulum_animation(
    name: str,
    motions: Mapping[str, Float[np.ndarray, "T 2"]],
    energies: Mapping[str, float],
    origin: Origin,
) -> Interactive:
    """Pendulums side by side from their two angles, to be played; each tip's whole path lies behind it."""
    import plotly.graph_objects as go

    pivots = {title: APART * i for i, title in enumerate(motions)}
    steps = len(next(iter(motions.values())))
    colours = dict(zip(motions, COLOURS, strict=False))
    trails = []
    for title, angles in motions.items():
        tip = np.array([[corner[-1] for corner in _arms(a, pivots[title])] for a in angles])
        trails.append(go.Scatter(x=tip[:, 0], y=tip[:, 1], mode="lines", line={"color": colours[title], "width": 1}))

    def pose(t: int) -> list[Any]:
        look = {title: {"color": [GREY, colour, colour], "size": [7, 12, 12]} for title, colour in colours.items()}
        return [
            go.Scatter(x=x, y=y, mode="lines+markers", line={"color": GREY, "width": 3}, marker=look[title])
            for title, (x, y) in ((title, _arms(angles[t], pivots[title])) for title, angles in motions.items())
        ]

    moving = list(range(len(trails), 2 * len(trails)))
    figure = go.Figure(
        [*trails, *pose(0)],
        frames=[go.Frame(data=pose(t), traces=moving, name=str(t)) for t in range(steps)],
    )
    notes = [
        {"x": pivots[title], "y": 2.35, "text": f"{title}, {energies[title]:.1f} J", "showarrow": False}
        for title in motions
    ]
    hidden = {"visible": False, "fixedrange": True}
    figure.update_layout(
        template="none",
        annotations=notes,
        xaxis=hidden | {"range": [-2.3, APART * (len(motions) - 1) + 2.3]},
        yaxis=hidden | {"range": [-2.2, 2.6], "scaleanchor": "x"},
        showlegend=False,
        paper_bgcolor="rgba(0, 0, 0, 0)",
        plot_bgcolor="rgba(0, 0, 0, 0)",
        font={"color": GREY, "size": 13},
        margin={"l": 5, "r": 5, "t": 5, "b": 5},
        height=460,
        updatemenus=[_buttons()],
        sliders=[_clock(steps)],
    )
    finding = (
        f"{steps * DT:.1f} s of {' and '.join(motions)}, with the mean energy of each. Press play, or drag the clock; thin lines are "
        "the whole path of the lower mass."
    )
    alt = f"Double pendulums drawn as two arms, side by side: {', '.join(motions)}; buttons play the motion."
    return Interactive(name, figure, finding, alt, origin)


def _buttons() -> dict:
    """Play and pause."""
    steady = {"frame": {"duration": FRAME, "redraw": False}, "transition": {"duration": 0}, "fromcurrent": True}
    return {
        "type": "buttons",
        "showactive": False,  # plotly's highlight is white, also on black
        "direction": "right",
        "x": 0,
        "y": 0,
        "xanchor": "left",
        "yanchor": "top",
        "bgcolor": "rgba(0, 0, 0, 0)",
        "bordercolor": GREY,
        "pad": {"t": 18},
        "buttons": [
            {"label": "play", "method": "animate", "args": [None, steady]},
            {"label": "pause", "method": "animate", "args": [[None], STILL]},
        ],
    }


def _clock(steps: int) -> dict:
    """A slider over the frames."""
    moves = [{"method": "animate", "label": f"{t * DT:.1f} s", "args": [[str(t)], STILL]} for t in range(steps)]
    return {
        "steps": moves,
        "currentvalue": {"prefix": "time "},
        "x": 0,
        "len": 1,
        "pad": {"t": 62},  # below the buttons, on a phone too
        "bgcolor": GREY,
        "bordercolor": GREY,
        "ticklen": 0,
        "minorticklen": 0,
        "tickcolor": "rgba(0, 0, 0, 0)",
        "font": {"size": 10},
    }


@styled
def energy_rise(
    name: str,
    sizes: Float[np.ndarray, " S"],
    lines: Mapping[str, tuple[Float[np.ndarray, " S"], Float[np.ndarray, " S"]]],
    origin: Origin,
) -> CaptionedFigure:
    """Mean change of energy against the size of a white error, measured as dots and to second order as lines."""
    figure, axes = subplots(5.6, 3.4)
    ax, numbers = axes[0, 0], Numbers()
    for colour, marker, (title, (measured, theory)) in zip(COLOURS, "os^v", lines.items(), strict=False):
        ax.plot(sizes, measured, marker, color=colour, label=title, ms=5)
        ax.plot(sizes, theory, color=colour, lw=1.2)
        numbers.add(representation=title, size=sizes, measured=measured, second_order=theory)
    ax.set(xscale="log", yscale="log", xlabel="size s of the error (share of a standard deviation)")
    plain_ticks(ax.xaxis)
    ax.set_ylabel("mean change of energy (J)")
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.plot([], [], color=INK, lw=1.2, label="second order")
    ax.legend()
    (first, (lower, _)), *others = lines.items()
    ratios = [f"{np.mean(values / lower):.0f} times as much as {first}" for _, (values, _) in others]
    finding = f"White errors of one size raise the energy seen through {', '.join(title for title, _ in others)} {', '.join(ratios)}."
    alt = "Two rising lines on double logarithmic axes with slope two, one per representation, far apart."
    return CaptionedFigure(name, figure, finding, alt, origin, numbers)
