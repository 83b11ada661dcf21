"""Pictures of demonstrations and samples side by side: histograms, quantiles, trajectories."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from physlib.audit.io.read import Loaded
from physlib.audit.report.text import sentences
from physlib.audit.report.words import number
from physlib.audit.result import AuditResult
from physlib.figures.style import BLUE, GREY, INK, ORANGE, CaptionedFigure, Numbers, styled, subplots

HEAVY = 8.0  # how many medians away the 99.5 % quantile is in a tail that needs a logarithmic axis
ATOM = 0.2  # share of all values in one of the histogram's bins that needs one upwards
TYPICAL, ENDS = 9, 3  # trajectories drawn of the middle half, and of the extremes


def origin(result: AuditResult) -> str:
    """Where the numbers of a figure come from."""
    loaded, found = result.demos.loaded, result.findings
    samples = "" if found is None else f"; {found.name}, {found.count:,} samples"
    return f"{loaded.name}, {len(loaded.q):,} demonstrations{samples}; seed {result.request.seed}."


def _parts(result: AuditResult) -> dict[str, Loaded]:
    parts = {"demonstrations": result.demos.loaded}
    return parts if result.findings is None else parts | {"samples": result.findings.drawn}


def _heavy(q: Float[np.ndarray, " N"]) -> bool:
    low, middle, high = np.quantile(q, [0.005, 0.5, 0.995])
    return bool(low > 0 and high > HEAVY * middle)


@styled
def histograms(result: AuditResult) -> CaptionedFigure:
    """Shares of demonstrations, and of samples where there are any, on one axis."""
    parts = {name: loaded.finite for name, loaded in _parts(result).items()}
    pooled = np.concatenate(list(parts.values()))
    low, high = np.quantile(pooled, [0.001, 0.999])
    heavy = _heavy(pooled)
    edges = np.geomspace(low, high, 61) if heavy else np.linspace(low, high, 61)
    figure, axes = subplots(6.8, 2.8)
    ax, numbers, top = axes[0, 0], Numbers(), 0.0
    for (name, q), colour in zip(parts.items(), (GREY, ORANGE), strict=False):
        share = np.histogram(q, edges)[0] / len(q)
        filled = {"fill": True, "alpha": 0.5} if colour == GREY else {"lw": 1.6}
        ax.stairs(100 * share, edges, color=colour, label=name, **filled)
        numbers.add(lo=edges[:-1], hi=edges[1:], share=share, part=name)
        top = max(top, float(share.max()))
    ax.set(xlabel=result.demos.label, ylabel="% of all", xscale="log" if heavy else "linear")
    if top > ATOM:
        ax.set_yscale("symlog", linthresh=1.0)
        ax.set_yticks([0, 1, 10, 100], ["0", "1", "10", "100"])
    ax.set_ylim(0, None)
    figure.legend(loc="outside lower center", ncols=2)
    finding = sentences(result)["demonstrations"][0]
    scales = "; the horizontal axis is logarithmic" if heavy else ""
    scales += "; the vertical axis is logarithmic above 1 %" if top > ATOM else ""
    words = f"{finding[:-1]}{scales}."
    return CaptionedFigure("audit-histograms", figure, words, f"Histograms. {words}", origin(result), numbers)


@styled
def quantiles(result: AuditResult) -> CaptionedFigure:
    """Quantiles of samples against those of demonstrations: on the diagonal where both are alike."""
    first, second = (loaded.finite for loaded in _parts(result).values())
    at = np.linspace(0.5, 99.5, 199) / 100
    x, y = np.quantile(first, at), np.quantile(second, at)
    figure, axes = subplots(3.6, 3.4)
    ax, numbers = axes[0, 0], Numbers()
    numbers.add(quantile=at, demonstrations=x, samples=y)
    ends = [min(x[0], y[0]), max(x[-1], y[-1])]
    ax.plot(ends, ends, color=INK, lw=0.9)
    ax.plot(x, y, ".", color=ORANGE, ms=4)
    kind = "log" if _heavy(first) and _heavy(second) else "linear"
    ax.set(xlabel=f"demonstrations: {result.demos.label}", ylabel="samples", xscale=kind, yscale=kind)
    unit = result.demos.unit
    finding = f"Half of the demonstrations lie below {number(np.median(first), unit)}, half of the samples below {number(np.median(second), unit)}."
    alt = f"Dots of quantiles beside a diagonal. {finding}"
    return CaptionedFigure("audit-quantiles", figure, finding, alt, origin(result), numbers)


@styled
def trajectories(result: AuditResult) -> CaptionedFigure:
    """A dozen trajectories of each: nine from the middle of the quantity, three from its ends."""
    parts = _parts(result)
    figure, axes = subplots(3.5 * len(parts), 3.2, columns=len(parts), sharex=True, sharey=True)
    numbers = Numbers()
    for ax, (name, loaded) in zip(axes[0], parts.items(), strict=True):
        _drawn(ax, loaded, numbers, name)
        ax.set_title(name)
    flat = result.demos.shape[1] > 1
    for ax in axes[0]:
        ax.set(xlabel="column 0" if flat else "step")
    axes[0, 0].set(ylabel="column 1" if flat else "column 0")
    finding = f"Nine trajectories of each from the middle half of {result.demos.title} (blue), and three from its ends (orange)."
    return CaptionedFigure("audit-trajectories", figure, finding, f"Lines. {finding}", origin(result), numbers)


def _drawn(ax: Axes, loaded: Loaded, numbers: Numbers, part: str) -> None:
    order = np.argsort(loaded.kept_q)[: int(np.isfinite(loaded.kept_q).sum())]
    middle = order[(np.linspace(0.25, 0.75, TYPICAL) * (len(order) - 1)).astype(int)]
    for rows, colour in ((middle, BLUE), (order[[0, -2, -1][: min(ENDS, len(order))]], ORANGE)):
        for row in rows:
            x = loaded.kept.x[row, : loaded.kept.steps[row]]
            across, up = (x[:, 0], x[:, 1]) if x.shape[1] > 1 else (np.arange(len(x)), x[:, 0])
            ax.plot(across, up, color=colour, lw=1, alpha=0.8)
            numbers.add(part=part, trajectory=int(loaded.rows[row]), across=across, up=up)
