"""What runs did to the balanced quantity: shift, plausibility, locality, and means over seeds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from physlib.core.rng import numpy_rng
from physlib.models import PROBES
from physlib.runs.setup import training_data
from physlib.runs.store import Result
from physlib.runs.summary import FINE
from physlib.stats.distances import ShiftReport, shift_r2, shift_report, total_variation, tv_clear
from physlib.stats.histogram import BINS, flat_mass
from physlib.stats.intervals import Interval, mean_interval
from physlib.stats.nearest import nearest
from physlib.tasks import Task


class Observed(NamedTuple):
    """One run beside what was intended, for all of its samples and for the plausible ones alone."""

    shift: float  # total variation from the flat prior
    change: float  # mean quantity minus the prior's, in the task's unit; failed measurements left out
    plausible: float  # share of samples whose residual is below the task's threshold
    shift_plausible: float  # this and the next NaN where no sample is plausible
    change_plausible: float


def observed(task: Task, result: Result) -> Observed:
    """What a run's samples did to the balanced quantity."""
    middle, facts = task.prior.mean, result.provenance
    shift, plausible = (_distance(_histogram(result, name)) for name in ("counts", "plausible_counts"))
    change, among = facts["q_mean"] - middle, facts["q_mean_plausible"] - middle
    return Observed(shift, change, facts["plausible"], plausible, among)


def _histogram(result: Result, name: str = "counts") -> Int[np.ndarray, " M"]:
    """Stored counts in the bins that everything is scored on."""
    fine = result[name].astype(np.int64)
    return np.concatenate([fine[:1], fine[1:-2].reshape(-1, FINE).sum(axis=1), fine[-2:]])


def _distance(counts: Int[np.ndarray, " M"]) -> float:
    """Total variation from the flat prior; NaN for an empty histogram."""
    return float(total_variation(counts / counts.sum(), flat_mass())) if counts.any() else math.nan


def shift_distances(result: Result, rng: np.random.Generator) -> ShiftReport:
    """Distances of a run's samples from the flat prior, with the floor and a bootstrap interval."""
    return shift_report(_histogram(result), result.provenance["w1"], result.provenance["ks"], rng)


def filtered_mass(result: Result) -> Float[np.ndarray, " M"]:
    """What keeping plausible samples alone would make of a flat histogram, by each bin's share of them; NaN for none."""
    everything, plausible = (_histogram(result, name) for name in ("counts", "plausible_counts"))
    kept = np.where(flat_mass() > 0, plausible / np.maximum(everything, 1), 0.0)
    return kept / kept.sum() if kept.any() else np.full_like(kept, math.nan)


def filter_shift(result: Result) -> float:
    """Total variation from flat of `filtered_mass`."""
    return float(total_variation(filtered_mass(result), flat_mass()))


def filter_change(task: Task, result: Result) -> float:
    """Change of the mean quantity, in its unit, by `filtered_mass`."""
    centres = np.arange(BINS) + 0.5 - BINS / 2
    return float(filtered_mass(result)[1 : BINS + 1] @ centres) * (task.hi - task.lo) / BINS


def over_seeds(task: Task, results: list[Result]) -> dict[str, Interval]:
    """Every field of `Observed` as its mean over runs with a t-interval."""
    rows = [observed(task, result) for result in results]
    return {name: mean_interval([getattr(row, name) for row in rows]) for name in Observed._fields}


def resampled_mass(result: Result) -> tuple[Float[np.ndarray, "L M"], Float[np.ndarray, "L M"]]:
    """Mass after fresh data were redrawn at each probe level, and the variance of each of its rows."""
    counts = result["probe_counts"].astype(float)
    counts = counts[:, :, counts[0].sum(axis=0) > 0]  # few probes may leave a bin of the prior empty
    sizes = counts.sum(axis=1, keepdims=True)
    # each bin of the prior weighs the same exactly, whatever number of probes fell in it
    transition = counts / sizes
    noise = np.sum(transition * (1 - transition) / np.maximum(sizes - 1, 1), axis=2) / transition.shape[2] ** 2
    return transition.mean(axis=2), noise


def locality(results: Sequence[Result]) -> Float[np.ndarray, "S L"]:
    """Share R2 of each run's observed shift that redrawing data at each probe level reproduces, noise taken off."""
    explained = []
    for result, seen in zip(results, shares(results), strict=True):
        masses, noise = resampled_mass(result)
        explained.append(shift_r2(masses, seen, result.provenance["n"], noise))
    return np.array(explained)


def counts(results: Iterable[Result]) -> Int[np.ndarray, "S M"]:
    """Histogram of the balanced quantity in each run, as rows of counts."""
    return np.array([_histogram(result) for result in results])


def shares(results: Iterable[Result]) -> Float[np.ndarray, "S M"]:
    """As `counts`, each row a mass vector."""
    found = counts(results)
    return found / found.sum(axis=1, keepdims=True)


def clean_shift(runs: Sequence[Result]) -> list[float]:
    """Total variation of each run from flat, its sampling noise taken off in quadrature."""
    return [_clear(mass, run.provenance["n"]) for mass, run in zip(shares(runs), runs, strict=True)]


def local_shift(runs: Sequence[Result], level: float) -> list[float]:
    """Likewise of the masses that redrawing fresh data at a probe level leaves: what the mechanism says is the shift."""
    index = PROBES[runs[0].config.model].levels.index(level)
    return [_clear(resampled_mass(run)[0][index], run.config.n_probe) for run in runs]


def _clear(mass: Float[np.ndarray, " M"], n: int) -> float:
    flat = flat_mass()
    return tv_clear(mass, flat, flat * (1 - flat) / n)


def training_set_shift(task: Task, run: Result) -> float:
    """Total variation of a run's own training set from flat."""
    return _distance(task.bins.counts(training_data(run.config).q))


def copied(task: Task, run: Result) -> float:
    """How near samples are to the set they were trained on, over how near to another set as large of the same law.

    Median over the run's stored trajectories of the ratio of distances to the nearest neighbour: 1 where nothing is
    copied, whatever the error of the samples, and below 1 where they lean on their training set.
    """
    another = task.sample(run.config.n_train, numpy_rng(run.config.seed, "another training set"))
    sets = (training_data(run.config), another)
    own, other = (nearest(run["trajectories"] / task.scale, data.x / task.scale) for data in sets)
    return float(np.median(own / other))
