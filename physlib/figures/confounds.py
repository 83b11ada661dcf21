"""Pictures of what changes the shift: single factors, training length, the dial to chaos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, ScalarFormatter

from physlib.figures.style import COLOURS, GREY, INK, ORANGE, CaptionedFigure, Numbers, Origin, styled, subplots


@styled
def confound_forest(name: str, rows: pd.DataFrame, usual: float, origin: Origin) -> CaptionedFigure:
    """What each choice adds to the shift, a row each with its interval; left, where nothing of the shift would be left.

    `rows`, a choice each: `factor`, `level`, `apart` (total variation less that of the usual runs) and the ends `low`
    and `high` of its interval. Factors are ordered by their largest effect.
    """
    largest = rows.groupby("factor").apart.max()
    rows = rows.assign(largest=rows.factor.map(largest)).sort_values(
        ["largest", "factor"], ascending=False, kind="stable"
    )
    figure, axes = subplots(6.6, 0.9 + 0.27 * len(rows))
    ax, at = axes[0, 0], np.arange(len(rows))
    clear = ((rows.low > 0) | (rows.high < 0)).to_numpy()
    for known, colour, label in ((clear, ORANGE, "interval without zero"), (~clear, GREY, "interval with zero")):
        some = rows[known]
        around = np.abs(some[["low", "high"]].to_numpy().T - some.apart.to_numpy())
        place = {"fmt": "o", "ms": 5, "lw": 1.5, "color": colour, "label": label}
        ax.errorbar(some.apart, at[known], xerr=around, **place)
    ax.axvline(0, color=INK, lw=1)
    ax.axvline(-usual, color=INK, lw=1, ls="--", label="no shift left")
    for edge in np.flatnonzero(rows.factor.to_numpy()[1:] != rows.factor.to_numpy()[:-1]):
        ax.axhline(edge + 0.5, color=GREY, lw=0.5, alpha=0.6)
    ax.set_yticks(at, [f"{row.factor}: {row.level}" for row in rows.itertuples()], fontsize=8.5)
    ax.set(xlabel="total variation, less that of the usual runs", ylim=(len(rows) - 0.5, -0.5))
    figure.legend(loc="outside lower center", ncols=3, fontsize=8.5)
    listed = "; ".join(f"{r.factor} {r.level} {r.apart:+.3f}" for r in rows.itertuples())
    finding = (
        f"What each choice adds to a shift of {usual:.3f}, with intervals of 95 % over seeds: {listed}. On the dashed "
        "line nothing of the shift would be left."
    )
    alt = f"A row for each of {len(rows)} choices with a dot and an interval around zero, a dashed line at {-usual:.2f}. {listed}."
    return CaptionedFigure(name, figure, finding, alt, origin, [rows.drop(columns="largest")])


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
        ax.xaxis.set_major_locator(MaxNLocator(5))
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
