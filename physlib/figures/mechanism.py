"""Pictures of the mechanism: transitions, drift and spread, locality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, LogNorm, to_rgba
from matplotlib.image import AxesImage

from physlib.figures.style import (
    BLUE,
    COLOURS,
    GREY,
    INK,
    ORANGE,
    CaptionedFigure,
    Numbers,
    Origin,
    panel_grid,
    plain_ticks,
    styled,
    subplots,
)
from physlib.models import Probe
from physlib.stats.histogram import Bins
from physlib.tasks import Task

ACROSS = 3  # transition matrices in a row
# one hue from transparent to full, so that empty is the page itself on light and on dark
HEAT = LinearSegmentedColormap.from_list("heat", [to_rgba(BLUE, 0.04), to_rgba(BLUE, 1)])


def heat(ax: Axes, bins: Bins, transition: Float[np.ndarray, "M M"]) -> AxesImage:
    """A transition matrix as a map: bins that mass starts in across, rows that it lands in upwards, tails included."""
    shown = np.where(transition > 1e-4, transition, np.nan)[: bins.count + 2, 1:-2]
    image = ax.imshow(shown, origin="lower", cmap=HEAT, norm=LogNorm(1e-3, 1), aspect="auto", rasterized=True)
    for edge in (0.5, bins.count + 0.5):
        ax.axhline(edge, color=GREY, lw=0.8)
    lo, mid, hi = (f"{value:.3g}" for value in np.quantile(bins.edges, [0, 0.5, 1]))
    ax.set_xticks([-0.5, bins.count - 0.5], [lo, hi])
    ax.set_yticks([0, (bins.count + 1) / 2, bins.count + 1], ["under", mid, "over"])
    return image


@styled
def transition(
    name: str, task: Task, matrices: Mapping[str, Float[np.ndarray, "M M"]], origin: Origin
) -> CaptionedFigure:
    """The transition matrix R of one or more kernels: columns where mass starts, rows where it lands."""
    figure, axes = panel_grid(len(matrices), ACROSS, 3.2, 3.2, sharex=True, sharey=True)
    numbers = Numbers()
    for ax, (title, matrix) in zip(axes.flat, matrices.items(), strict=False):
        image = heat(ax, task.bins, matrix)
        ax.set_title(title)
        matrix = matrix[:, 1:-2]
        rows, starts = np.nonzero(matrix)
        numbers.add(kernel=title, from_bin=starts, to_row=rows, share=matrix[rows, starts])
    for ax in axes[-1]:
        ax.set_xlabel(f"{task.info.quantity} of the data")
    for ax in axes[:, 0]:
        ax.set_ylabel("measured after")
    figure.colorbar(image, ax=axes, label="share of the column")
    stays = [
        f"{title} {np.trace(m[1:-2, 1:-2]) / task.bins.count:.0%} stays in its bin, {(m[0] + m[-2])[1:-2].mean():.1%} leaves the range"
        for title, m in matrices.items()
    ]
    finding = f"Where the mass of each bin of {task.name} goes: {'; '.join(stays)}."
    alt = f"Heat maps of the transition matrix of {task.info.quantity} under {', '.join(matrices)}; a diagonal band."
    return CaptionedFigure(name, figure, finding, alt, origin, numbers)


@styled
def drift_and_spread(
    name: str,
    panels: Sequence[tuple[Task, Float[np.ndarray, " K"], Float[np.ndarray, " K"]]],
    origin: Origin,
) -> CaptionedFigure:
    """Drift b(q) and spread, as the root of 2 v(q), per task, in shares of the range."""
    figure, axes = subplots(3.1 * len(panels), 2.6, columns=len(panels))
    numbers = Numbers()
    for ax, (task, drift, spread) in zip(axes[0], panels, strict=True):
        span = task.hi - task.lo
        q = task.lo + (np.arange(len(drift)) + 0.5) * span / len(drift)
        ax.axhline(0, color=GREY, lw=0.8)
        ax.plot(q, drift / span, color=ORANGE, label="drift b(q)")
        ax.plot(q, np.sqrt(2 * spread) / span, color=BLUE, label="root 2 v(q)")
        ax.set(title=task.name, xlabel=task.info.quantity)
        numbers.add(task=task.name, q=q, drift=drift, root_2v=np.sqrt(2 * spread))
    axes[0, 0].set_ylabel("share of the range")
    axes[0, 0].legend()
    ratios = [f"{task.name} {np.sqrt(spread.max() / spread.min()):.1f}" for task, _, spread in panels]
    finding = (
        "The same deviation moves the quantity by different amounts in different places. "
        f"Largest over smallest root 2 v(q): {'; '.join(ratios)}."
    )
    alt = f"Drift and spread of the measured quantity against its value, for {', '.join(p[0].name for p in panels)}."
    return CaptionedFigure(name, figure, finding, alt, origin, numbers)


@styled
def locality(
    name: str,
    probe: Probe,
    cells: Mapping[str, Float[np.ndarray, "S L"]],
    origin: Origin,
) -> CaptionedFigure:
    """Share of the shift that redrawing data at each level reproduces: every seed thin, the mean thick."""
    figure, axes = subplots(6.6, 3.9)
    ax, levels = axes[0, 0], probe.levels
    numbers = Numbers()
    means = {title: shares.mean(axis=0) for title, shares in cells.items()}
    for colour, (title, shares) in zip(cycle(COLOURS), cells.items(), strict=False):
        for seed, line in zip(origin.seeds, shares, strict=True):
            ax.plot(levels, line, color=colour, lw=0.6, alpha=0.6)
            numbers.add(cell=title, seed=seed, level=levels, r2=line)
        ax.plot(levels, means[title], color=colour, lw=1.8, marker="o", ms=3, label=title)
    ax.axhline(0, color=GREY, lw=0.8)
    ax.axhline(1, color=INK, lw=0.8)
    scale = "log" if levels[-1] > 1 else "linear"  # shares of a whole are read on a straight axis
    ax.set(xscale=scale, xlabel=probe.meaning, ylabel="R2 of the shift")
    ax.set_ylim(max(-1, ax.get_ylim()[0]), max(1.05, ax.get_ylim()[1]))  # open above: corrected shares may exceed 1
    figure.legend(loc="outside lower center", ncols=3, fontsize=8)
    reached = []
    for title, mean in means.items():
        enough = [level for level, share in zip(levels, mean, strict=True) if share >= 0.8]
        best = f"best {np.nanmax(mean):.2f}" if np.isfinite(mean).any() else "too small a shift"
        reached.append(f"{title} " + (f"{enough[0]:g}" if enough else f"none ({best})"))
    finding = f"Smallest level that reproduces at least 0.8 of the shift: {'; '.join(reached)}."
    alt = f"Share of the observed shift reproduced against the {probe.meaning}, for {', '.join(cells)}."
    return CaptionedFigure(name, figure, finding, alt, origin, numbers)


@styled
def drift_by_size(
    name: str,
    task: Task,
    sizes: Sequence[float],
    lines: Mapping[str, Float[np.ndarray, " S"]],
    origin: Origin,
) -> CaptionedFigure:
    """A quantity against the size of the deviation, on logarithmic axes, Monte Carlo beside closed form."""
    figure, axes = subplots(5.2, 3.1)
    ax = axes[0, 0]
    styles = ({"marker": "o", "ls": "none", "ms": 5}, {"lw": 1.6}, {"lw": 1.4, "ls": "--"})
    for style, colour, (title, values) in zip(styles, (ORANGE, INK, BLUE), lines.items(), strict=False):
        ax.plot(sizes, values, color=colour, label=title, **style)
    ax.set(xscale="log", yscale="log", xlabel="size s of the deviation", ylabel=f"drift of the {task.info.quantity}")
    plain_ticks(ax.xaxis)
    ax.legend()
    (first, reference), *_ = lines.items()
    gaps = [
        f"{np.max(np.abs(reference / values - 1)):.1%} of the {title} mean"
        for title, values in lines.items()
        if title != first
    ]
    finding = f"Drift of the {task.info.quantity}: {first} lies within {' and within '.join(gaps)} at every size."
    alt = f"Drift of {task.info.quantity} against the size of the deviation: {', '.join(lines)}."
    return CaptionedFigure(name, figure, finding, alt, origin, [pd.DataFrame({"s": sizes} | dict(lines))])
