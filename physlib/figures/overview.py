"""Pictures that sum up many runs: good samples beside a wrong count, plausibility, remedies, sealed forecasts."""

from __future__ import annotations

from itertools import cycle

import numpy as np
import pandas as pd
from jaxtyping import Float

from physlib.figures.shift import bin_columns, bin_noise, frame, steps
from physlib.figures.style import (
    BLUE,
    COLOURS,
    GREY,
    INK,
    ORANGE,
    CaptionedFigure,
    Numbers,
    Origin,
    styled,
    subplots,
)
from physlib.stats.distances import total_variation
from physlib.stats.histogram import flat_mass
from physlib.tasks import Task

MARKS = "osD^vP"


@styled
def samples_and_count(
    name: str,
    task: Task,
    shown: Float[np.ndarray, "N T"],
    made: Float[np.ndarray, "N T"],
    masses: Float[np.ndarray, "S M"],
    n: int,
    plausible: float,
    origin: Origin,
) -> CaptionedFigure:
    """A few demonstrations, a few samples, and the histogram of all samples: right one by one, wrong as a whole.

    `shown` and `made` are one channel; `masses` of runs with `n` samples each, a share `plausible` of them plausible.
    """
    figure, axes = subplots(6.8, 2.5, columns=3, width_ratios=(1, 1, 1.5))
    numbers = Numbers()
    for ax, paths, title, colour in zip(
        axes[0], (shown, made), ("demonstrations", "samples"), (INK, ORANGE), strict=False
    ):
        for i, path in enumerate(paths):
            ax.plot(path, color=colour, lw=1, alpha=0.8)
            numbers.add(panel=title, trajectory=i, step=range(len(path)), value=np.round(path, 5))
        ax.set(title=title, xlabel="step", yticks=[])
    axes[0, 1].sharey(axes[0, 0])
    ax, mass = axes[0, 2], masses.mean(axis=0)
    frame(ax, task, bin_noise(task.bins.count, n * len(masses)))
    steps(ax, task.bins, mass, fill=True, color=ORANGE, alpha=0.55)
    ax.set(title="all samples, counted", ylabel="made / intended")
    ax.set_ylim(bottom=0)
    numbers.add(**bin_columns(task, task.bins.count), mass=mass)
    wrong = total_variation(mass, flat_mass())
    finding = (
        f"{plausible:.0%} of the samples pass as {task.info.title} motion, and {wrong:.0%} of them have the wrong "
        f"{task.info.quantity}. The line is what was intended, the band what sampling noise allows."
    )
    alt = (
        f"Line plots of demonstrations and of samples that look alike, and a histogram of {task.info.quantity} that is low "
        f"at the ends ({20 * mass[1]:.2f} and {20 * mass[-3]:.2f} of what was intended) and up to {20 * mass[1:-2].max():.2f} inside."
    )
    return CaptionedFigure(name, figure, finding, alt, origin, numbers)


@styled
def plausible_dots(name: str, rows: pd.DataFrame, origin: Origin) -> CaptionedFigure:
    """Shift of the plausible samples against that of all, a dot for all runs of one task and model.

    `rows`: `task`, `model`, `kind` (of system), `tv`, `tv_plausible`, `plausible`, `floor`. Groups with less than half
    of their samples plausible are drawn hollow.
    """
    figure, axes = subplots(5.4, 4.0)
    ax = axes[0, 0]
    top = 1.08 * rows[["tv", "tv_plausible"]].max().max()  # where no sample is plausible there is no dot
    ax.plot([0, top], [0, top], color=GREY, lw=1)
    ax.axvspan(0, rows.floor.max(), color=GREY, alpha=0.3, lw=0)
    for colour, (kind, some) in zip(cycle(COLOURS), rows.groupby("kind", sort=False), strict=False):
        for whole, part in some.groupby(some.plausible >= 0.5):
            ax.plot(
                part.tv,
                part.tv_plausible,
                "o",
                color=colour,
                ms=7,
                mfc=colour if whole else "none",
                label=kind if whole else None,
            )
    ax.set(xlabel="shift of all samples (TV)", ylabel="shift of the plausible ones", xlim=(0, top), ylim=(0, top))
    ax.legend(loc="upper left")
    beyond = int((rows.tv_plausible > 2 * rows.floor).sum())
    finding = (
        f"The shift is as large among samples that look right: it is beyond twice the noise in {beyond} of {len(rows)} "
        "pairs of task and model. On the diagonal throwing bad samples away changes nothing; hollow dots have less than "
        "half of their samples plausible; the band is sampling noise."
    )
    alt = f"Scatter of {len(rows)} dots along a diagonal, coloured by kind of system, from {rows.tv.min():.2f} to {rows.tv.max():.2f}."
    return CaptionedFigure(name, figure, finding, alt, origin, [rows])


