"""Pictures of an audit, in the book's style."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

from physlib.audit.report.pictures import histograms, origin, quantiles, trajectories
from physlib.audit.report.text import sentences
from physlib.audit.report.words import kernel_in_words, number, share
from physlib.audit.result import AuditResult
from physlib.figures.mechanism import heat
from physlib.figures.shift import over_intended, steps
from physlib.figures.style import BLUE, COLOURS, GREY, INK, ORANGE, CaptionedFigure, Numbers, styled, subplots
from physlib.stats.histogram import Bins


def _cut_tails(ax: Axes, bins: Bins, mass: Float[np.ndarray, " M"]) -> None:
    """Say by how much a tail exceeds its intended share where its line lies above the axis."""
    top, ratio = ax.get_ylim()[1], over_intended(bins, mass)
    for edge, side, value in ((bins.edges[0], "right", ratio[0]), (bins.edges[-1], "left", ratio[-2])):
        if value > top:
            ax.text(edge, 0.97 * top, f"  tail x{value:.0f}  ", ha=side, va="top", fontsize=8, color=INK)


@styled
def shift(result: AuditResult) -> CaptionedFigure:
    """Forecast, and samples where there are any, relative to the demonstrations."""
    bins, predicted, found = result.demos.bins, result.forecast, result.findings
    figure, axes = subplots(6.8, 3.4)
    ax, numbers = axes[0, 0], Numbers()
    low, high = (over_intended(bins, mass)[1:-2] for mass in (predicted.low, predicted.high))
    ax.stairs(high, bins.edges, baseline=low, fill=True, color=BLUE, alpha=0.22, label="forecast, range")
    steps(ax, bins, predicted.typical.mass, color=BLUE, lw=1.6, label="forecast, typical")
    ax.axhline(1, color=INK, lw=0.9, label="demonstrations")
    rows = {"forecast": predicted.typical.mass, "low": predicted.low, "high": predicted.high}
    if found is not None:
        rows["samples"] = found.comparison.mass
        steps(ax, bins, found.comparison.mass, color=ORANGE, lw=1.8, label="samples")
        if (mass := found.explanation.mass) is not None:
            rows["fitted"] = mass
            steps(ax, bins, mass, color=COLOURS[2], lw=1.2, ls="--", label=f"fitted, {found.explanation.kernel}")
    main = rows.get("samples", predicted.typical.mass)
    top = max(2.0, 1.1 * float(np.max(over_intended(bins, main)[1:-2])))
    ax.set(xlabel=result.demos.label, ylabel="share / intended share", ylim=(0, min(top, 6)))
    _cut_tails(ax, bins, main)
    figure.legend(loc="outside lower center", ncols=3)
    ends = [bins.span(i, i) for i in range(bins.count + 2)]
    inner = {name: mass[:-1] for name, mass in rows.items()}
    numbers.add(lo=[e[0] for e in ends], hi=[e[1] for e in ends], intended=bins.reference[:-1], **inner)
    part = sentences(result)
    finding = " ".join((part.get("verdict") or part["forecast"])[:1])
    beyond = f" Beyond the bins, tails of {share(bins.reference[0])} each; lines above {ax.get_ylim()[1]:.3g} are cut."
    alt = f"Steps of share over intended share against {result.demos.label}. {finding}"
    return CaptionedFigure("audit-shift", figure, finding + beyond, alt, origin(result), numbers)


@styled
def transition(result: AuditResult) -> CaptionedFigure:
    """Where the mass of each bin goes, and by how much on average."""
    bins, typical, unit = result.demos.bins, result.forecast.typical, result.demos.unit
    figure, axes = subplots(7.2, 3.2, columns=2)
    left, right = axes[0]
    figure.colorbar(heat(left, bins, typical.transition), ax=left, label="share of the column")
    left.set(xlabel=f"{result.demos.title} of the demonstration", ylabel="measured after")
    centres, drift = (bins.edges[1:] + bins.edges[:-1]) / 2, typical.drift
    right.axhline(0, color=GREY, lw=0.8)
    right.plot(centres, drift, color=ORANGE, marker="o", ms=3)
    right.set(xlabel=result.demos.label, ylabel=f"drift b(q){f' ({unit})' if unit else ''}")
    numbers, stays = Numbers(), np.diag(typical.transition)[1:-2]
    numbers.add(q=centres, drift=drift, stays=stays)
    finding = (
        f"What {kernel_in_words(typical.kernel)} does: {share(stays.mean())} of a bin stays in it on average; "
        f"the drift runs from {number(drift.min(), sign=True)} to {number(drift.max(), unit, sign=True)}."
    )
    alt = f"Heat map of the transition matrix with a band near its diagonal, and the drift as a line. {finding}"
    return CaptionedFigure("audit-transition", figure, finding, alt, origin(result), numbers)


@styled
def sensitivity(result: AuditResult) -> CaptionedFigure:
    """Where in the trajectory an error matters: change of the quantity per unit of error, by time and column."""
    found = result.sensitivity
    figure, axes = subplots(6.8, 2.6)
    ax, numbers = axes[0, 0], Numbers()
    for d, colour in zip(range(min(found.slope.shape[1], len(COLOURS))), COLOURS, strict=False):
        ax.plot(found.windows, found.slope[:, d], color=colour, marker="o", ms=3, label=f"column {d}")
    for d in range(found.slope.shape[1]):
        numbers.add(step=found.windows, column=d, slope=found.slope[:, d], drift=found.drift[:, d])
    ax.set(xlabel="step", ylabel="change per unit of error", ylim=(0, None))
    ax.legend(loc="best")  # the ends of a trajectory often matter most
    finding = sentences(result)["sensitivity"][0]
    return CaptionedFigure("audit-sensitivity", figure, finding, f"Lines over time. {finding}", origin(result), numbers)


@styled
def representations(result: AuditResult) -> CaptionedFigure:
    """The forecast shift by representation."""
    figure, axes = subplots(6.8, 0.36 * len(result.ranking) + 0.9)
    ax, names = axes[0, 0], [r.name for r in result.ranking]
    tv = [r.tv for r in result.ranking]
    ax.barh(names, tv, xerr=[2 * r.spread for r in result.ranking], color=BLUE, alpha=0.7, ecolor=GREY)
    ax.invert_yaxis()
    ax.set(xlabel="forecast share of trajectories in the wrong bin", xlim=(0, None))
    numbers = Numbers()
    numbers.add(representation=names, tv=tv, mean_shift=[r.mean_shift for r in result.ranking])
    finding = sentences(result)["representations"][0]
    return CaptionedFigure("audit-representations", figure, finding, f"Bars. {finding}", origin(result), numbers)


@styled
def ladder(result: AuditResult) -> CaptionedFigure:
    """Skill of every candidate kernel on samples that it was not fitted to."""
    fits = result.findings.explanation.ladder
    figure, axes = subplots(6.8, 0.34 * len(fits) + 0.9)
    ax, numbers, intervals = axes[0, 0], Numbers(), [fit.skill_interval for fit in fits]
    names, skills, (low, high) = [fit.kernel for fit in fits], [fit.skill for fit in fits], zip(*intervals, strict=True)
    numbers.add(kernel=names, skill=skills, size=[fit.size for fit in fits], low=low, high=high)
    ax.barh(names, np.clip(skills, -0.2, 1), color=COLOURS[2], alpha=0.7)
    ax.hlines(range(len(fits)), np.clip(low, -0.2, 1), np.clip(high, -0.2, 1), color=GREY)
    ax.invert_yaxis()
    ax.axvline(0, color=GREY, lw=0.8)
    ax.set(xlabel="skill: share of the shift explained", xlim=(-0.2, 1))
    finding = sentences(result)["explanation"][0] + " Grey lines are intervals of 95 %."
    return CaptionedFigure("audit-ladder", figure, finding, f"Bars. {finding}", origin(result), numbers)


@styled
def plausibility(result: AuditResult) -> CaptionedFigure:
    """Quantiles of looks over the demonstrations' own: at one, samples look like demonstrations."""
    found = result.findings.plausibility
    figure, axes = subplots(6.8, 0.5 * len(found.proxies) + 1.1)
    ax, numbers = axes[0, 0], Numbers()
    for p, colour in zip(range(len(found.quantiles)), COLOURS, strict=False):
        ratio = [proxy.samples[p] / max(proxy.demonstrations[p], 1e-300) for proxy in found.proxies]
        names = [proxy.name for proxy in found.proxies]
        ax.plot(ratio, names, "o", color=colour, label=f"{100 * found.quantiles[p]:.0f} % quantile")
        numbers.add(proxy=names, quantile=found.quantiles[p], ratio=ratio)
    ax.axvline(1, color=INK, lw=0.9)
    ax.set(xlabel="samples / demonstrations", xscale="log")
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5)))
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.margins(y=0.3)
    figure.legend(loc="outside lower center", ncols=3)
    finding = " ".join(sentences(result)["plausibility"])
    return CaptionedFigure("audit-plausibility", figure, finding, f"Dots. {finding}", origin(result), numbers)


FIGURES: dict[str, Callable[[AuditResult], CaptionedFigure]] = {
    f.__name__: f
    for f in (
        shift,
        histograms,
        trajectories,
        transition,
        sensitivity,
        representations,
        ladder,
        plausibility,
        quantiles,
    )
}
"""Figures by name; the last three need samples."""
