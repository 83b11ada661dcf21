"""Rows of the results table that put the mechanism to the test: when shifts are made, by which estimator, under which prior."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from physlib import tasks
from physlib.evaluation import estimator_forecasts
from physlib.evaluation.claims import RESOLUTION
from physlib.evaluation.decision import balanced_counts, decision_curves
from physlib.evaluation.rows import Row, Runs
from physlib.evaluation.shift import shares
from physlib.models import PROBES
from physlib.runs.run import fetch
from physlib.runs.store import Result
from physlib.stats.distances import tv_clear, tv_floor
from physlib.stats.histogram import flat_mass
from physlib.studies.mechanism import DECISION, EDGE, ESTIMATOR, FLAT, MEAN
from physlib.tasks.estimators import DEFAULT, estimators_of

SHOWN = (0.1, 0.2, 0.5, 2.0, 20.0)
"""Levels whose shares are rows, of denoisers; of other models every level is."""


def open_shares(runs: list[Result]) -> Float[np.ndarray, "S M"]:
    """Mass vectors in bins whose outer two are open: what lies beyond the range counts with its ends."""
    found = shares(runs)
    found[:, 1] += found[:, 0]
    found[:, -3] += found[:, -2]
    found[:, [0, -2]] = 0
    return found


def open_shift(runs: list[Result]) -> Float[np.ndarray, " S"]:
    """Total variation of each run from equal mass in such bins, sampling noise taken off in quadrature; 0 or more."""
    flat, n = flat_mass(), runs[0].provenance["n"]
    return np.array([tv_clear(mass, flat, flat * (1 - flat) / n) for mass in open_shares(runs)])


def mean_shift(runs: list[Result]) -> Float[np.ndarray, " S"]:
    """Mean quantity less the prior's, in standard deviations of the prior."""
    prior = tasks.get_task(runs[0].config.task).prior
    return np.array([(run.provenance["q_mean"] - prior.mean) / np.sqrt(prior.variance) for run in runs])


def _decision(runs: Runs) -> list[Row]:
    """C4: shares of each reading's shift at a few levels, and the level where half of it is made."""
    probe, found = PROBES[runs.evidence.model], []
    names = {"kernel": probe.name, "source": "oracle", "prior": runs.task.prior.name}
    for reading, curve in decision_curves(runs.found).items():
        columns = names | {"quantity": reading, "tv_observed": curve.shift.mean(), "tv_lo": np.nan, "tv_hi": np.nan}
        levels = curve.decision_levels
        row = runs.row("decision_level", list(levels), RESOLUTION, variant=f"{DECISION}: {reading}", **columns)
        found.append(row | {"decision_level": row["value"]})
        for level, seeds in zip(curve.levels, curve.shares.T, strict=True):
            if level in SHOWN or 2.0 not in curve.levels:
                variant = f"{DECISION}: {reading}, level={level:g}"
                row = runs.row("share", list(seeds), RESOLUTION, variant=variant, level=level, **columns)
                found.append(row | {"share": row["value"]})
    return found


def _estimators(runs: Runs) -> list[Row]:
    """C1: shift of samples, and of what white error forecasts, as each estimator reads them."""
    e, found = runs.evidence, []
    known = estimator_forecasts.load(e.configs[0].profile)
    expected = {f.estimator: f for f in known if (f.task, f.model) == (e.task, e.model)}
    for estimator in estimators_of(runs.task):
        pairs = [balanced_counts(run, runs.task, estimator) for run in runs.found]
        made = [samples / samples.sum() for _, samples in pairs]
        counts, drawn = pairs[0][0], int(pairs[0][1].sum())
        shown = counts / counts.sum()
        columns = {"estimator": estimator, "variant": f"{ESTIMATOR}: {estimator}", "n_samples": drawn}
        columns |= {"tv_floor": tv_floor(shown, drawn, int(counts.sum())), "prior": FLAT}
        noise = shown * (1 - shown) * (1 / drawn + 1 / counts.sum())
        values = [tv_clear(mass, shown, noise) for mass in made]
        found.append(runs.row("tv_beyond", values, columns["tv_floor"], **columns))
        forecast = expected[estimator]
        noise = shown * (1 - shown) / counts.sum() + forecast.noise
        value = [tv_clear(forecast.mass, shown, noise)] * len(runs.found)
        parameters = {"s": forecast.size}
        white = {"kernel": "isotropic", "source": "oracle", "parameters": parameters, "n_parameters": 1}
        found.append(runs.row("tv_forecast", value, columns["tv_floor"], **columns | white))
    return found


def _edge(runs: Runs) -> list[Row]:
    """C1: the shift under a smooth prior, which dynamics and measurement make, and what a flat prior's edges add."""
    flat = fetch(runs.evidence.seen)
    left, whole = open_shift(runs.found), open_shift(flat)
    columns = {"prior": runs.task.prior.name, "tv_floor": tv_floor(flat_mass(), runs.n)}
    return [
        runs.row("tv_dynamics", list(left), columns["tv_floor"], variant=f"{EDGE}: what stays", **columns),
        runs.row("tv_edge", list(whole - left), columns["tv_floor"], variant=f"{EDGE}: what goes", **columns),
    ]


def _mean(runs: Runs) -> list[Row]:
    """C3: change of the mean quantity, in standard deviations of the prior."""
    values = list(mean_shift(runs.found))
    return [runs.row("change of mean", values, 1 / np.sqrt(runs.n), unit="sd", prior=runs.task.prior.name)]


def estimator_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Shifts of samples and of a white-error forecast by each estimator, from rows of the results table.

    Columns: `system` (task and model), `estimator`, `default`, `samples`, `forecast`, `floor`.
    """
    chosen = frame[(frame.claim == "C1") & frame.estimator.notna()]
    chosen = chosen.assign(system=chosen.task + ", " + chosen.model)
    wide = chosen.pivot(index=["system", "estimator"], columns="number", values=["value", "tv_floor"])
    order = list(dict.fromkeys(zip(chosen.system, chosen.estimator, strict=True)))
    rows = [
        {"system": system, "estimator": estimator, "default": estimator == DEFAULT}
        | {"samples": row["value", "tv_beyond"], "forecast": row["value", "tv_forecast"]}
        | {"floor": row["tv_floor", "tv_beyond"]}
        for (system, estimator), row in wide.loc[order].iterrows()
    ]
    return pd.DataFrame(rows)


MAKERS: dict[str, Callable[[Any], list[Row]]] = {DECISION: _decision, ESTIMATOR: _estimators, EDGE: _edge, MEAN: _mean}
"""Makers of rows by the variant of the evidence."""
