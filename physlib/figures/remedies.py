"""Pictures of strategies against the shift: before and after, forecast and found, and what codes feel."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.ticker import MaxNLocator

from physlib.figures.interactive import Interactive, heights, histogram
from physlib.figures.style import BLUE, COLOURS, GREY, INK, ORANGE, CaptionedFigure, Numbers, Origin, panel_grid, styled
from physlib.stats.distances import total_variation
from physlib.stats.histogram import flat_mass
from physlib.tasks import Task

DOTS = 1_500  # samples drawn of each panel


@styled
def remedy_effects(name: str, rows: pd.DataFrame, origin: Origin) -> CaptionedFigure:
    """Total variation without and with each strategy, one dot a seed.

    `rows` has `panel`, `label`, `tv_before` and `tv_after` of each seed, and `plausible_after`.
    """
    panels = dict(list(rows.groupby("panel", sort=False)))
    figure, axes = panel_grid(len(panels), min(2, len(panels)), 4.6, 0.6 + 0.3 * max(map(len, panels.values())))
    numbers, found = Numbers(), []
    for ax, (title, some) in zip(axes.flat, panels.items(), strict=False):
        before, after = (some[key].map(np.mean) for key in ("tv_before", "tv_after"))
        for i, row in enumerate(some.itertuples()):
            ends = before[row.Index], after[row.Index]
            ax.plot(ends, [i, i], color=GREY, lw=1)
            ax.plot(ends[0], i, "|", color=INK, ms=10, mew=1.5)
            ax.plot(row.tv_after, [i] * len(row.tv_after), "o", color=BLUE if ends[1] < ends[0] else ORANGE, ms=4)
            place = ("axes fraction", "data")
            ax.annotate(f"{row.plausible_after:.0%}", (1.0, i), xycoords=place, va="center", fontsize=8)
            seeds = {"seed": origin.seeds[: len(row.tv_after)], "before": row.tv_before, "after": row.tv_after}
            numbers.add(task=title, strategy=row.label, **seeds, plausible_after=row.plausible_after)
        least = (after / before).idxmin()
        found.append(f"{title} {some.label[least]} ({before[least]:.3f} to {after[least]:.3f})")
        ax.set_yticks(range(len(some)), some.label, fontsize=8.5)
        ax.set_title(title, fontsize=9.5)
        ax.set_xlim(left=0)
        ax.invert_yaxis()
        ax.set_xlabel("total variation from flat")
    finding = (
        f"What takes off the largest part in each panel: {'; '.join(found)}. The bar is the mean without the strategy, a dot one "
        "run with it, blue where the mean is smaller; on the right the plausible share with it."
    )
    alt = "Panels by task, one row a strategy: a bar for the shift before and dots for the shift after."
    return CaptionedFigure(name, figure, finding, alt, origin, numbers)


@styled
def remedy_forecasts(
    name: str, rows: pd.DataFrame, helps: float, right: float, helped: float, rank: float, origin: Origin
) -> CaptionedFigure:
    """Total variation with a strategy over that without: as a kernel forecasts it, and as measured, beyond noise.

    `rows` has `task`, `strategy`, `expected` and `found`; a ratio below `helps` counts as help, which is forecast rightly
    in a share `right` of them and true in a share `helped`; `rank` is their rank correlation.
    """
    figure, axes = panel_grid(1, 1, 5.6, 4.2)
    ax = axes[0, 0]
    for colour, (task, some) in zip(cycle(COLOURS), rows.groupby("task", sort=False), strict=False):
        ax.plot(some.expected, some.found, "o", color=colour, label=task, ms=6)
    named: list[tuple[float, float]] = []  # the dots furthest from the diagonal, where there is room for a name
    for row in rows.assign(off=(rows.found - rows.expected).abs()).nlargest(len(rows), "off").itertuples():
        if all(abs(row.expected - x) > 0.24 or abs(row.found - y) > 0.05 for x, y in named):
            place = {"xytext": (5, 3), "textcoords": "offset points", "fontsize": 8}
            ax.annotate(row.strategy, (row.expected, row.found), **place)
            named.append((row.expected, row.found))
    top = 1.1 * rows[["expected", "found"]].to_numpy().max()
    ax.plot([0, top], [0, top], color=GREY, lw=1)
    for line in (ax.axhline, ax.axvline):
        line(helps, color=GREY, lw=0.8, ls=":")
    ax.set(xlabel="shift with / without, as the kernel expects", ylabel="as measured", xlim=(0, top), ylim=(0, top))
    figure.legend(loc="outside lower center", ncols=3, fontsize=8)
    finding = (
        f"Over {len(rows)} trials the kernel is right about whether a tenth or more is taken off in {right:.0%}, where "
        f"{helped:.0%} do; the rank correlation of expected and measured ratios is {rank:.2f}. On the diagonal the "
        "forecast is exact. Dots in a crowd have no name."
    )
    tasks = ", ".join(rows.task.unique())
    alt = f"Scatter of measured against expected ratio of shifts, one dot a strategy and task, for {tasks}."
    return CaptionedFigure(name, figure, finding, alt, origin, [rows])


@styled
def sensitivities(
    name: str, felt: Mapping[str, Mapping[str, Float[np.ndarray, " C"]]], origin: Origin
) -> CaptionedFigure:
    """How far the quantity moves, over its range, when one number alone of what the model sees is in error."""
    figure, axes = panel_grid(len(felt), 3, 3.4, 2.4, sharey=True)
    numbers, told = Numbers(), []
    for ax, (task, lines) in zip(axes.flat, felt.items(), strict=False):
        for colour, (seen, moved) in zip((GREY, ORANGE, BLUE), lines.items(), strict=False):
            ax.plot(np.arange(len(moved)), 100 * moved, "o-", color=colour, ms=3.5, lw=1, label=seen)
            numbers.add(task=task, seen=seen, number=np.arange(len(moved)), moved=moved)
        whole = {seen: float(np.sqrt(np.sum(moved**2))) for seen, moved in lines.items()}
        told.append(f"{task}: " + ", ".join(f"{seen} {100 * value:.1f} %" for seen, value in whole.items()))
        ax.set_title(task, fontsize=9.5)
        ax.set_xlabel("number, in order of time")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    for ax in axes[:, 0]:
        ax.set_ylabel("quantity moves, % of range")
    axes[0, 0].set_ylim(bottom=0)
    axes[0, 0].legend(fontsize=8)
    finding = f"Root of the summed squares over all numbers, per cent of the range. {'; '.join(told)}."
    alt = f"Lines over the index of each coordinate for {', '.join(felt)}: how much the quantity feels an error there."
    return CaptionedFigure(name, figure, finding, alt, origin, numbers)


@styled
def requested_and_generated(
    name: str, told: Mapping[str, tuple[Task, Float[np.ndarray, " N"], Float[np.ndarray, " N"]]], origin: Origin
) -> CaptionedFigure:
    """What came out against what a told model was asked for, in units of the range, one panel a strategy and task.

    `told` maps a title to the task, the values asked for and those measured.
    """
    figure, axes = panel_grid(len(told), 3, 2.6, 2.6, sharex=True, sharey=True)
    numbers, found = Numbers(), []
    for ax, (title, (task, wanted, made)) in zip(axes.flat, told.items(), strict=False):
        x, y = ((np.asarray(v, dtype=float) - task.lo) / (task.hi - task.lo) for v in (wanted, made))
        shown = slice(DOTS)
        ax.plot(x[shown], y[shown], ".", color=BLUE, ms=2, alpha=0.35, rasterized=True)
        ax.plot([0, 1], [0, 1], color=INK, lw=1)
        ax.set_title(title, fontsize=9)
        numbers.add(title=title, asked=x[shown], made=y[shown])
        found.append(f"{title} {np.nanmean(np.abs(y - x) < 0.05):.0%}")
    axes[0, 0].set(xlim=(-0.1, 1.1), ylim=(-0.3, 1.3))
    figure.supxlabel("asked for, from end to end of the range", fontsize=9.5)
    figure.supylabel("came out", fontsize=9.5)
    finding = f"Share of samples within a twentieth of the range of what was asked for: {'; '.join(found)}."
    alt = f"Scatter of the value that came out against the value asked for, with the diagonal, for {', '.join(told)}."
    return CaptionedFigure(name, figure, finding, alt, origin, numbers)


def remedy_menu(
    name: str,
    task: Task,
    before: Float[np.ndarray, " M"],
    after: Mapping[str, Float[np.ndarray, " M"]],
    expected: Mapping[str, Float[np.ndarray, " M"] | None],
    origin: Origin,
) -> Interactive:
    """A menu of strategies: the histogram without, the one with the strategy, and what the kernel expected."""
    import plotly.graph_objects as go

    def pair(key):
        unknown = np.full_like(before, np.nan)
        return [heights(unknown if mass is None else mass) for mass in (after[key], expected[key])]

    with_it, foreseen = pair(next(iter(after)))
    buttons = [{"method": "restyle", "label": key, "args": [{"y": pair(key)}, [1, 2]]} for key in after]
    menu = {"buttons": buttons, "x": 0, "xanchor": "left", "y": 1.18, "font": {"color": INK}, "bgcolor": "#d0d0d0"}
    figure = histogram(
        task,
        before,
        "without",
        [
            go.Scatter(y=with_it, name="with", line_color=BLUE),
            go.Scatter(y=foreseen, name="kernel expects", line_color=ORANGE, line_dash="dot"),
        ],
        updatemenus=[menu],
        margin={"l": 55, "r": 25, "t": 90, "b": 60},
        height=460,
    )
    flat = flat_mass()
    listed = ", ".join(f"{key} {total_variation(mass, flat):.3f}" for key, mass in after.items())
    finding = f"Choose a strategy. Total variation from flat without any {total_variation(before, flat):.3f}; {listed}."
    alt = f"Histogram of {task.info.quantity} without a strategy as bars; a menu draws it with one, as a line."
    return Interactive(name, figure, finding, alt, origin)
