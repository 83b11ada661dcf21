"""Pictures of where a kernel's number comes from: what networks leave of noise, and how that shrinks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle

import numpy as np
import pandas as pd
from jaxtyping import Float

from physlib.figures.style import (
    COLOURS,
    GREY,
    INK,
    CaptionedFigure,
    Numbers,
    Origin,
    panel_grid,
    plain_ticks,
    styled,
    subplots,
)

ACROSS = 3  # panels in a row


@styled
def denoising_error(
    name: str,
    levels: Sequence[float],
    ideal: Mapping[str, Float[np.ndarray, " L"]],
    networks: Mapping[str, Mapping[str, Float[np.ndarray, " L"]]],
    origin: Origin,
) -> CaptionedFigure:
    """A network's error of one denoising step over the ideal one's, against the noise level; a panel a task."""
    figure, axes = panel_grid(len(ideal), ACROSS, 2.6, 2.9, sharey=True)
    numbers, told = Numbers(), []
    for ax, (task, best) in zip(axes.flat, ideal.items(), strict=False):
        ax.axhline(1, color=INK, lw=0.8)
        for colour, (label, error) in zip(cycle(COLOURS), networks[task].items(), strict=False):
            ratio = error / best
            ax.plot(levels, ratio, color=colour, marker="o", ms=3, label=label)
            numbers.add(task=task, network=label, level=levels, error=error, ideal=best)
            told.append(f"{task} {label} {ratio[0]:.1f} at the lowest level, {ratio[-1]:.2f} at the highest")
        ax.set(xscale="log", yscale="log", title=task, xlabel="noise, std. deviations")
        plain_ticks(ax.yaxis)
    axes[0, 0].set_ylabel("error / ideal error")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=8.5)
    finding = f"Error of one denoising step over that of the posterior mean: {'; '.join(told)}."
    alt = f"Lines of the error ratio against the noise level on logarithmic axes, falling towards 1. {'; '.join(told)}."
    return CaptionedFigure(name, figure, finding, alt, origin, numbers)


@styled
def fitted_sizes(name: str, sizes: pd.DataFrame, factor: float, origin: Origin) -> CaptionedFigure:
    """The size that fits finished runs against the size that fits pilots, a dot a group of runs; dashed, the rule.

    `sizes` has a row a group: `task`, `model`, `kind`, which sets the colour, `pilot`, `finished` and whether pilots
    make `plausible` samples; dots are hollow where they do not.
    """
    figure, axes = subplots(5.6, 4.0)
    ax, ratios = axes[0, 0], sizes.finished / sizes.pilot
    for colour, (title, some) in zip(cycle(COLOURS), sizes.groupby("kind", sort=False), strict=False):
        ax.plot([], [], "o", color=colour, ms=5, label=title)
        for plausible, part in some.groupby("plausible"):
            ax.plot(part.pilot, part.finished, "o", color=colour, ms=6, mfc=colour if plausible else "none")
    ends = np.array([sizes.pilot.min() / 1.2, sizes.pilot.max() * 1.2])
    ax.plot(ends, ends, color=GREY, lw=0.8, label="no change")
    ax.plot(ends, ends * factor, color=INK, ls="--", lw=1, label=f"times {factor:.2f}")
    ax.set(xscale="log", yscale="log", xlabel="error that fits the pilots", ylabel="error that fits the finished runs")
    figure.legend(loc="outside right center", fontsize=8)
    finding = (
        f"Over {len(ratios)} groups of runs the finished size is {ratios.median():.2f} of the pilots' in the median, {ratios.min():.2f} "
        f"to {ratios.max():.2f}; one over the root of the ratio of training lengths is {factor:.2f}. Hollow: pilots without plausible samples."
    )
    alt = f"Scatter on logarithmic axes of sizes for {', '.join(sizes.kind.unique())}, with the diagonal and a dashed line below it."
    return CaptionedFigure(name, figure, finding, alt, origin, [sizes])
