"""What runs are seen to do: shift, plausibility, locality, and means over seeds (running layer)."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.stats import t as student

from physlib.density import BINS, bin_counts, bin_index, flat_mass, shift_r2, squared_noise, total_variation
from physlib.experiment import shares
from physlib.store import Result
from physlib.tasks import Task

Interval = tuple[float, float, float]
"""A mean over seeds, and the ends of its t-interval."""


class Observed(NamedTuple):
    """One run beside what was intended, for all of its samples and for the plausible ones alone."""

    shift: float  # total variation from the flat prior
    change: float  # mean quantity minus the prior's, in the task's unit; failed measurements left out
    plausible: float  # share of samples whose residual is below the task's threshold
    shift_plausible: float  # this and the next NaN where no sample is plausible
    change_plausible: float


def observed(task: Task, result: Result) -> Observed:
    """What a run's samples did to the balanced quantity."""
    q, middle = result["q"].astype(float), (task.lo + task.hi) / 2
    good = result["residual"] < task.facts.threshold
    moved = [distance_from_flat(task, part) for part in (q, q[good])]
    change = [float(np.nanmean(part)) - middle if part.size else math.nan for part in (q, q[good])]
    return Observed(moved[0], change[0], float(good.mean()), moved[1], change[1])


def filter_shift(task: Task, result: Result) -> float:
    """Total variation that keeping plausible samples alone would give a flat histogram, by each bin's share of them."""
    bins = bin_index(result["q"].astype(float), task.lo, task.hi)
    good = result["residual"] < task.facts.threshold
    shares = [good[bins == i].mean() if np.any(bins == i) else 0.0 for i in range(1, BINS + 1)]
    kept = np.concatenate([[0.0], shares, [0.0, 0.0]])
    return float(total_variation(kept / kept.sum(), flat_mass())) if kept.sum() else math.nan


def distance_from_flat(task: Task, q: Float[np.ndarray, " N"]) -> float:
    """Total variation of values from the flat prior; NaN where there is none."""
    return float(total_variation(bin_counts(q, task.lo, task.hi) / q.size, flat_mass())) if q.size else math.nan


def over_seeds(task: Task, results: list[Result]) -> dict[str, Interval]:
    """Every field of `Observed` as its mean over runs with a t-interval."""
    rows = [observed(task, result) for result in results]
    return {name: mean_interval([getattr(row, name) for row in rows]) for name in Observed._fields}


def mean_interval(values: list[float]) -> Interval:
    """Mean over seeds and its 95 % t-interval; NaN ends for a single seed, NaN throughout where any value is."""
    x = np.asarray(values, dtype=float)
    if x.size < 2:
        return float(x.mean()), math.nan, math.nan
    half = student.ppf(0.975, x.size - 1) * x.std(ddof=1) / math.sqrt(x.size)
    return float(x.mean()), float(x.mean() - half), float(x.mean() + half)


def redrawn(result: Result) -> tuple[Float[np.ndarray, "L M"], Float[np.ndarray, " L"]]:
    """Mass after fresh data were redrawn at each probe level, and its expected squared noise."""
    counts = result["probe_counts"].astype(float)
    counts = counts[:, :, counts[0].sum(axis=0) > 0]  # few probes may leave a bin of the prior empty
    sizes = counts.sum(axis=1, keepdims=True)
    # each bin of the prior weighs the same exactly, whatever number of probes fell in it
    transition = counts / sizes
    noise = np.sum(transition * (1 - transition) / np.maximum(sizes - 1, 1), axis=(1, 2)) / transition.shape[2] ** 2
    return transition.mean(axis=2), noise


def locality(task: Task, results: list[Result]) -> Float[np.ndarray, "S L"]:
    """Share R2 of each run's observed shift that redrawing data at each probe level reproduces.

    The sampling noise of the probes and of the samples is taken off: with a few thousand probes it
    would hide a fifth of a small shift.
    """
    explained = []
    for result, observed in zip(results, shares(task, results), strict=True):
        masses, noise = redrawn(result)
        explained.append(shift_r2(masses, observed, noise, squared_noise(observed, result["q"].size)))
    return np.array(explained)
