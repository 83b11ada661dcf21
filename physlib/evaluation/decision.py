"""When a shift is made: the share of each reading's shift that redrawing from each level brings back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from physlib.models import PROBES
from physlib.runs.decision import levels_of
from physlib.runs.store import Result
from physlib.stats.distances import shift_r2, tv_clear
from physlib.stats.intervals import Interval, mean_interval
from physlib.tasks import Task, get_task
from physlib.tasks.estimators import DEFAULT

HALF = 0.5  # of a shift


@dataclass(frozen=True)
class DecisionCurve:
    """One reading of the samples of a few runs, as the trained models redraw fresh data from each level."""

    reading: str
    shift: Float[np.ndarray, " S"]  # total variation of samples from demonstrations, noise taken off, of each run
    levels: Float[np.ndarray, " L"]
    shares: Float[np.ndarray, "S L"]  # R2 of the shift, noise taken off; NaN where a run has no shift

    @property
    def mean(self) -> list[Interval]:
        """Mean over runs and its t-interval at each level."""
        return [mean_interval(list(seeds)) for seeds in self.shares.T]

    @property
    def decision_levels(self) -> Float[np.ndarray, " S"]:
        """For each run the level where half of the shift is made, see `decision_level`."""
        return np.array([decision_level(self.levels, seeds) for seeds in self.shares])


def decision_frame(curves: Iterable[DecisionCurve]) -> pd.DataFrame:
    """Curves as rows: reading, level, mean share with its interval, mean shift, mean decision level."""
    rows = [
        {"reading": curve.reading, "level": level, "share": mean, "share_lo": low, "share_hi": high}
        | {"shift": curve.shift.mean(), "decision_level": np.mean(curve.decision_levels)}
        for curve in curves
        for level, (mean, low, high) in zip(curve.levels, curve.mean, strict=True)
    ]
    return pd.DataFrame(rows)


def decision_level(levels: Float[np.ndarray, " L"], shares: Float[np.ndarray, " L"]) -> float:
    """The first level at which half of the shift is made, log-linear between levels.

    The lowest level where more than half is made there already; NaN where it never is, or there is no shift.
    """
    made = np.flatnonzero(shares >= HALF)
    if not made.size:
        return float("nan")
    if (last := made[0]) == 0:
        return float(levels[0])
    return float(np.exp(np.interp(HALF, shares[last - 1 : last + 1], np.log(levels[last - 1 : last + 1]))))


def balanced_counts(
    run: Result, task: Task, estimator: str = DEFAULT
) -> tuple[Int[np.ndarray, " M"], Int[np.ndarray, " M"]]:
    """Histograms of the balanced quantity of demonstrations and of a run's samples, as an estimator reads it."""
    name = task.info.quantity if estimator == DEFAULT else estimator
    index = run.provenance["readings"].index(name)
    return run["reading_reference"][index], run["reading_counts"][index]


def decision_curves(runs: Sequence[Result]) -> dict[str, DecisionCurve]:
    """The decision curve of every reading, by name, the balanced quantity first."""
    config = runs[0].config
    levels = np.array(levels_of(PROBES[config.model], get_task(config.task)))
    found = {}
    for index, name in enumerate(runs[0].provenance["readings"]):
        pairs = [_shares(run, index) for run in runs]
        shift, shares = (np.array(part) for part in zip(*pairs, strict=True))
        found[name] = DecisionCurve(name, shift, levels, shares)
    return found


def _shares(run: Result, index: int) -> tuple[float, Float[np.ndarray, " L"]]:
    """Shift of a reading in one run, and its share at each level.

    Redrawn data are compared with themselves before, so that a level at which nothing changes has no noise at all.
    """
    reference, samples = (run[name][index].astype(float) for name in ("reading_reference", "reading_counts"))
    known, drawn = reference.sum(), samples.sum()
    reference, observed = reference / known, samples / drawn
    size = 1 / (1 / drawn + 1 / known)  # both sides of the shift are samples
    followed = min(run.config.n_decision, drawn)
    masses = reference + run["decision_net"][:, index] / followed
    noise = run["decision_moved"][:, index] / followed**2
    shift = tv_clear(observed, reference, reference * (1 - reference) / size)
    return shift, shift_r2(masses, observed, size, noise, reference)
