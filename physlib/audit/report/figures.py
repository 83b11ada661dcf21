"""Pictures of an audit: arrays in, a figure out, in the book's style (pages layer)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

from physlib.audit.bins import Bins
from physlib.audit.plausibility import QUANTILES
from physlib.audit.report.text import kernel_in_words, number, sentences, share
from physlib.figures.mechanism import HEAT
from physlib.figures.style import BLUE, COLOURS, GREY, INK, ORANGE, Columns, Figure, canvas, styled

if TYPE_CHECKING:
    from physlib.audit.result import Audit


def origin(audit: Audit) -> str:
    """Where the numbers of a figure come from."""
    samples = "" if audit.findings is None else f"; {audit.findings.name}, {audit.findings.count:,} samples"
    return f"{audit.demos.intake.name}, {len(audit.demos.intake.q):,} demonstrations{samples}; seed {audit.asked.seed}."


def _stairs(ax: Axes, audit: Audit, mass: Float[np.ndarray, " M"], **style) -> None:
    """Mass over intended mass: bins at their place, tails beside them."""
    bins = audit.demos.bins
    ratio = mass[:-1] / np.maximum(bins.intended[:-1], 1e-12)
    width = (bins.edges[-1] - bins.edges[0]) / 25
    ax.stairs(ratio[1:-1], bins.edges, baseline=None, **style)
    for edge, side, value in ((bins.edges[0], -1, ratio[0]), (bins.edges[-1], 1, ratio[-1])):
        ax.plot([edge + side * 0.4 * width, edge + side * 1.4 * width], [value] * 2, **(style | {"label": None}))


def _cut_tails(ax: Axes, bins: Bins, mass: Float[np.ndarray, " M"]) -> None:
    """Say by how much a tail exceeds its intended share where its line lies above the axis."""
    ratio = mass[:-1] / np.maximum(bins.intended[:-1], 1e-12)
    for edge, side, value in ((bins.edges[0], "right", ratio[0]), (bins.edges[-1], "left", ratio[-1])):
        if value > ax.get_ylim()[1]:
            ax.text(edge, 0.97 * ax.get_ylim()[1], f"  tail x{value:.0f}  ", ha=side, va="top", fontsize=8, color=INK)


@styled
def shift(audit: Audit) -> Figure:
    """Forecast, and samples where there are any, relative to the demonstrations."""
    bins, outlook, found = audit.demos.bins, audit.outlook, audit.findings
    figure, axes = canvas(6.8, 3.4)
    ax, columns = axes[0, 0], Columns()
    intended = np.maximum(bins.intended, 1e-12)
    low, high = outlook.low / intended, outlook.high / intended
    ax.stairs(high[1:-2], bins.edges, baseline=low[1:-2], fill=True, color=BLUE, alpha=0.22, label="forecast, range")
    _stairs(ax, audit, outlook.typical.mass, color=BLUE, lw=1.6, label="forecast, typical")
    ax.axhline(1, color=INK, lw=0.9, label="demonstrations")
    rows = {"forecast": outlook.typical.mass, "low": outlook.low, "high": outlook.high}
    if found is not None:
        rows["samples"] = found.comparison.mass
        _stairs(ax, audit, found.comparison.mass, color=ORANGE, lw=1.8, label="samples")
        if (mass := found.explanation.mass) is not None:
            rows["fitted"] = mass
            _stairs(ax, audit, mass, color=COLOURS[2], lw=1.2, ls="--", label=f"fitted, {found.explanation.kernel}")
    top = max(2.0, 1.1 * float(np.max(rows.get("samples", outlook.typical.mass)[1:-2] / intended[1:-2])))
    ax.set(xlabel=audit.demos.info.label, ylabel="share / intended share", ylim=(0, min(top, 6)))
    _cut_tails(ax, bins, rows.get("samples", outlook.typical.mass))
    figure.legend(loc="outside lower center", ncols=3)
    ends = [bins.span(i, i) for i in range(bins.count + 2)]
    columns.add(lo=[e[0] for e in ends], hi=[e[1] for e in ends], intended=bins.intended[:-1])
    for name, mass in rows.items():
        columns[name] = list(mass[:-1])
    part = sentences(audit)
    finding = " ".join((part.get("verdict") or part["forecast"])[:1])
    beyond = f" Beyond the bins, tails of {share(bins.intended[0])} each; lines above {ax.get_ylim()[1]:.3g} are cut."
    alt = f"Steps of share over intended share against {audit.demos.info.label}. {finding}"
    return Figure("audit-shift", figure, finding + beyond, alt, origin(audit), columns)


@styled
def demonstrations(audit: Audit) -> Figure:
    """The intended distribution as measured."""
    figure, axes = canvas(6.8, 2.6)
    ax, q = axes[0, 0], audit.demos.intake.q
    span = np.quantile(q, [0.001, 0.999])
    edges = np.linspace(*span, 61)
    heights = np.histogram(q, edges)[0] / len(q) / np.diff(edges)
    ax.stairs(heights, edges, fill=True, color=GREY, alpha=0.5, label="demonstrations")
    columns = Columns()
    columns.add(lo=edges[:-1], hi=edges[1:], demonstrations=heights)
    ax.set(xlabel=audit.demos.info.label, ylabel="density", ylim=(0, None))
    finding = sentences(audit)["demonstrations"][0]
    return Figure("audit-demonstrations", figure, finding, f"Histogram. {finding}", origin(audit), columns)


@styled
def transition(audit: Audit) -> Figure:
    """Where the mass of each bin goes, and by how much on average."""
    bins, pushed = audit.demos.bins, audit.outlook.typical
    figure, axes = canvas(7.2, 3.2, columns=2)
    left, right = axes[0]
    matrix = pushed.transition[: bins.count + 2, 1 : bins.count + 1]
    shown = np.where(matrix > 1e-4, matrix, np.nan)
    image = left.imshow(shown, origin="lower", cmap=HEAT, norm=LogNorm(1e-3, 1), aspect="auto", rasterized=True)
    ticks = [number(bins.edges[0]), number(bins.edges[-1])]
    left.set_xticks([-0.5, bins.count - 0.5], ticks)
    left.set_yticks([0.5, bins.count + 0.5], ticks)
    left.set(xlabel=f"{audit.demos.info.quantity} of the demonstration", ylabel="measured after")
    figure.colorbar(image, ax=left, label="share of the column")
    centres = (bins.edges[1:] + bins.edges[:-1]) / 2
    drift = pushed.drift[1 : bins.count + 1]
    right.axhline(0, color=GREY, lw=0.8)
    right.plot(centres, drift, color=ORANGE, marker="o", ms=3)
    right.set(xlabel=audit.demos.info.label, ylabel=f"drift b(q){f' ({audit.unit})' if audit.unit else ''}")
    columns = Columns()
    columns.add(q=centres, drift=drift, stays=np.diag(pushed.transition)[1 : bins.count + 1])
    stays = float(np.mean(columns["stays"]))
    finding = (
        f"What {kernel_in_words(pushed.kernel)} does: {share(stays)} of a bin stays in it on average; the drift runs from "
        f"{number(drift.min(), sign=True)} to {number(drift.max(), audit.unit, sign=True)}."
    )
    alt = f"Heat map of the transition matrix with a band near its diagonal, and the drift as a line. {finding}"
    return Figure("audit-transition", figure, finding, alt, origin(audit), columns)


@styled
def sensitivity(audit: Audit) -> Figure:
    """Where in the trajectory an error matters: change of the quantity per unit of error, by time and column."""
    found = audit.sensitivity
    figure, axes = canvas(6.8, 2.6)
    ax, columns = axes[0, 0], Columns()
    for d, colour in zip(range(min(found.slope.shape[1], len(COLOURS))), COLOURS, strict=False):
        ax.plot(found.windows, found.slope[:, d], color=colour, marker="o", ms=3, label=f"column {d}")
    for d in range(found.slope.shape[1]):
        columns.add(step=found.windows, column=d, slope=found.slope[:, d], drift=found.drift[:, d])
    ax.set(xlabel="step", ylabel="change per unit of error", ylim=(0, None))
    ax.legend(loc="best")  # the ends of a trajectory often matter most
    finding = sentences(audit)["sensitivity"][0]
    return Figure("audit-sensitivity", figure, finding, f"Lines over time. {finding}", origin(audit), columns)


@styled
def representations(audit: Audit) -> Figure:
    """The forecast shift by representation."""
    figure, axes = canvas(6.8, 0.36 * len(audit.ranking) + 0.9)
    ax, names = axes[0, 0], [r.name for r in audit.ranking]
    tv = [r.tv for r in audit.ranking]
    ax.barh(names, tv, xerr=[2 * r.spread for r in audit.ranking], color=BLUE, alpha=0.7, ecolor=GREY)
    ax.invert_yaxis()
    ax.set(xlabel="forecast share of trajectories in the wrong bin", xlim=(0, None))
    columns = Columns()
    columns.add(representation=names, tv=tv, mean_shift=[r.mean_shift for r in audit.ranking])
    finding = sentences(audit)["representations"][0]
    return Figure("audit-representations", figure, finding, f"Bars. {finding}", origin(audit), columns)


@styled
def ladder(audit: Audit) -> Figure:
    """Skill of every kernel of the ladder on samples that it was not fitted to."""
    rungs = audit.findings.explanation.ladder
    figure, axes = canvas(6.8, 0.34 * len(rungs) + 0.9)
    ax, columns = axes[0, 0], Columns()
    columns.add(kernel=[r.kernel for r in rungs], skill=[r.skill for r in rungs], size=[r.size for r in rungs])
    columns.add(low=[r.skill_interval[0] for r in rungs], high=[r.skill_interval[1] for r in rungs])
    ax.barh(columns["kernel"], np.clip(columns["skill"], -0.2, 1), color=COLOURS[2], alpha=0.7)
    ax.hlines(range(len(rungs)), np.clip(columns["low"], -0.2, 1), np.clip(columns["high"], -0.2, 1), color=GREY)
    ax.invert_yaxis()
    ax.axvline(0, color=GREY, lw=0.8)
    ax.set(xlabel="skill: share of the shift explained", xlim=(-0.2, 1))
    finding = sentences(audit)["explanation"][0] + " Grey lines are intervals of 95 %."
    return Figure("audit-ladder", figure, finding, f"Bars. {finding}", origin(audit), columns)


@styled
def plausibility(audit: Audit) -> Figure:
    """Quantiles of looks over the demonstrations' own: at one, samples look like demonstrations."""
    found = audit.findings.plausibility
    figure, axes = canvas(6.8, 0.5 * len(found.proxies) + 1.1)
    ax, columns = axes[0, 0], Columns()
    for p, colour in zip(range(len(QUANTILES)), COLOURS, strict=False):
        ratio = [proxy.samples[p] / max(proxy.demonstrations[p], 1e-300) for proxy in found.proxies]
        ax.plot(
            ratio,
            [proxy.name for proxy in found.proxies],
            "o",
            color=colour,
            label=f"{100 * QUANTILES[p]:.0f} % quantile",
        )
        columns.add(proxy=[proxy.name for proxy in found.proxies], quantile=QUANTILES[p], ratio=ratio)
    ax.axvline(1, color=INK, lw=0.9)
    ax.set(xlabel="samples / demonstrations", xscale="log")
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5)))
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.margins(y=0.3)
    figure.legend(loc="outside lower center", ncols=3)
    finding = " ".join(sentences(audit)["plausibility"])
    return Figure("audit-plausibility", figure, finding, f"Dots. {finding}", origin(audit), columns)


FIGURES: dict[str, Callable[[Audit], Figure]] = {
    f.__name__: f for f in (shift, demonstrations, transition, sensitivity, representations, ladder, plausibility)
}
"""Figures by name; the last two need samples."""
