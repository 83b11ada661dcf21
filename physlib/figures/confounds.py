"""Pictures of what changes the shift: single factors, training length, the dial to chaos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

from physlib.figures.style import COLOURS, GREY, INK, CaptionedFigure, Numbers, Origin, panel_grid, styled, subplots

ACROSS = 4  # panels in a row


@styled
def shift_by_factor(
    name: str, tried: Mapping[str, Mapping[Any, Sequence[float]]], usual: Sequence[float], origin: Origin
) -> CaptionedFigure:
    """Total variation at each level of each factor, one dot a seed; `usual` are the runs that all factors share."""
    figure, axes = panel_grid(len(tried), ACROSS, 2.4 if len(tried) > 1 else 3.4, 2.1, sharey=True)
    numbers, apart = Numbers(), []
    low, high = min(usual), max(usual)
    for ax, (title, levels) in zip(axes.flat, tried.items(), strict=False):
        ax.axhspan(low, high, color=COLOURS[0], alpha=0.2, lw=0)
        for i, (level, values) in enumerate(levels.items()):
            ax.plot([i] * len(values), values, "o", color=INK, ms=4, alpha=0.8)
            numbers.add(factor=title, level=str(level), seed=origin.seeds[: len(values)], shift=values)
        means = [float(np.mean(values)) for values in levels.values()]
        ax.plot(range(len(means)), means, color=INK, lw=1)
        apart.append((max(means) - min(means), f"{title} {min(means):.3f} to {max(means):.3f}"))
        ax.set_xticks(range(len(levels)), [f"{level:,}" if isinstance(level, int) else str(level) for level in levels])
        ax.set_title(title, fontsize=9.5)
        ax.set_xlim(-0.4, len(levels) - 0.6)
        ax.tick_params(axis="x", labelsize=9)
    for ax in axes[:, 0]:
        ax.set_ylabel("total variation")
    axes[0, 0].set_ylim(bottom=0)
    ranked = "; ".join(text for _, text in sorted(apart, reverse=True))
    finding = (
        f"Mean total variation from flat at the levels of each factor, sampling noise taken off, smallest to largest: "
        f"{ranked}. Coloured band: the seeds of the runs that all factors share, {low:.3f} to {high:.3f}."
    )
    every = pd.concat(numbers)
    alt = (
        f"Small panels, one a factor, dots are the total variation of single runs at each level, from "
        f"{every['shift'].min():.2f} to {every['shift'].max():.2f}. {ranked}."
    )
    return CaptionedFigure(name, figure, finding, alt, origin, numbers)


@styled
def power_laws(
    name: str, lengths: Sequence[int], measured: Mapping[str, Float[np.ndarray, "J S"]], origin: Origin
) -> CaptionedFigure:
    """Measures of `S` runs at each of `J` training lengths on logarithmic axes, with the slope -1/2 beside them."""
    figure, axes = subplots(3.6 * len(measured), 2.9, columns=len(measured))
    steps, numbers, told = np.array(lengths), Numbers(), []
    for ax, (title, values) in zip(axes[0], measured.items(), strict=True):
        means = np.exp(np.log(values).mean(axis=1))
        ax.plot(steps, means[-1] * (steps[-1] / steps) ** 0.5, color=GREY, ls="--", label="one over square root")
        ax.plot(steps, means, color=INK, lw=1)
        ax.plot(np.repeat(steps, values.shape[1]), values.ravel(), "o", color=COLOURS[0], ms=4, alpha=0.8)
        for n, row in zip(steps, values, strict=True):
            numbers.add(measure=title, steps=int(n), seed=origin.seeds[: len(row)], value=list(row))
        ax.set(xscale="log", yscale="log", xlabel="training steps", ylabel=title)
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5, 7)))
        ax.yaxis.set_major_formatter(ScalarFormatter())
        for minor in (ax.xaxis, ax.yaxis):
            minor.set_minor_formatter(NullFormatter())
        ax.set_xticks(steps, [f"{n:,}" for n in steps])
        told.append(f"{title} from {means[0]:.3f} to {means[-1]:.3f}")
    axes[0, 0].legend()
    finding = (
        f"Geometric means over seeds at {steps[0]:,} and at {steps[-1]:,} training steps: {'; '.join(told)}. Total "
        f"variation is from flat, sampling noise taken off; the size is in standard deviations of the channel."
    )
    alt = f"Panels with logarithmic axes against training steps, one dot a run, a dashed line of slope minus a half. {'; '.join(told)}."
    return CaptionedFigure(name, figure, finding, alt, origin, numbers)


@styled
def shift_by_range(
    name: str,
    ranges: pd.DataFrame,
    shifts: Mapping[str, Sequence[float]],
    against: Mapping[str, str],
    ranks: Mapping[tuple[str, str], float],
    origin: Origin,
) -> CaptionedFigure:
    """Total variation of each range's runs against properties of the range, one panel each; colours are the maps.

    `ranges` has `range` and the properties, which `against` maps to labels; `ranks` are rank correlations of the shift
    with a property over the ranges of a map.
    """
    figure, axes = subplots(3.6 * len(against), 3.0, columns=len(against), sharey=True)
    maps = ranges.range.str.partition("[")[0]
    means, numbers = ranges.range.map({text: np.mean(values) for text, values in shifts.items()}), Numbers()
    for ax, (key, label) in zip(axes[0], against.items(), strict=True):
        for colour, marker, (title, some) in zip(COLOURS, "os", ranges.groupby(maps, sort=False), strict=False):
            ax.plot(some[key], means[some.index], color=colour, lw=0.8, alpha=0.6)
            for text, x in zip(some.range, some[key], strict=True):
                runs = shifts[text]
                ax.plot([x] * len(runs), runs, marker, color=colour, ms=4.5, label=title)
                numbers.add(property=label, range=text, value=float(x), seed=origin.seeds[: len(runs)], shift=runs)
        ax.set_xlabel(label)
    axes[0, 0].set_ylabel("total variation")
    axes[0, 0].set_ylim(bottom=0)
    handles = {text.get_label(): text for text in axes[0, 0].lines if not text.get_label().startswith("_")}
    figure.legend(handles.values(), handles, loc="outside lower center", ncols=len(handles))
    told = "; ".join(f"{text} {mean:.3f}" for text, mean in zip(ranges.range, means, strict=True))
    found = "; ".join(f"{title}, {against[key]}: {rank:.2f}" for (title, key), rank in ranks.items())
    order = f" Rank correlation over the ranges of a map: {found}." if found else ""
    finding = f"Total variation from flat, sampling noise taken off, mean over seeds: {told}.{order}"
    labels = ", ".join(against.values())
    alt = f"Scatter plots of total variation against {labels}, a dot a run, a line through each map. {told}."
    return CaptionedFigure(name, figure, finding, alt, origin, numbers)
