"""Is the shift real, and how large: a permutation test, and distances with intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.stats import norm, wasserstein_distance

from physlib.stats.distances import total_variation, tv_floor
from physlib.stats.histogram import Bins
from physlib.stats.intervals import basic_interval
from physlib.stats.permutation import permutation_test, pooled_counts
from physlib.stats.stretches import stretches

BOOTSTRAPS = 400
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

    p_value: float
    tv: float
    tv_interval: Interval
    tv_floor: float  # total variation that samples of these sizes from one distribution have on average
    w1: float
    w1_interval: Interval
    mean_shift: float
    mean_shift_interval: Interval
    failed: int  # samples whose quantity is not finite
    mass: Float[np.ndarray, " M"]  # of the samples
    gains: list[Stretch]
    losses: list[Stretch]


def compare(
    bins: Bins, demonstrated: Float[np.ndarray, " N"], sampled: Float[np.ndarray, " N2"], rng: np.random.Generator
) -> Comparison:
    """Test and measure the shift from `demonstrated` to `sampled` values, finite samples of unknown distributions."""
    n, n2 = len(demonstrated), len(sampled)
    mass, reference = bins.mass(sampled), bins.reference
    draws = rng.multinomial(n2, mass, BOOTSTRAPS) / n2 - rng.multinomial(n, reference, BOOTSTRAPS) / n
    tv = total_variation(mass, reference)
    finite = sampled[np.isfinite(sampled)]
    shift = float(finite.mean() - demonstrated.mean())
    half = float(norm.ppf(0.975) * np.sqrt(finite.var() / len(finite) + demonstrated.var() / n))
    w1 = float(wasserstein_distance(demonstrated, finite))
    p = permutation_test(*pooled_counts(demonstrated, sampled), rng)
    variance = mass * (1 - mass) / n2 + reference * (1 - reference) / n
    moved = _stretches(bins, mass - reference, variance) if p < 0.05 else []
    return Comparison(
        p_value=p,
        tv=tv,
        tv_interval=basic_interval(0.5 * np.abs(draws).sum(axis=1), tv),
        tv_floor=tv_floor(reference, n, n2),
        w1=w1,
        w1_interval=basic_interval(_resampled_w1(demonstrated, finite, rng), w1),
        mean_shift=shift,
        mean_shift_interval=(shift - half, shift + half),
        failed=n2 - len(finite),
        mass=mass,
        gains=[s for s in moved if s.mass > 0],
        losses=[s for s in moved if s.mass < 0],
    )


def _stretches(bins: Bins, change: Float[np.ndarray, " M"], variance: Float[np.ndarray, " M"]) -> list[Stretch]:
    found = []
    for rows in stretches(change, variance):
        mass, half = float(change[rows].sum()), 1.96 * float(np.sqrt(variance[rows].sum()))
        found.append(Stretch(*bins.span(rows.start, rows.stop - 1), mass, (mass - half, mass + half)))
    return found


def _resampled_w1(
    first: Float[np.ndarray, " N"], second: Float[np.ndarray, " N2"], rng: np.random.Generator
) -> Float[np.ndarray, " B"]:
    """1-Wasserstein distances of bootstrap samples, on a grid of the pooled quantiles."""
    grid = np.unique(np.quantile(np.concatenate([first, second]), np.linspace(0, 1, 400)))
    parts = []
    for values in (first, second):
        # share at or below each value of the grid, so that few distinct values are counted where they are
        at = np.searchsorted(grid, values).clip(0, len(grid) - 1)
        share = np.bincount(at, minlength=len(grid)) / len(values)
        drawn = rng.multinomial(len(values), share, BOOTSTRAPS) / len(values)
        parts.append(np.cumsum(drawn, axis=1)[:, :-1])
    return np.abs(parts[0] - parts[1]) @ np.diff(grid)
