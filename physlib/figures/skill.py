"""Pictures of how good forecasts are: one dot a cell, and all bins on one plot (pages layer)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import numpy as np
from jaxtyping import Float

from physlib.evaluation.run_group import SOURCES
from physlib.evaluation.table import medians
from physlib.figures.style import COLOURS, GREY, INK, Columns, Figure, Origin, canvas, styled


@styled
def skills(name: str, rows: Sequence[Mapping[str, Any]], origin: Origin) -> Figure:
    """Forecast R2 by kernel, one panel per source, one dot per task and model; below -1 drawn at -1."""
    kernels = list(dict.fromkeys(row["kernel"] for row in rows))
    cells = list(dict.fromkeys((row["task"], row["model"]) for row in rows))
    figure, axes = canvas(10.5, 0.34 * len(kernels) + 1.5, columns=len(SOURCES), sharey=True, sharex=True)
    markers = {model: "os^vD"[i] for i, model in enumerate(dict.fromkeys(model for _, model in cells))}
    tasks = list(dict.fromkeys(task for task, _ in cells))
    shown: dict[tuple[str, str], Any] = {}
    for ax, source in zip(axes[0], SOURCES, strict=True):
        for row in (r for r in rows if r["source"] == source):
            height = kernels.index(row["kernel"]) + 0.12 * (cells.index((row["task"], row["model"])) - len(cells) / 2)
            colour = COLOURS[tasks.index(row["task"])]
            style = {"color": colour, "marker": markers[row["model"]], "ms": 5, "ls": "none"}
            dot = ax.plot(max(row["r2"], -1), height, **style)
            shown[row["task"], row["model"]] = dot[0]
        ax.axvline(0, color=GREY, lw=0.8)
        ax.axvline(1, color=INK, lw=0.8)
        ax.set(title=source, xlabel="R2 of the shift", xlim=(-1.08, 1.08))
        ax.grid(axis="y", alpha=0.25)
    axes[0, 0].set_yticks(range(len(kernels)), kernels)
    axes[0, 0].invert_yaxis()
    figure.legend(
        list(shown.values()),
        [f"{task}, {model}" for task, model in shown],
        loc="outside lower center",
        ncols=3,
        fontsize=8,
    )

    found = {(row["kernel"], row["source"]): f"{row['r2']:.2f}" for row in medians(rows)}
    lines = [f"{kernel} {' / '.join(found.get((kernel, source), 'none') for source in SOURCES)}" for kernel in kernels]
    finding = f"Median R2 over cells, {' / '.join(SOURCES)}: {'; '.join(lines)}. Values below -1 are drawn at -1."
    alt = f"Dots of R2 by kernel ({', '.join(kernels)}) in {len(SOURCES)} panels by source of the kernel's numbers."
    keys = ("task", "model", "kernel", "source", "corr", "r2", "skill", "skill_lo", "skill_hi")
    return Figure(name, figure, finding, alt, origin, {key: [row[key] for row in rows] for key in keys})


@styled
def all_bins(
    name: str,
    groups: Mapping[str, Mapping[str, tuple[Float[np.ndarray, " M"], Float[np.ndarray, " M"]]]],
    origin: Origin,
) -> Figure:
    """Forecast against observed shift, every bin and both tails of every cell, coloured by group."""
    figure, axes = canvas(5.6, 4.4)
    ax = axes[0, 0]
    columns = Columns()
    for colour, (title, cells) in zip(cycle(COLOURS), groups.items(), strict=False):
        for i, (cell, (expected, observed)) in enumerate(cells.items()):
            label = None if i else f"{title} ({len(cells)})"
            ax.plot(expected[:-1], observed[:-1], "o", color=colour, ms=3, alpha=0.6, label=label)
            columns.add(cell=cell, forecast=expected[:-1], observed=observed[:-1])  # the failed row has nothing to show
    ends = [1.2 * min(columns["observed"]), 1.2 * max(columns["observed"])]  # a wild forecast would squeeze all others
    ax.plot(ends, ends, color=INK, lw=0.8)
    ax.set(xlim=ends, ylim=ends)
    ax.axhline(0, color=GREY, lw=0.6)
    ax.axvline(0, color=GREY, lw=0.6)
    ax.set(xlabel="forecast shift of a bin's mass", ylabel="observed shift")
    ax.legend(fontsize=8)
    expected, observed = np.array(columns["forecast"]), np.array(columns["observed"])
    r2 = 1 - np.sum((expected - observed) ** 2) / np.sum(observed**2)
    beyond = int(np.sum((expected < ends[0]) | (expected > ends[1])))
    finding = (
        f"All {len(expected)} bins and tails of {sum(map(len, groups.values()))} cells: correlation {np.corrcoef(expected, observed)[0, 1]:.2f}, "
        f"R2 {r2:.2f}. On the diagonal the forecast is exact; {beyond} forecasts lie beyond the left or right edge."
    )
    alt = f"Scatter of observed against forecast shift per bin, with the diagonal, for {', '.join(groups)}."
    return Figure(name, figure, finding, alt, origin, columns)
