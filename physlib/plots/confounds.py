"""Pictures of what changes the shift: single factors, training length, the dial to chaos (pages layer)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.ticker import NullFormatter
from scipy.stats import spearmanr

from physlib.plots.figure import COLOURS, GREY, INK, Columns, Figure, Origin, canvas, styled


@styled
def factors(
    name: str, tried: Mapping[str, Mapping[Any, Sequence[float]]], usual: Sequence[float], floor: float, origin: Origin
) -> Figure:
    """Total variation at each level of each factor, one dot a seed; `usual` are the runs that all factors share."""
    columns = min(5, len(tried))
    rows = -(-len(tried) // columns)
    figure, axes = canvas(2.0 * columns if columns > 1 else 3.4, 2.1 * rows, rows, columns, sharey=True)
    numbers, widest = Columns(), []
    low, high = min(usual), max(usual)
    for ax, (title, levels) in zip(axes.flat, tried.items(), strict=False):
        ax.axhspan(0, floor, color=GREY, alpha=0.3, lw=0)
        ax.axhspan(low, high, color=COLOURS[0], alpha=0.2, lw=0)
        for i, (level, values) in enumerate(levels.items()):
            ax.plot([i] * len(values), values, "o", color=INK, ms=4, alpha=0.8)
            numbers.add(factor=title, level=str(level), seed=origin.seeds[: len(values)], shift=values)
        means = [float(np.mean(values)) for values in levels.values()]
        ax.plot(range(len(means)), means, color=INK, lw=1)
        widest.append((max(means) / min(means), title))
        ax.set_xticks(range(len(levels)), [f"{level:,}" if isinstance(level, int) else str(level) for level in levels])
        ax.set_title(title, fontsize=8.5)
        ax.set_xlim(-0.4, len(levels) - 0.6)
        ax.tick_params(axis="x", labelsize=7)
    for ax in list(axes.flat)[len(tried) :]:
        ax.set_visible(False)
    for ax in axes[:, 0]:
        ax.set_ylabel("total variation")
    axes[0, 0].set_ylim(bottom=0)
    ranked = sorted(widest, reverse=True)
    finding = (
        f"Largest over smallest mean total variation among the levels of each factor: "
        f"{'; '.join(f'{title} {ratio:.2f}' for ratio, title in ranked)}. Coloured band: the seeds of the runs that all "
        f"factors share, {low:.3f} to {high:.3f}; grey: what sampling alone gives, {floor:.3f}."
    )
    alt = f"Small panels, one a factor: {', '.join(tried)}; dots are the total variation of single runs at each level."
    return Figure(name, figure, finding, alt, origin, numbers)


@styled
def dial(
    name: str,
    ranges: Sequence[str],
    shifts: Sequence[Sequence[float]],
    against: Mapping[str, Sequence[float]],
    floor: float,
    origin: Origin,
) -> Figure:
    """Total variation of each range's runs against properties of the range, one panel each; colours are the maps."""
    figure, axes = canvas(3.2 * len(against), 2.8, columns=len(against), sharey=True)
    families = list(dict.fromkeys(text.partition("[")[0] for text in ranges))
    means, numbers, found = [float(np.mean(values)) for values in shifts], Columns(), []
    for ax, (title, values) in zip(axes[0], against.items(), strict=True):
        ax.axhspan(0, floor, color=GREY, alpha=0.3, lw=0)
        for text, x, runs in zip(ranges, values, shifts, strict=True):
            family = families.index(text.partition("[")[0])
            ax.plot([x] * len(runs), runs, "os"[family], color=COLOURS[family], ms=4.5)
            numbers.add(property=title, range=text, value=x, seed=origin.seeds[: len(runs)], shift=runs)
        ax.set_xlabel(title)
        found.append(f"{title} {spearmanr(values, means).statistic:.2f}")
    for i, family in enumerate(families):
        axes[0, 0].plot([], [], "os"[i], color=COLOURS[i], label=family)
    axes[0, 0].set_ylabel("total variation")
    axes[0, 0].set_ylim(bottom=0)
    figure.legend(loc="outside lower center", ncols=len(families))
    finding = (
        f"Rank correlation of the mean total variation over {len(ranges)} ranges with: {'; '.join(found)}. "
        f"Sampling alone gives {floor:.3f}."
    )
    alt = f"Scatter plots of total variation against {', '.join(against)}, one dot a run, colours for {' and '.join(families)}."
    return Figure(name, figure, finding, alt, origin, numbers)


@styled
def power_laws(
    name: str, lengths: Collection[int], measured: Mapping[str, Float[np.ndarray, "J S"]], origin: Origin
) -> Figure:
    """Measures of `S` runs at each of `J` training lengths on logarithmic axes, with the slope -1/2 beside them."""
    figure, axes = canvas(2.7 * len(measured), 2.6, columns=len(measured))
    steps, numbers, told = np.array(list(lengths)), Columns(), []
    for ax, (title, values) in zip(axes[0], measured.items(), strict=True):
        means = np.exp(np.log(values).mean(axis=1))
        root = means[-1] * (steps[-1] / steps) ** 0.5
        ax.plot(steps, root, color=GREY, ls="--", lw=1, label="one over square root")
        ax.plot(steps, means, color=INK, lw=1)
        ax.plot(np.repeat(steps, values.shape[1]), values.ravel(), "o", color=COLOURS[0], ms=4, alpha=0.8)
        for n, row in zip(steps, values, strict=True):
            numbers.add(measure=title, steps=int(n), seed=origin.seeds[: len(row)], value=list(row))
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.yaxis.set_minor_formatter(NullFormatter())
        ax.set_xticks(steps, [f"{n:,}" for n in steps])
        ax.set_title(title)
        ax.set_xlabel("training steps")
        told.append(f"{title} from {means[0]:.3f} to {means[-1]:.3f}")
    axes[0, 0].legend()
    finding = f"Geometric means over seeds, from {steps[0]:,} to {steps[-1]:,} training steps: {'; '.join(told)}."
    alt = f"Small panels with logarithmic axes, {', '.join(measured)} against training steps, one dot a run, and a line of slope minus a half."
    return Figure(name, figure, finding, alt, origin, numbers)
