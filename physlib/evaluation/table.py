"""The ledger: every claim's numbers as rows, from stored runs and stored judgements (running layer).

Keys are the same in every row and absent values are null. Scores are means over the judged seeds;
`skill_lo`, `skill_hi` is a t-interval for that mean. Claims: C1, a shift beyond its floor among
samples that are plausible; C4, the share of the shift that redrawing data at a level with the
trained model reproduces; C5, forecasts by kernels and baselines; C10, the shift with one choice changed; C11, the shift on
ranges from regular to chaotic; C12, the shift of the toy; C7, C8 and C9, runs with a strategy against the shift, `before`
and `after` it, means over seeds, the `other` being a quantity that nobody balanced. `tv_lo`, `tv_hi` is a t-interval over seeds. `coverage` is
the share of bins of judged runs within a forecast's 95 % interval, `interval_width` and `interval_score` are means over
them, in shares of all mass.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from physlib import tasks
from physlib.core.provenance import revision
from physlib.evaluation import benchmark
from physlib.evaluation.remedies import RemedyEffect, effects
from physlib.evaluation.run_group import FORECASTS, SOURCES, KernelForecast, RunGroup
from physlib.evaluation.shift import counts, locality, over_seeds
from physlib.forecasting.score import score
from physlib.models import PROBES
from physlib.runs.run import fetch
from physlib.runs.store import Result
from physlib.stats.distances import tv_floor
from physlib.stats.histogram import flat_mass
from physlib.stats.intervals import Interval, coverage, interval_score, mean_interval
from physlib.studies import catalogue, confounds
from physlib.studies.remedies import CLAIMS

KEYS = (
    "claim",
    "task",
    "model",
    "kernel",
    "source",
    "variant",
    "parameters",
    "n_parameters",
    "fitted_on",
    "at_bound",
    "profile",
    "seeds",
    "n_samples",
    "tv_observed",
    "tv_lo",
    "tv_hi",
    "tv_floor",
    "tv_plausible",
    "plausible",
    "corr",
    "r2",
    "r2_inner",
    "sign",
    "skill",
    "skill_lo",
    "skill_hi",
    "mean_prior",
    "mean_observed",
    "coverage",
    "interval_width",
    "interval_score",
    "tv_before",
    "tv_after",
    "plausibility_before",
    "plausibility_after",
    "other_before",
    "other_after",
    "seconds_extra",
    "needs_quantity",
    "seconds_train",
    "seconds_forecast",
    "width",
    "revision",
)

WHEN = ("before", "after")
Row = dict[str, Any]


def rows(profile: str, cells: Collection[tuple[str, str]] | None = None) -> list[Row]:
    """Rows of a profile: of the tasks and models given, or of everything in the book.

    Raises `PhyslibError` naming what is missing or damaged and how to make it.
    """
    found = []
    for task, model in catalogue.cells(profile) if cells is None else cells:
        cell, entries = benchmark.load(task, model, profile)
        seen = over_seeds(cell.task, cell.judged)
        common = _common(cell.judged, seen["shift"])
        found += [_shift(common, seen, claim="C1"), *_locality(cell, common)]
        found += [_forecast(cell.counts, entry, common) for entry in entries]
        if confirming := fetch(catalogue.fresh(task, model, profile)):
            seen = over_seeds(cell.task, confirming)
            common = _common(confirming, seen["shift"]) | {"variant": "seeds that no rule was found on"}
            # a forecast is the same for every run
            runs = range(len(confirming))
            told = [
                replace(e, masses=np.stack([e.masses[0] for _ in runs]), noise=np.stack([e.noise[0] for _ in runs]))
                for e in entries
                if e.source in FORECASTS
            ]
            found += [_forecast(counts(cell.task, confirming), entry, common) for entry in told]
    return found if cells is not None else found + _without_forecast(profile)


def _without_forecast(profile: str) -> list[Row]:
    changed = [(factor, level) for factor in confounds.factors(profile) for level in factor.levels]
    groups = [("C10", f"{factor.field}={level}", factor.configs(level, profile)) for factor, level in changed]
    groups += [("C11", f"steps={configs[0].steps}", configs) for configs in catalogue.dial(profile).values()]
    groups += [("C12", None, configs) for configs in catalogue.toys(profile).values()]
    found = []
    for claim, variant, configs in groups:
        runs = fetch(configs)
        seen = over_seeds(tasks.get_task(configs[0].task), runs)
        found.append(_shift(_common(runs, seen["shift"]), seen, claim=claim, variant=variant))
    return found + [_remedy(effect) for effect in effects(profile)]


def _remedy(effect: RemedyEffect) -> Row:
    runs = effect.runs[1]
    seen = over_seeds(tasks.get_task(runs[0].config.task), runs)
    before, after = (np.array(outcomes).mean(axis=0) for outcomes in effect.outcomes)
    pairs = zip(("tv", None, "plausibility", "other"), before, after, strict=True)
    numbers = {f"{name}_{when}": float(v) for name, *both in pairs if name for when, v in zip(WHEN, both, strict=True)}
    numbers |= {"seconds_extra": effect.seconds_extra, "needs_quantity": effect.experiment.needs_quantity}
    common = _common(runs, seen["shift"]) | {"task": effect.experiment.task}
    return _shift(common, seen, claim=CLAIMS[effect.experiment.strategy], variant=effect.experiment.strategy, **numbers)


def _shift(common: Row, seen: dict[str, Interval], **values: Any) -> Row:
    shares = {"plausible": seen["plausible"][0], "tv_plausible": seen["shift_plausible"][0]}
    return _row(common, kernel="none", **shares, **values)


def _common(runs: list[Result], shift: Interval) -> Row:
    config, n = runs[0].config, runs[0]["q"].size
    task = tasks.get_task(config.task)
    return {
        "task": task.name,
        "model": config.model,
        "variant": None,
        "profile": config.profile,
        "seeds": [r.config.seed for r in runs],
        "n_samples": n,
        "tv_observed": shift[0],
        "tv_lo": shift[1],
        "tv_hi": shift[2],
        "tv_floor": tv_floor(flat_mass(), n),
        "mean_prior": (task.lo + task.hi) / 2,
        "mean_observed": float(np.mean([np.nanmean(r["q"]) for r in runs])),
        "seconds_train": float(np.mean([r.provenance["seconds_train"] for r in runs])),
        "width": config.width,
        "revision": runs[0].provenance["revision"] or revision(),
    }


def _row(common: Row, **values: Any) -> Row:
    """All keys, in order; absent and undefined ones null."""
    merged = common | values
    clean = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in merged.items()}
    return {key: clean.get(key) for key in KEYS}


def _locality(cell: RunGroup, common: Row) -> list[Row]:
    found, probe = locality(cell.task, cell.judged).mean(axis=0), PROBES[cell.model]
    return [
        _row(common, claim="C4", kernel=probe.name, source="oracle", variant=f"level={level:g}", r2=float(r2))
        for level, r2 in zip(probe.levels, found, strict=True)
    ]


def _forecast(counts: Int[np.ndarray, "S M"], entry: KernelForecast, common: Row) -> Row:
    scores = [score(*pair) for pair in zip(counts, entry.masses, entry.noise, strict=True)]
    skill, low, high = mean_interval([s.skill for s in scores])
    names = entry.parameters[0]
    return _row(
        common,
        claim="C5",
        kernel=entry.kernel,
        source=entry.source,
        parameters={name: float(np.mean([p[name] for p in entry.parameters])) for name in names},
        n_parameters=entry.n_estimated,
        fitted_on=entry.fitted_on,
        at_bound=entry.at_bound,
        corr=float(np.mean([s.corr for s in scores])),
        r2=float(np.mean([s.r2 for s in scores])),
        r2_inner=float(np.mean([s.r2_inner for s in scores])),
        sign=float(np.mean([s.sign for s in scores])),
        skill=skill,
        skill_lo=low,
        skill_hi=high,
        seconds_forecast=entry.seconds,
        revision=entry.revision,
        **_interval(counts / counts.sum(axis=1, keepdims=True), entry),
    )


def _interval(observed: Float[np.ndarray, "S M"], entry: KernelForecast) -> Row:
    """How often the forecast's interval held a bin of a judged run, how wide it was, and its score."""
    if entry.interval is None:
        return {}
    # a row that is forecast and found empty, as the failed one mostly is, says nothing
    told = (entry.masses[0] > 0) | np.any(observed > 0, axis=0)
    (low, high), seen = entry.interval[:, told], observed[:, told]
    return {
        "coverage": coverage(low, high, seen),
        "interval_width": float(np.mean(high - low)),
        "interval_score": interval_score(low, high, seen),
    }


