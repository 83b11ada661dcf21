"""Pictures of paths through mazes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.patches import Rectangle
from matplotlib.ticker import NullFormatter

from physlib.figures.style import COLOURS, GREY, CaptionedFigure, Numbers, Origin, plain_ticks, styled, subplots
from physlib.tasks import Maze


@styled
def maze_paths(
    name: str, task: Maze, panels: Mapping[str, Float[np.ndarray, "N T D"]], origin: Origin
) -> CaptionedFigure:
    """Paths over the maze, one panel per source, coloured by their length."""
    left, right, bottom, top = task.grid.extent
    height = 3.1 * (top - bottom) / (right - left)
    figure, axes = subplots(3.3 * len(panels) + 0.9, height + 0.4, columns=len(panels))
    norm, map_, numbers = Normalize(task.lo, task.hi), colormaps["viridis"], Numbers()
    for ax, (title, x) in zip(axes[0], panels.items(), strict=True):
        _walls(ax, task)
        for i, (path, length) in enumerate(zip(x, task.measure(x), strict=True)):
            ax.plot(*path[:, :2].T, color=map_(norm(length)), lw=1, alpha=0.9)
            numbers.add(panel=title, trajectory=i, x=np.round(path[:, 0], 4), y=np.round(path[:, 1], 4))
        ax.set(title=title, xlim=(left, right), ylim=(bottom, top), aspect="equal", xticks=[], yticks=[])
    figure.colorbar(ScalarMappable(norm, map_), ax=axes[0], label=task.info.label, shrink=0.85)
    shares = [f"{title} {np.mean(task.residual(x) < task.info.threshold):.0%}" for title, x in panels.items()]
    finding = (
        f"{task.info.title[0].upper()}{task.info.title[1:]}, coloured by length. Share of the drawn paths that touch no wall and make no "
        f"leap: {', '.join(shares)}."
    )
    alt = f"Maps of the maze with paths drawn in its corridors, one panel each for {' and '.join(panels)}."
    return CaptionedFigure(name, figure, finding, alt, origin, numbers)


def _walls(ax, task: Maze) -> None:
    left, _, _, top = task.grid.extent
    for row, marks in enumerate(task.layout):
        for column, mark in enumerate(marks):
            if mark == "#":
                ax.add_patch(Rectangle((left + column, top - row - 1), 1, 1, color=GREY, alpha=0.35, lw=0))


@styled
def length_change(
    name: str,
    sizes: Float[np.ndarray, " S"],
    lines: Mapping[str, Float[np.ndarray, " S"]],
    origin: Origin,
) -> CaptionedFigure:
    """Mean change of path length against the size of the deviation, one line per spectrum."""
    figure, axes = subplots(5.4, 3.1)
    ax, numbers = axes[0, 0], Numbers()
    for colour, marker, (label, change) in zip(COLOURS, "os^vD", lines.items(), strict=False):
        ax.plot(sizes, change, color=colour, marker=marker, label=label, ms=4)
        numbers.add(deviation=label, size=sizes, change=change)
    ax.set(xscale="log", yscale="log", xlabel="size of the deviation (cells)", ylabel="mean change of length (cells)")
    plain_ticks(ax.xaxis)
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.legend()
    first, *others = lines
    ratios = [f"{np.mean(lines[first] / lines[other]):.0f} times as much as {other}" for other in others]
    finding = f"Of one size, {first} deviations lengthen paths {', '.join(ratios)} (mean of the ratios shown)."
    alt = "Rising lines on double logarithmic axes, one per kind of deviation; smoother ones lie far lower."
    return CaptionedFigure(name, figure, finding, alt, origin, numbers)


@styled
def training_length(
    name: str, runs: pd.DataFrame, panels: Mapping[str, Sequence[str]], origin: Origin
) -> CaptionedFigure:
    """Measures of runs against their optimiser steps, a dot a run; `panels` maps an axis label to what it shows.

    Each of `runs` has `task`, `seed`, `steps` and the measures. Lines join the means of runs of one length; what lies
    below -1 is drawn at -1.
    """
    figure, axes = subplots(7.6, 5.4, rows=2, columns=2, sharex=True)
    means = runs.groupby(["task", "steps"], sort=False).mean(numeric_only=True)
    tasks = list(dict.fromkeys(runs.task))
    for ax, (label, measures) in zip(axes.flat, panels.items(), strict=True):
        ax.axhline(0, color=GREY, lw=0.8)
        for colour, task in zip(COLOURS, tasks, strict=False):
            own, line = runs[runs.task == task], means.loc[task].sort_index().clip(lower=-1)
            for style, marker, measure in zip(("-", "--"), "os", measures, strict=False):
                title = f"{task}, {measure}".replace("_", " ")
                ax.plot(line.index, line[measure], style, color=colour, lw=1.5, label=title)
                ax.plot(own.steps, own[measure].clip(lower=-1), marker, color=colour, ms=3.5, alpha=0.7)
        ax.set(xscale="log", ylabel=label)
        ax.legend(fontsize=7)
    for ax in axes[-1]:
        ax.set_xlabel("optimiser steps")
    shown = [measure for measures in panels.values() for measure in measures]
    ends = []
    for task in tasks:
        told = means.loc[task, shown[0]].sort_index()
        ends.append(f"{task}: {', '.join(f'{value:.2f} after {steps}' for steps, value in told.items())}")
    finding = (
        f"Steps of training and what they change. Mean {shown[0]}, {'; '.join(ends)}. Values below -1 are drawn at -1."
    )
    alt = f"Four panels of lines against optimiser steps for {', '.join(tasks)}: {', '.join(panels)}."
    return CaptionedFigure(name, figure, finding, alt, origin, [runs[["task", "seed", "steps", *shown]]])
