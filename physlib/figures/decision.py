"""Pictures of when a shift is made."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from physlib.figures.style import COLOURS, GREY, INK, CaptionedFigure, Numbers, Origin, styled, subplots

LOWEST, HIGHEST = -0.3, 1.3  # shares that are drawn: beyond them the shift is too small to divide


@styled
def decision_curves(name: str, curves: Mapping[str, pd.DataFrame], axis: str, origin: Origin) -> CaptionedFigure:
    """The share of each reading's shift that redrawing from each level brings back, one panel for each system.

    Rows of a panel: `reading`, `level`, `share`, `share_lo`, `share_hi`, `decision_level`. The first reading is the
    balanced quantity, in colour with a t-interval over seeds; the others are grey.
    """
    figure, axes = subplots(3.9 * len(curves), 3.3, columns=len(curves), sharey=True)
    numbers, told = Numbers(), []
    for ax, (system, rows) in zip(axes[0], curves.items(), strict=True):
        ax.axhline(0.5, color=GREY, lw=0.7, ls=":")
        ax.axhline(1, color=GREY, lw=0.7)
        first, others = rows.reading.iloc[0], []
        for reading, line in rows.groupby("reading", sort=False):
            own = reading == first
            ax.plot(line.level, line.share, color=COLOURS[0] if own else INK, lw=2.2 if own else 0.9, zorder=3 - own)
            if own:
                ax.vlines(line.level, line.share_lo, line.share_hi, color=COLOURS[0], lw=1)
            else:
                others.append(line.decision_level.iloc[0])
        numbers.add(system=system, **{column: list(rows[column]) for column in rows})
        levels, made = rows.level.unique(), rows.decision_level.iloc[0]
        ax.text(levels[-1], LOWEST + 0.05, first, color=COLOURS[0], ha="right", weight="bold")
        ax.set(xscale="log", xlabel=axis, title=system, ylim=(LOWEST, HIGHEST))
        ax.set_xticks(levels, [f"{level:g}" for level in levels])
        ax.minorticks_off()
        told.append(f"{system}: {first} at {made:.2g}, others at {pd.Series(others).median():.2g}")
    axes[0, 0].set_ylabel("share of the shift brought back")
    finding = f"Half of the shift is made at these levels (of the others the median). {'; '.join(told)}."
    alt = (
        "Curves of the share of a shift against the level from which a model redraws, the balanced quantity in colour, "
        f"other quantities in grey. {'; '.join(told)}."
    )
    return CaptionedFigure(name, figure, finding, alt, origin, numbers)
