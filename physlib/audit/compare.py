"""Is the shift real, and how large: a test, and distances with intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from physlib.stats.clusters import GroupedCounts, merged
from physlib.stats.distances import total_variation, tv_floor, tv_noise
from physlib.stats.histogram import Bins
from physlib.stats.l1 import l1_interval
from physlib.stats.samples import INDEPENDENT, Paired, SamplePair
from physlib.stats.stretches import stretches
from physlib.stats.transport import transport_cells

Interval = tuple[float, float]


@dataclass(frozen=True)
class Stretch:
    """Neighbouring bins that all gain or all lose."""

    lo: float | None  # None: open
    hi: float | None
    mass: float  # change of the share of all trajectories, negative for a loss
    interval: Interval  # 95 %, of the noise of samples and demonstrations


@dataclass(frozen=True)
class Comparison:
    """The quantity in samples against demonstrations; `w1` and `mean_shift` in its unit, intervals of 95 %."""

    p_value: float | None  # None where there are too few for a test
    tv: float
    tv_interval: Interval
    tv_floor: float  # total variation that samples of these sizes from one distribution have on average
    w1: float
    w1_interval: Interval
    mean_shift: float
    mean_shift_interval: Interval
    failed: int  # samples whose quantity is not finite
    mass: Float[np.ndarray, " M"]  # of the samples
    effective: float | None  # how many independent samples these are worth; None where they are in pairs
    gains: list[Stretch]
    losses: list[Stretch]


def compare(
    bins: Bins,
    demonstrated: Float[np.ndarray, " N"],
    sampled: Float[np.ndarray, " N2"],
    rng: np.random.Generator,
    pair: SamplePair = INDEPENDENT,
    tested: bool = True,
) -> Comparison:
    """Test and measure the shift from `demonstrated` to `sampled` values, finite samples of unknown distributions.

    `pair` says what the two have to do with each other: rows or groups of rows independent, or in pairs. Too few to be
    `tested` are only described.
    """
    rows, width = (bins.index(demonstrated), bins.index(sampled)), bins.count + 3
    change, noise = pair.difference(*rows, width, rng)
    shift, half = pair.mean_shift(demonstrated, sampled)
    w1, w1_interval = _transport(demonstrated, sampled, pair, rng)
    # a distance is no less than the change of the mean, and contains what was seen
    least, most = max(0.0, abs(shift) - half), abs(shift) + half
    w1_interval = min(w1, max(w1_interval[0], least)), max(w1, w1_interval[1], most)
    p = pair.p_value(demonstrated, sampled, rng) if tested else None
    moved = _stretches(bins, change, noise) if p is not None and p < 0.05 else []
    floor, worth = _floor(bins, rows, noise, pair, rng)
    return Comparison(
        p_value=p,
        tv=total_variation(change, 0 * change),
        tv_interval=l1_interval(change, noise, 0.5),
        tv_floor=floor,
        w1=w1,
        w1_interval=w1_interval,
        mean_shift=shift,
        mean_shift_interval=(shift - half, shift + half),
        failed=int((~np.isfinite(sampled)).sum()),
        mass=bins.mass(sampled),
        effective=worth,
        gains=[s for s in moved if s.mass > 0],
        losses=[s for s in moved if s.mass < 0],
    )


def _floor(
    bins: Bins, rows, noise: Float[np.ndarray, "B M"], pair: SamplePair, rng: np.random.Generator
) -> tuple[float, float | None]:
    """Total variation that sampling alone gives, and the number of independent samples that the second set is worth."""
    if isinstance(pair, Paired):
        return tv_noise(noise.var(axis=0)), None
    together = [None if group is None else merged(group, rng) for group in pair.groups]
    counted = [GroupedCounts.of(row, bins.count + 3, group) for row, group in zip(rows, together, strict=True)]
    worth = [part.effective for part in counted]
    return tv_floor(bins.reference, *worth), worth[1]


def _stretches(bins: Bins, change: Float[np.ndarray, " M"], noise: Float[np.ndarray, "B M"]) -> list[Stretch]:
    """Neighbouring bins that gain or lose; no more can be lost than there was, nor gained than there is left."""
    found = []
    for rows in stretches(change, noise.var(axis=0)):
        mass, there = float(change[rows].sum()), float(bins.reference[rows].sum())
        half = 1.96 * float(noise[:, rows].sum(axis=1).std())
        ends = tuple(np.clip([mass - half, mass + half], -there, 1 - there).tolist())
        found.append(Stretch(*bins.span(rows.start, rows.stop - 1), mass, ends))
    return found


def _transport(
    first: Float[np.ndarray, " N"], second: Float[np.ndarray, " N2"], pair: SamplePair, rng: np.random.Generator
) -> tuple[float, Interval]:
    """1-Wasserstein distance of the finite values, and its interval."""
    cells = transport_cells(first[np.isfinite(first)], second[np.isfinite(second)])
    # what has no value is put on the first place of both
    at = [cells.index(np.where(np.isfinite(values), values, cells.edges[0])) for values in (first, second)]
    _, noise = pair.difference(*at, len(cells.edges), rng)
    return cells.distance, l1_interval(cells.below, np.cumsum(noise, axis=1), cells.widths)
