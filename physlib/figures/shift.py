"""Pictures of the shift: samples beside data, histograms, forecasts on observations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes

from physlib.figures.style import (
    BLUE,
    COLOURS,
    GREY,
    INK,
    ORANGE,
    CaptionedFigure,
    Numbers,
    Origin,
    panel_grid,
    styled,
    subplots,
)
from physlib.stats.distances import shift_r2, total_variation, tv_floor
from physlib.stats.histogram import Bins, flat_mass
from physlib.tasks import Task


def bin_columns(task: Task, bins: int) -> dict[str, np.ndarray]:
    """Lower and upper ends of the rows of a mass vector; infinite for under- and overflow, NaN for failed."""
    edges = np.linspace(task.lo, task.hi, bins + 1)
    return {
        "lo": np.concatenate([[-np.inf], edges[:-1], [task.hi, np.nan]]),
        "hi": np.concatenate([[task.lo], edges[1:], [np.inf, np.nan]]),
    }


def over_intended(bins: Bins, mass: Float[np.ndarray, " M"]) -> Float[np.ndarray, " M"]:
    """A mass vector over the intended one; rows where none is intended over the mean share of a bin."""
    return mass / np.where(bins.reference > 0, bins.reference, bins.reference[1:-2].mean())


def steps(axes: Axes, bins: Bins, mass: Float[np.ndarray, " M"], fill: bool = False, **style) -> None:
    """A mass vector relative to the intended one; the tails stand half a bin outside the range."""
    (lo, hi), relative = bins.edges[[0, -1]], over_intended(bins, mass)
    width = (hi - lo) / bins.count
    outer = np.array([lo - 1.1 * width, hi + 1.1 * width])
    if fill:
        axes.stairs(relative[1:-2], bins.edges, fill=True, **style)
        axes.bar(outer, relative[[0, -2]], width, color=style["color"], alpha=style["alpha"])
    else:
        axes.stairs(relative[1:-2], bins.edges, baseline=None, **style)
        for centre, row in zip(outer, (0, -2), strict=True):
            axes.plot([centre - width / 2, centre + width / 2], [relative[row]] * 2, **(style | {"label": None}))


def frame(axes: Axes, task: Task, floor: float) -> None:
    """The flat prior with the band that sampling alone explains, and labels."""
    axes.axhspan(1 - floor, 1 + floor, color=GREY, alpha=0.3, lw=0)
    axes.plot([task.lo, task.hi], [1, 1], color=INK, lw=1)
    axes.set_xlabel(task.info.label)


def bin_noise(bins: int, n: int) -> float:
    """Two standard deviations of a flat bin's count over its mean, for samples of size n."""
    return 2 * float(np.sqrt((1 - 1 / bins) * bins / n))


@styled
def trajectories(
    name: str,
    task: Task,
    panels: Mapping[str, Float[np.ndarray, "N T D"]],
    origin: Origin,
) -> CaptionedFigure:
    """Trajectories side by side, one panel per source, the first channel against time."""
    figure, axes = subplots(3.4 * len(panels), 2.5, columns=len(panels), sharey=True)
    numbers = Numbers()
    for ax, (title, x), colour in zip(axes[0], panels.items(), cycle((INK, *COLOURS)), strict=False):
        for i, path in enumerate(x[..., 0]):
            ax.plot(path, color=colour, alpha=0.75, lw=1)
            numbers.add(panel=title, trajectory=i, step=range(len(path)), value=np.round(path, 5))
        ax.set(title=title, xlabel="step")
    axes[0, 0].set_ylabel("x")
    medians = [f"{title} {float(np.median(task.residual(x))):.3f}" for title, x in panels.items()]
    finding = (
        f"{task.info.title.capitalize()}. Median distance of the drawn curves from the rule, in standard deviations: {'; '.join(medians)} "
        f"(plausible: below {task.info.threshold:g})."
    )
    alt = f"Line plots of {task.info.title} trajectories over time: {', '.join(panels)}."
    return CaptionedFigure(name, figure, finding, alt, origin, numbers)


@styled
def histograms(
    name: str,
    cells: Sequence[tuple[Task, str, Float[np.ndarray, "S M"]]],
    n: int | Sequence[int],
    origin: Origin,
    columns: int = 3,
    plausible: Sequence[float] | None = None,
) -> CaptionedFigure:
    """Observed over flat, one panel per task and model, one line per seed; tails beside the range.

    `n` samples in every run, or in those of each panel; `plausible` shares, one per panel, are written into it.
    """
    figure, axes = panel_grid(len(cells), columns, 3.1, 2.3, sharey=True)
    numbers = Numbers()
    sizes = np.broadcast_to(n, len(cells))
    for ax, (task, model, masses), size in zip(axes.flat, cells, sizes, strict=False):
        bins = masses.shape[1] - 3
        frame(ax, task, bin_noise(bins, size))
        for seed, mass in zip(origin.seeds, masses, strict=True):
            steps(ax, task.bins, mass, color=COLOURS[seed % len(COLOURS)], lw=1.2)
            numbers.add(task=task.name, model=model, seed=seed, **bin_columns(task, bins), mass=mass)
        ax.set_title(f"{task.name}, {model}", fontsize=8.5)
    for ax, share in zip(axes.flat, plausible or (), strict=False):
        ax.text(0.5, 0.06, f"{share:.0%} plausible", transform=ax.transAxes, ha="center", color=INK, fontsize=8)
    for ax in axes[:, 0]:
        ax.set_ylabel("observed / intended")
    axes[0, 0].set_ylim(bottom=0)  # shared by all, so only once all is drawn
    flat = flat_mass(bins)
    ranges = []
    for task, model, masses in cells:
        distances = [total_variation(mass, flat) for mass in masses]
        ranges.append(f"{task.name} {model} {min(distances):.3f} to {max(distances):.3f}")
    floors = [f"{tv_floor(flat, size):.3f}" for size in sorted(set(sizes), reverse=True)]
    finding = (
        f"Total variation from the intended flat distribution, smallest and largest over seeds: {'; '.join(ranges)}. "
        f"Sampling alone gives {' or '.join(floors)}."
    )
    alt = (
        f"Histograms of the measured quantity relative to the flat prior, {len(cells)} panels, one line per seed; "
        "a grey band shows what sampling noise allows; short bars outside the range are under- and overflow."
    )
    return CaptionedFigure(name, figure, finding, alt, origin, numbers)


