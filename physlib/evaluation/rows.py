"""Rows of the results table, claim by claim, from the runs behind them.

A row states one number of a task and model: `number` is its name, `values` what each evaluation seed gives, `value`
their mean, `unit` its unit. `tolerance` is how far the same number may come out with other seeds or on another
machine, `no_shift` what runs without any shift hardly ever exceed (`physlib.evaluation.claims`). Other columns are
means over the seeds as well, and left out where they mean nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from physlib import tasks
from physlib.core.provenance import revision
from physlib.evaluation import benchmark
from physlib.evaluation.claims import RESOLUTION, mean_deviation, no_shift, tolerance, tv_deviation
from physlib.evaluation.remedies import RemedyEffect
from physlib.evaluation.run_group import FORECASTS, KernelForecast
from physlib.evaluation.shift import Observed, counts, filter_change, filter_shift, locality, observed
from physlib.forecasting.score import score
from physlib.models import PROBES
from physlib.runs.run import fetch
from physlib.stats.distances import tv_floor
from physlib.stats.histogram import flat_mass
from physlib.stats.intervals import coverage, interval_score, mean_interval
from physlib.studies.catalogue import Evidence
from physlib.studies.forecasts import MAZES
from physlib.studies.remedies import RemedyExperiment

Row = dict[str, Any]


def rows_of(evidence: Evidence) -> list[Row]:
    """The rows of a claim for one task and model. Raises `PhyslibError` for a run that is missing or damaged."""
    runs = Runs(evidence)
    special = {"C2": _plausible, "C3": _change, "C4": _locality, "C5": _forecasts, "C6": _excess}
    if evidence.claim in special:
        return special[evidence.claim](runs)
    return [_remedy(runs) if evidence.seen else _shift(runs)]


class Runs:
    """The measured runs of a piece of evidence, and what all of their rows have in common."""

    def __init__(self, evidence: Evidence):
        self.evidence, self.found = evidence, fetch(evidence.configs)
        self.task = tasks.get_task(evidence.configs[0].task)
        self.seen: list[Observed] = [observed(self.task, run) for run in self.found]
        self.n: int = self.found[0].provenance["n"]

    @property
    def width(self) -> float:
        """Of the range of the prior."""
        return self.task.hi - self.task.lo

    @property
    def fewest_plausible(self) -> int:
        """Number of plausible samples of the run that has fewest, at least 1."""
        return max(1, round(min(self.of("plausible")) * self.n))

    def of(self, name: str) -> list[float]:
        """A field of `Observed`, for each run."""
        return [getattr(seen, name) for seen in self.seen]

    def row(self, number: str, values: list[float], least: float = 0.0, **columns: Any) -> Row:
        """A row that states the mean of `values`, with a tolerance of at least `least`."""
        first = self.found[0]
        shift, low, high = mean_interval(self.of("shift"))
        return {
            "claim": self.evidence.claim,
            "task": self.evidence.task,
            "model": self.evidence.model,
            "kernel": "none",
            "variant": self.evidence.variant,
            "prior": self.task.prior.name,
            "number": number,
            "value": float(np.mean(values)),
            "unit": "1",
            "tolerance": tolerance(values, least),
            "values": list(values),
            "profile": first.config.profile,
            "seeds": [run.config.seed for run in self.found],
            "n_samples": self.n,
            "tv_observed": shift,
            "tv_lo": low,
            "tv_hi": high,
            "tv_floor": tv_floor(flat_mass(), self.n),
            "mean_prior": self.task.prior.mean,
            "mean_observed": float(np.mean([run.provenance["q_mean"] for run in self.found])),
            "seconds_train": float(np.mean([run.provenance["seconds_train"] for run in self.found])),
            "width": first.config.width,
            "revision": first.provenance["revision"] or revision(),
        } | columns


def _shift(runs: Runs, number: str = "tv_observed", **columns: Any) -> Row:
    """The shift of all samples beside that of the plausible ones: C1, C10, C11, C12, and after a remedy."""
    shares = {"plausible": np.mean(runs.of("plausible")), "tv_plausible": np.mean(runs.of("shift_plausible"))}
    shifts, floor = runs.of("shift"), tv_floor(flat_mass(), runs.n)
    bound = no_shift(shifts, floor, tv_deviation(runs.n))
    return runs.row(number, shifts, floor, no_shift=bound, **shares, **columns)


def _plausible(runs: Runs) -> list[Row]:
    """C2: the shift among plausible samples, beyond what choosing those would make of a flat prior."""
    shifts, shares, kept = runs.of("shift_plausible"), runs.of("plausible"), runs.fewest_plausible
    floor = tv_floor(flat_mass(), kept)
    by_filter = float(np.mean([filter_shift(run) for run in runs.found]))
    bound = no_shift(shifts, by_filter + floor, tv_deviation(kept))
    columns = {"plausible": np.mean(shares), "tv_plausible": np.mean(shifts)}
    return [runs.row("tv_plausible", shifts, floor, no_shift=bound, **columns)]


def _change(runs: Runs) -> list[Row]:
    """C3: by how much the mean quantity moves, in its unit, and on the timed maze the mean path length as well."""
    info, changes = runs.task.info, runs.of("change")
    bound = no_shift(changes, 0.0, mean_deviation(runs.width, runs.n))
    found = [runs.row(f"change of {info.quantity}", changes, unit=info.unit, no_shift=bound)]
    if "path length" in runs.task.others:  # flat by construction on the range of the maze without a clock
        plain = tasks.get_task(MAZES[0])
        means = [float(run["other/path length"].astype(float).mean()) for run in runs.found]
        changes = [mean - plain.prior.mean for mean in means]
        bound = no_shift(changes, 0.0, mean_deviation(plain.hi - plain.lo, runs.n))
        columns = {"variant": "path length", "unit": plain.info.unit, "no_shift": bound}
        found.append(runs.row("change of path length", changes, **columns))
    return found


def _excess(runs: Runs) -> list[Row]:
    """C6: by how much paths are too long: all, the plausible ones alone, and plans beside demonstrations of equal ends."""
    by_filter = abs(float(np.mean([filter_change(runs.task, run) for run in runs.found])))
    parts = {  # values, what the filter alone makes of them, size of a sample
        None: (runs.of("change"), 0.0, runs.n),
        "plausible paths": (runs.of("change_plausible"), by_filter, runs.fewest_plausible),
    }
    if plans := runs.found[0].config.n_plans:  # two samples apart
        extra = [float(np.mean(run["plan_q"] - run["plan_data_q"])) for run in runs.found]
        parts["plans between given ends"] = extra, 0.0, plans // 2
    return [
        runs.row(
            "excess of path length",
            values,
            unit=runs.task.info.unit,
            variant=variant,
            no_shift=no_shift(values, expected, mean_deviation(runs.width, n)),
        )
        for variant, (values, expected, n) in parts.items()
    ]


def _remedy(runs: Runs) -> Row:
    """C7, C8, C9: what is left after a remedy, beside the same runs without it."""
    e = runs.evidence
    effect = RemedyEffect(RemedyExperiment(e.variant, e.seen[: len(e.configs)], e.configs))
    before, after = (np.array(outcomes).mean(axis=0) for outcomes in effect.outcomes)
    names = {"tv": 0, "plausibility": 2, "other": 3}
    numbers = {
        f"{name}_{when}": part[i] for name, i in names.items() for when, part in (("before", before), ("after", after))
    }
    extra = {"seconds_extra": effect.seconds_extra, "needs_quantity": effect.experiment.needs_quantity}
    return _shift(runs, "tv_after", **numbers, **extra)


def _locality(runs: Runs) -> list[Row]:
    """C4: the share R2 of the shift that redrawing fresh data at each level with the trained model reproduces."""
    shares, probe = locality(runs.found), PROBES[runs.evidence.model]
    names = {"kernel": probe.name, "source": "oracle"}
    return [
        runs.row("r2", list(seeds), RESOLUTION, r2=np.mean(seeds), variant=f"level={level:g}", **names)
        for level, seeds in zip(probe.levels, shares.T, strict=True)
    ]


def _forecasts(runs: Runs) -> list[Row]:
    """C5: every forecast of a group; on confirming runs those that were not made from evaluation runs, unchanged."""
    e = runs.evidence
    _, entries = benchmark.load(e.task, e.model, e.configs[0].profile)
    if e.variant:
        repeated = (len(runs.found), 1)
        entries = [
            replace(x, masses=np.tile(x.masses[0], repeated), noise=np.tile(x.noise[0], repeated))
            for x in entries
            if x.source in FORECASTS
        ]
    histograms = counts(runs.found)
    return [_forecast(runs, histograms, entry) for entry in entries]


def _forecast(runs: Runs, histograms: Int[np.ndarray, "S M"], entry: KernelForecast) -> Row:
    scores = [score(*each) for each in zip(histograms, entry.masses, entry.noise, strict=True)]
    skill, low, high = mean_interval([s.skill for s in scores])
    means = {name: np.mean([getattr(s, name) for s in scores]) for name in ("corr", "r2", "r2_inner", "sign")}
    return runs.row(
        "r2",
        [s.r2 for s in scores],
        RESOLUTION,
        kernel=entry.kernel,
        source=entry.source,
        parameters={name: np.mean([p[name] for p in entry.parameters]) for name in entry.parameters[0]},
        n_parameters=entry.n_estimated,
        at_bound=entry.at_bound,
        fitted_on=entry.fitted_on,
        skill=skill,
        skill_lo=low,
        skill_hi=high,
        seconds_forecast=entry.seconds,
        revision=entry.revision,
        **means,
        **_interval(histograms / histograms.sum(axis=1, keepdims=True), entry),
    )


def _interval(found: Float[np.ndarray, "S M"], entry: KernelForecast) -> Row:
    """How often the forecast's interval held a bin of a run, how wide it was, and its score."""
    if entry.interval is None:
        return {}
    # a row that is forecast and found empty, as the failed one mostly is, says nothing
    filled = (entry.masses[0] > 0) | np.any(found > 0, axis=0)
    (low, high), seen = entry.interval[:, filled], found[:, filled]
    return {
        "coverage": coverage(low, high, seen),
        "interval_width": np.mean(high - low),
        "interval_score": interval_score(low, high, seen),
    }
