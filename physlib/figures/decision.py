"""Pictures of when a shift is made, who reads it, and how much of it is the prior's edge."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from jaxtyping import Float

from physlib.figures.style import COLOURS, GREY, INK, CaptionedFigure, Numbers, Origin, panel_grid, styled, subplots

LOWEST, HIGHEST = -0.3, 1.3  # shares that are drawn: beyond them the shift is too small to divide
ACROSS = 3  # panels in a row
CROWDED = 8  # most levels that have room for their numbers


@styled
def decision_curves(name: str, curves: Mapping[str, pd.DataFrame], axis: str, origin: Origin) -> CaptionedFigure:
    """The share of each reading's shift that redrawing from each level brings back, one panel for each system.

    Rows of a panel: `reading`, `level`, `share`, `share_lo`, `share_hi`, `decision_level`. The first reading is the
    balanced quantity, in colour with a t-interval over seeds; the others are grey.
    """
    figure, axes = panel_grid(len(curves), ACROSS, 3.4, 3.0, sharey=True)
    numbers, told = Numbers(), []
    for ax, (system, rows) in zip(axes.flat, curves.items(), strict=False):
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
        ax.set(xscale="log", title=system, ylim=(LOWEST, HIGHEST))
        shown = levels if len(levels) <= CROWDED else levels[::2]
        ax.set_xticks(shown, [f"{level:g}" for level in shown])
        ax.minorticks_off()
        told.append(f"{system}: {first} at {made:.2g}, others at {pd.Series(others).median():.2g}")
    for ax in axes[:, 0]:
        ax.set_ylabel("share brought back")
    figure.supxlabel(axis, fontsize=9.5)
    finding = f"Half of the shift is made at these levels (of the others the median). {'; '.join(told)}."
    alt = (
        "Curves of the share of a shift against the level from which a model redraws, the balanced quantity in colour, "
        f"other quantities in grey. {'; '.join(told)}."
    )
    return CaptionedFigure(name, figure, finding, alt, origin, numbers)


@styled
def estimator_swap(name: str, rows: pd.DataFrame, origin: Origin) -> CaptionedFigure:
    """The shift by the default estimator and by others, of samples and of a white-error forecast, one line a system.

    `rows`: `system`, `estimator`, `default` (bool), `samples`, `forecast`, `floor`; shifts with noise taken off.
    """
    systems = list(dict.fromkeys(rows.system))
    figure, axes = subplots(7.6, 0.42 * len(rows) + 1.2)
    ax, at = axes[0, 0], np.arange(len(rows))
    ax.barh(at, rows.floor, height=0.9, color=GREY, alpha=0.25, lw=0, label="noise")
    ax.plot(rows.samples, at, "o", color=COLOURS[0], ms=7, label="the models' samples")
    ax.plot(rows.forecast, at, "D", color=COLOURS[1], ms=6, mfc="none", mew=1.6, label="forecast by white error")
    for first, system in ((rows.system.to_list().index(system), system) for system in systems):
        ax.axhline(first - 0.5, color=GREY, lw=0.5)
        ax.text(1.01, first, system, transform=ax.get_yaxis_transform(), va="center")
    ax.set_yticks(at, rows.estimator)
    ax.invert_yaxis()
    ax.set(xlabel="total variation, noise taken off", xlim=(0, None))
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2 / len(rows) - 0.1), ncols=3)
    told = []
    for system in systems:
        own = rows[rows.system == system]
        usual, other = own[own.default].iloc[0], own[~own.default].iloc[-1]
        told.append(
            f"{system}: samples {usual.samples:.3f} to {other.samples:.3f}, "
            f"forecast {usual.forecast:.3f} to {other.forecast:.3f}"
        )
    finding = f"Total variation by the default estimator to that by the last one of each system: {'; '.join(told)}."
    alt = f"Dots of the samples' shift and diamonds of the forecast by each estimator, a row each. {'; '.join(told)}."
    return CaptionedFigure(name, figure, finding, alt, origin, [rows])


@styled
def prior_histograms(
    name: str, masses: Mapping[str, Mapping[str, Float[np.ndarray, "S K"]]], origin: Origin
) -> CaptionedFigure:
    """Samples over demonstrations in bins of equal probability, a panel for each system, a line for each prior.

    Masses of the K bins of each run; the outer two are open.
    """
    figure, axes = panel_grid(len(masses), ACROSS, 3.4, 2.6, sharey=True)
    numbers, told = Numbers(), []
    for ax, (system, priors) in zip(axes.flat, masses.items(), strict=False):
        for colour, (prior, shares) in zip(COLOURS, priors.items(), strict=False):
            ratio, place = shares * shares.shape[1], (np.arange(shares.shape[1]) + 0.5) / shares.shape[1]
            ax.plot(place, ratio.mean(axis=0), color=colour, lw=1.6, drawstyle="steps-mid", label=prior)
            numbers.add(system=system, prior=prior, place=place, ratio=ratio.mean(axis=0))
            told.append(f"{system}, {prior}: {ratio.mean(axis=0)[0]:.2f} and {ratio.mean(axis=0)[-1]:.2f}")
        ax.axhline(1, color=INK, lw=0.7)
        ax.set(title=system, xlim=(0, 1), ylim=(0, 1.8))
    for ax in axes[:, 0]:
        ax.set_ylabel("samples / demonstrations")
    figure.supxlabel("rank of the quantity among demonstrations", fontsize=9.5)
    lines = {line.get_label(): line for ax in axes.flat for line in ax.lines if not line.get_label().startswith("_")}
    figure.legend(lines.values(), lines, loc="outside upper right", ncols=len(lines))
    finding = f"Samples over demonstrations in the first and the last twentieth: {'; '.join(told)}."
    alt = f"Step lines of the ratio of samples to demonstrations over rank, one colour a prior. {'; '.join(told)}."
    return CaptionedFigure(name, figure, finding, alt, origin, numbers)


@styled
def advantage_by_locality(name: str, rows: pd.DataFrame, rank: float, p: float, origin: Origin) -> CaptionedFigure:
    """Advantage of a trajectory kernel over a law in the quantity alone on inner bins, against locality, a dot a group.

    `rows`: `task`, `model`, `kind`, `locality`, `advantage`; `rank` and `p` of their Spearman correlation.
    """
    figure, axes = subplots(5.6, 3.8)
    ax = axes[0, 0]
    ax.axhline(0, color=GREY, lw=0.8)
    for colour, (kind, some) in zip(COLOURS, rows.groupby("kind", sort=False), strict=False):
        ax.plot(some.locality, some.advantage.clip(-1.5, 1.5), "o", color=colour, ms=6, label=f"{kind} ({len(some)})")
    ax.set(
        xlabel="share of the shift that redrawing from level 0.2 brings back", ylabel="contract less shrink, R2 inner"
    )
    ax.legend()
    finding = (
        f"Over {len(rows)} systems and models the advantage on inner bins rises with locality: rank correlation "
        f"{rank:.2f}, p {p:.2g}. Advantages beyond 1.5 are drawn there."
    )
    alt = f"Scatter of {len(rows)} dots by kind of system, advantage against locality, rank correlation {rank:.2f}."
    return CaptionedFigure(name, figure, finding, alt, origin, [rows])
