"""Pictures of how good forecasts are: one dot a group of runs, and all bins on one plot."""

from __future__ import annotations

from itertools import cycle
from typing import Any

import numpy as np
import pandas as pd

from physlib.figures.style import COLOURS, GREY, INK, CaptionedFigure, Origin, styled, subplots


@styled
def forecast_scores(name: str, rows: pd.DataFrame, medians: pd.DataFrame, origin: Origin) -> CaptionedFigure:
    """Forecast R2 by kernel, one panel per source, one dot per task and model; below -1 drawn at -1.

    `rows` of the results table, and their `medians` over groups of runs in the order of the panels.
    """
    kernels, sources = list(dict.fromkeys(rows.kernel)), list(dict.fromkeys(medians.source))
    groups = list(dict.fromkeys(zip(rows.task, rows.model, strict=True)))
    figure, axes = subplots(
        1.6 + 1.7 * len(sources), 0.34 * len(kernels) + 1.5, columns=len(sources), sharey=True, sharex=True
    )
    markers = {model: "os^vD"[i] for i, model in enumerate(dict.fromkeys(rows.model))}
    colours = dict(zip(dict.fromkeys(rows.task), cycle(COLOURS), strict=False))
    shown: dict[str, Any] = {}
    for ax, source in zip(axes[0], sources, strict=True):
        for place, group in enumerate(groups):
            task, model = group
            own = rows[(rows.task == task) & (rows.model == model) & (rows.source == source)]
            heights = own.kernel.map(kernels.index) + 0.12 * (place - len(groups) / 2)
            look = {"color": colours[task], "marker": markers[model], "ms": 5, "ls": "none"}
            (shown[", ".join(group)],) = ax.plot(own.r2.clip(lower=-1), heights, **look)
        ax.axvline(0, color=GREY, lw=0.8)
        ax.axvline(1, color=INK, lw=0.8)
        ax.set(title=source, xlabel="R2 of the shift", xlim=(-1.08, 1.08))
        ax.grid(axis="y", alpha=0.25)
    axes[0, 0].set_yticks(range(len(kernels)), kernels)
    axes[0, 0].invert_yaxis()
    figure.legend(list(shown.values()), list(shown), loc="outside lower center", ncols=3, fontsize=8)
    wide = medians.pivot(index="kernel", columns="source", values="r2").reindex(index=kernels, columns=sources)
    told = [" / ".join("none" if np.isnan(v) else f"{v:.2f}" for v in row) for row in wide.to_numpy()]
    lines = "; ".join(f"{kernel} {text}" for kernel, text in zip(kernels, told, strict=True))
    finding = f"Median R2 over groups of runs, {' / '.join(sources)}: {lines}. Values below -1 are drawn at -1."
    alt = f"Dots of R2 by kernel ({', '.join(kernels)}) in {len(sources)} panels by source of the kernel's numbers."
    keys = ["task", "model", "kernel", "source", "corr", "r2", "skill", "skill_lo", "skill_hi"]
    return CaptionedFigure(name, figure, finding, alt, origin, [rows[keys]])


@styled
def shift_by_bin(name: str, rows: pd.DataFrame, r2: float, corr: float, origin: Origin) -> CaptionedFigure:
    """Forecast against observed shift, every bin and both tails of every group, coloured by kind.

    `rows` has `kind`, `group`, `forecast` and `observed`; `r2` and `corr` are of all of them together.
    """
    figure, axes = subplots(5.6, 4.4)
    ax = axes[0, 0]
    for colour, (title, some) in zip(cycle(COLOURS), rows.groupby("kind", sort=False), strict=False):
        label = f"{title} ({some.group.nunique()})"
        ax.plot(some.forecast, some.observed, "o", color=colour, ms=3, alpha=0.6, label=label)
    ends = [1.2 * rows.observed.min(), 1.2 * rows.observed.max()]  # a wild forecast would squeeze all others
    ax.plot(ends, ends, color=INK, lw=0.8)
    ax.set(xlim=ends, ylim=ends)
    ax.axhline(0, color=GREY, lw=0.6)
    ax.axvline(0, color=GREY, lw=0.6)
    ax.set(xlabel="forecast shift of a bin's mass", ylabel="observed shift")
    ax.legend(fontsize=8)
    beyond = int((~rows.forecast.between(*ends)).sum())
    finding = (
        f"All {len(rows)} bins and tails of {rows.group.nunique()} cells: correlation {corr:.2f}, R2 {r2:.2f}. On the "
        f"diagonal the forecast is exact; {beyond} forecasts lie beyond the left or right edge."
    )
    alt = f"Scatter of observed against forecast shift per bin, with the diagonal, for {', '.join(rows.kind.unique())}."
    return CaptionedFigure(name, figure, finding, alt, origin, [rows])
