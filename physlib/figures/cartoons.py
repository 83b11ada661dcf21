"""Drawings of ideas: why a small error moves a quantity, an average at an edge, two chaotic orbits."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.stats import norm

from physlib.figures.style import BLUE, GREY, INK, ORANGE, CaptionedFigure, Numbers, Origin, styled, subplots

SPREAD = 0.12  # of the noise in the drawings, in units of the range


def average_at(
    u: Float[np.ndarray, " N"], spread: float, low: float = 0.0, high: float = 1.0
) -> Float[np.ndarray, " N"]:
    """Mean of a quantity that is flat on `[low, high]`, given that it was read as `u` with a normal error.

    The mean of a truncated normal (N. L. Johnson, S. Kotz, N. Balakrishnan, Continuous Univariate Distributions 1, 13.10).
    """
    a, b = (low - u) / spread, (high - u) / spread
    return u + spread * (norm.pdf(a) - norm.pdf(b)) / (norm.cdf(b) - norm.cdf(a))


@styled
def error_through_measurement(name: str, origin: Origin) -> CaptionedFigure:
    """A trajectory with an error, a curved measurement, and what becomes of a flat histogram."""
    figure, axes = subplots(6.8, 2.3, columns=3)
    path, bend, count = axes[0]
    t, rng = np.linspace(0, 1, 60), np.random.default_rng(0)
    clean = np.sin(5 * t) * t
    noisy = clean + 0.05 * rng.standard_normal(60)
    path.plot(t, clean, color=INK, lw=1.6, label="motion")
    path.plot(t, noisy, color=ORANGE, lw=1, label="with an error")
    path.set_title("1  a small error ...")
    x = np.linspace(-1.1, 1.4, 80)
    bend.plot(x, x**2, color=INK, lw=1.4)
    ends = np.array([0.15, 0.55, 0.95])
    bend.plot(ends, [0, 0, 0], "|", color=ORANGE, ms=9, mew=2)
    bend.plot([-1.1] * 3, ends**2, "_", color=ORANGE, ms=9, mew=2)
    for end in ends:
        bend.plot([end, end, -1.1], [0, end**2, end**2], color=ORANGE, lw=0.7, ls=":")
    bend.set_title("2  ... measured by a curve ...")
    bend.set_xlabel("what the error moves")
    bend.set_ylabel("what is measured")
    q = rng.random(400_000)
    moved = average_at(q + SPREAD * rng.standard_normal(q.size), SPREAD) + 0.03 + 0.04 * rng.standard_normal(q.size)
    heights, edges = np.histogram(moved, 24, (-0.1, 1.1))
    count.stairs(heights / q.size / np.diff(edges), edges, fill=True, color=GREY, alpha=0.5)
    count.plot([0, 0, 1, 1], [0, 1, 1, 0], color=INK, lw=1.2)
    count.set_title("3  ... moves the count")
    count.set_xlabel("quantity")
    for ax in axes[0]:
        ax.set_xticks([])
        ax.set_yticks([])
    numbers = Numbers()
    numbers.add(panel="path", t=t, clean=clean, noisy=noisy)
    finding = (
        "A small error, read through a curved measurement, moves a quantity systematically. In the middle equal steps to "
        "either side become unequal ones; on the right the line is what was intended. A drawing, not data."
    )
    alt = "Three drawings: a curve with a wiggly copy; a parabola that maps three even marks to uneven ones; a box and a hump."
    return CaptionedFigure(name, figure, finding, alt, origin, numbers)


@styled
def average_at_an_edge(name: str, origin: Origin) -> CaptionedFigure:
    """What a blurred view leaves of a flat quantity, in the middle and at an edge, and the average that follows."""
    figure, axes = subplots(6.8, 2.4, columns=2)
    seen, mean = axes[0]
    grid = np.linspace(-0.25, 1.25, 400)
    inside = (grid >= 0) & (grid <= 1)
    seen.fill_between(grid, inside * 0.6, color=GREY, alpha=0.25, lw=0, label="flat prior")
    for at, colour in ((0.5, BLUE), (0.97, ORANGE)):
        density = norm.pdf(grid, at, SPREAD) * inside
        seen.plot(grid, density, color=colour, lw=1.6)
        seen.plot(at, -0.25, "^", color=colour, ms=7)
        centre = float(average_at(np.array([at]), SPREAD)[0])
        seen.plot([centre, centre], [0, norm.pdf(centre, at, SPREAD)], color=colour, lw=1.2, ls="--")
    seen.set(title="what is left possible", xlabel="quantity", yticks=[], ylim=(-0.5, None))
    u = np.linspace(-0.1, 1.1, 200)
    g = average_at(u, SPREAD)
    mean.plot(u, u, color=GREY, lw=1)
    mean.plot(u, g, color=ORANGE, lw=2)
    mean.set(
        title="the average of it", xlabel="seen through noise", ylabel="average", xticks=[0, 0.5, 1], yticks=[0, 0.5, 1]
    )
    numbers = Numbers()
    numbers.add(seen=u, average=g)
    finding = (
        "Near an edge of the range every average lies further in. Triangles: what is seen; curves: what the quantity may "
        "have been; dashed: its mean. A drawing with an error of 12 % of the range."
    )
    alt = "Left: a full bell curve in the middle of a box and one cut off at its edge. Right: an S-shaped line about a diagonal."
    return CaptionedFigure(name, figure, finding, alt, origin, numbers)


@styled
def parting_orbits(name: str, orbits: dict[str, Float[np.ndarray, "2 T"]], origin: Origin) -> CaptionedFigure:
    """Two trajectories from nearly the same start, a panel for each kind of motion."""
    figure, axes = subplots(6.8, 2.2, columns=len(orbits), sharey=True)
    numbers, told = Numbers(), []
    for ax, (title, pair) in zip(axes[0], orbits.items(), strict=True):
        for path, style in zip(
            pair, ({"color": INK, "lw": 1.6}, {"color": ORANGE, "lw": 1.2, "ls": "--"}), strict=True
        ):
            ax.plot(path, marker=".", ms=4, **style)
        ax.set(title=title, xlabel="step")
        numbers.add(panel=title, step=np.arange(pair.shape[1]), first=pair[0], second=pair[1])
        told.append(
            f"{title}: {abs(pair[0, 0] - pair[1, 0]):.3f} apart at the start, {abs(pair[0, -1] - pair[1, -1]):.3f} at the end"
        )
    axes[0, 0].set_ylabel("x")
    finding = f"Regular motion forgets a small difference, chaotic motion makes it large. {'; '.join(told)}."
    alt = f"Two lines over time in each panel. {'; '.join(told)}."
    return CaptionedFigure(name, figure, finding, alt, origin, numbers)