@styled
def observed_and_forecast(
    name: str,
    task: Task,
    observed: Float[np.ndarray, " M"],
    forecasts: Mapping[str, Float[np.ndarray, " M"]],
    n: int,
    origin: Origin,
) -> CaptionedFigure:
    """The observed histogram filled, forecasts as lines over it."""
    figure, axes = subplots(6.6, 3.2)
    ax, bins = axes[0, 0], len(observed) - 3
    frame(ax, task, bin_noise(bins, n))
    steps(ax, task.bins, observed, fill=True, color=GREY, alpha=0.45, label="observed in samples")
    for colour, (label, mass) in zip(cycle(COLOURS), forecasts.items(), strict=False):
        steps(ax, task.bins, mass, color=colour, lw=1.8, label=label)
    ax.set_ylabel("mass / intended mass")
    ax.set_ylim(bottom=0)
    figure.legend(loc="outside lower center", ncols=3)
    numbers = [pd.DataFrame(bin_columns(task, bins) | {"observed": observed} | dict(forecasts))]
    flat = flat_mass(bins)
    scores = [f"{label} R2 {shift_r2(mass, observed):.2f}" for label, mass in forecasts.items()]
    finding = (
        f"The samples' {task.info.quantity} lies {total_variation(observed, flat):.3f} in total variation from the "
        f"intended flat distribution, where sampling alone would give {tv_floor(flat, n):.3f}. "
        f"Share of the shift that each forecast explains: {'; '.join(scores)}."
    )
    top = int(np.argmax(observed[1:-2]))
    at = task.lo + (top + 0.5) * (task.hi - task.lo) / bins
    alt = (
        f"Histogram of {task.info.quantity} in samples: bars at {bins * observed[1]:.2f} of the intended height in the "
        f"first bin, highest near {at:.3g} with {bins * observed[top + 1]:.2f}, {bins * observed[-3]:.2f} in the last. Lines: "
        + "; ".join(f"{label} reaches at most {bins * mass.max():.2f}" for label, mass in forecasts.items())
    )
    return CaptionedFigure(name, figure, finding, alt, origin, numbers)


@styled
def forecast_interval(
    name: str,
    task: Task,
    mass: Float[np.ndarray, " M"],
    interval: Float[np.ndarray, "2 M"],
    observed: Float[np.ndarray, "S M"],
    origin: Origin,
) -> CaptionedFigure:
    """A forecast with its interval for one new run, and the runs that came of it, a dot a seed."""
    figure, axes = subplots(6.6, 3.2)
    ax, bins = axes[0, 0], len(mass) - 3
    width = (task.hi - task.lo) / bins
    rows = np.arange(bins + 2)  # the failed row has nothing to show
    at = task.lo + (rows - 0.5) * width
    low, high = bins * interval[:, rows]
    ax.bar(at, high - low, 0.9 * width, bottom=low, color=BLUE, alpha=0.3, label="95 % interval for one new run")
    ax.hlines(bins * mass[rows], at - 0.45 * width, at + 0.45 * width, color=BLUE, label="forecast")
    for i, run in enumerate(observed):
        place = at + (i - (len(observed) - 1) / 2) * 0.2 * width
        ax.plot(place, bins * run[rows], "o", color=ORANGE, ms=3, label=None if i else "runs")
    ax.axhline(1, color=GREY, lw=0.8)
    for edge in (task.lo, task.hi):
        ax.axvline(edge, color=GREY, lw=0.8)
    ax.set(xlabel=f"{task.info.quantity} (outside the lines: all beyond the range)", ylabel="mass / intended mass")
    ax.set_ylim(bottom=0)
    figure.legend(loc="outside lower center", ncols=3)
    held = np.mean((interval[0] <= observed) & (observed <= interval[1]))
    finding = (
        f"{held:.0%} of the bins and tails of {len(observed)} runs on {task.name} lie within the interval, whose mean "
        f"width is {np.mean(interval[1] - interval[0]):.4f} of all mass."
    )
    alt = f"Bars of the interval per bin of {task.info.quantity}, a line for the forecast, dots for runs. {finding}"
    numbers = Numbers()
    for seed, run in zip(origin.seeds, observed, strict=True):
        ends = {"low": interval[0], "high": interval[1]}
        numbers.add(seed=seed, **bin_columns(task, bins), forecast=mass, **ends, observed=run)
    return CaptionedFigure(name, figure, finding, alt, origin, numbers)