def medians(found: list[Row]) -> list[Row]:
    """Median scores over cells of every kernel and source, sources in order of how much they were told."""
    pairs = {(row["source"], row["kernel"]) for row in found if row["claim"] == "C5" and row["source"]}
    table = []
    for source, kernel in sorted(pairs, key=lambda pair: (SOURCES.index(pair[0]), pair[1])):
        same = [row for row in found if (row["source"], row["kernel"]) == (source, kernel) and row["claim"] == "C5"]
        scores = {
            name: [row[name] for row in same if row[name] is not None] for name in ("corr", "r2", "sign", "skill")
        }
        entry = {"source": source, "kernel": kernel, "n_parameters": same[0]["n_parameters"]}
        table.append(entry | {name: float(np.median(v)) if v else None for name, v in scores.items()})
    return table


def contests(found: list[Row], ours: str, theirs: str, source: str) -> list[Row]:
    """Two kernels with numbers from one source, in each cell that has both: `(skill, lo, hi)` of each, and who wins.

    `winner` is the kernel whose interval lies above the other's, "neither" where they overlap, null
    where a skill or its interval is not defined.
    """
    chosen = [row for row in found if row["source"] == source and row["kernel"] in (ours, theirs)]
    table = []
    for task, model in dict.fromkeys((row["task"], row["model"]) for row in chosen):
        named = {row["kernel"]: row for row in chosen if (row["task"], row["model"]) == (task, model)}
        if len(named) < 2:
            continue
        skills = {name: tuple(named[name][key] for key in ("skill", "skill_lo", "skill_hi")) for name in (ours, theirs)}
        winner = None
        if None not in skills[ours] + skills[theirs]:
            above, below = skills[ours][1] > skills[theirs][2], skills[ours][2] < skills[theirs][1]
            winner = ours if above else theirs if below else "neither"
        table.append({"source": source, "task": task, "model": model, "winner": winner} | skills)
    return table