@styled
def remedy_forest(name: str, rows: pd.DataFrame, origin: Origin) -> CaptionedFigure:
    """What is left of the shift with each strategy, a row each, a mark for each task; the best on top.

    `rows`: `strategy`, `task`, `left` (shift with over shift without, sampling noise taken off both), `plausible_after`
    and `needs_quantity`.
    """
    order = rows.groupby("strategy").left.median().sort_values().index
    figure, axes = subplots(6.4, 0.8 + 0.32 * len(order))
    ax = axes[0, 0]
    ax.axvline(1, color=INK, lw=1)
    for i in range(0, len(order), 2):
        ax.axhspan(i - 0.5, i + 0.5, color=GREY, alpha=0.12, lw=0)
    for mark, colour, (task, some) in zip(cycle(MARKS), cycle(COLOURS), rows.groupby("task", sort=False), strict=False):
        at = [order.get_loc(strategy) for strategy in some.strategy]
        ax.plot(some.left.clip(upper=2), at, mark, color=colour, ms=6, label=task)
    needs = rows.groupby("strategy").needs_quantity.any()
    ax.set_yticks(range(len(order)), [f"{s} *" if needs[s] else s for s in order])
    ax.invert_yaxis()
    ax.set(xlabel="shift left, of what there was (1: no effect)", xlim=(0, 2.05))
    figure.legend(loc="outside lower center", ncols=3, fontsize=8)
    best = rows.groupby("strategy").left.median()
    listed = "; ".join(f"{strategy} {best[strategy]:.2f}" for strategy in order)
    finding = f"What is left of the shift with each remedy, the best on top. Medians over tasks: {listed}. With a star: whoever samples has to name the value."
    alt = f"A row for each of {len(order)} strategies with one mark a task; medians {listed}."
    return CaptionedFigure(name, figure, finding, alt, origin, [rows])


@styled
def sealed_dots(name: str, rows: pd.DataFrame, origin: Origin) -> CaptionedFigure:
    """R2 on inner bins of the two kernels that each sealed forecast named, and whether the expected one won.

    `rows` as `sealed_scores.verdicts` gives them.
    """
    figure, axes = subplots(6.6, 0.9 + 0.36 * len(rows))
    ax, at = axes[0, 0], np.arange(len(rows))
    ax.axvline(0, color=GREY, lw=0.8)
    ax.axvline(1, color=GREY, lw=0.8, ls=":")
    for values, mark, colour, label in (
        (rows.inner_kernel, "o", ORANGE, "kernel of trajectories"),
        (rows.inner_rival, "s", BLUE, "kernel of the quantity alone"),
    ):
        ax.plot(values.clip(-1, 1.1), at, mark, color=colour, ms=7, label=label)
    words = {True: "as expected", False: "not as expected"}
    for i, row in enumerate(rows.itertuples()):
        ax.text(1.17, i, words.get(row.right, "no shift to forecast"), va="center", fontsize=8.5)
    ax.set_yticks(at, rows.task + ", " + rows.model.str.removeprefix("diffusion-"))
    ax.invert_yaxis()
    ax.set(xlabel="R2 of the shift on inner bins", xlim=(-1.05, 1.15))
    figure.legend(loc="outside lower center", ncols=2)
    right, decided = int((rows.right == True).sum()), int(rows.right.notna().sum())  # noqa: E712
    finding = (
        f"The expected kernel won in {right} of {decided} forecasts that were sealed before the runs. Values below -1 are "
        "drawn there; means over evaluation seeds."
    )
    alt = f"A row for each of {len(rows)} sealed forecasts with two marks, and whether the expected one is ahead."
    return CaptionedFigure(name, figure, finding, alt, origin, [rows])
