"""Forecasts compared over groups of runs: medians, contests of two kernels, and the headline."""

from __future__ import annotations

import numpy as np
import pandas as pd

from physlib.evaluation.claims import RESOLUTION, tolerance
from physlib.evaluation.run_group import SOURCES
from physlib.models import PROBES, RENOISE
from physlib.stats.intervals import mean_interval
from physlib.studies.forecasts import TASKS

SCORES = ["corr", "r2", "r2_inner", "sign", "skill"]
HEADLINE = ("contract", "scaled")
"""The kernel, and what its number was fitted on, of the forecast that the book argues for."""


def forecasts(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of C5 for evaluation runs; those whose kernel was fitted at the end of its range, which count for nothing, left out."""
    return frame[(frame.claim == "C5") & frame.source.notna() & frame.variant.isna() & ~frame.at_bound.fillna(False)]


def medians(frame: pd.DataFrame) -> pd.DataFrame:
    """Median scores over groups of every kernel and source, sources in order of how much they were told.

    `groups` counts the rows behind them; scores that are not defined are left out.
    """
    by = forecasts(frame).groupby(["source", "kernel"])
    found = by[SCORES].median().join(by.agg(n_parameters=("n_parameters", "first"), groups=("task", "size")))
    return found.sort_index(key=lambda k: k.map(SOURCES.index) if k.name == "source" else k).reset_index()


def contests(frame: pd.DataFrame, ours: str, theirs: str, source: str) -> pd.DataFrame:
    """R2 of two kernels with numbers from one source, in each group that has both, and of the difference run by run.

    `lo` and `hi` are a t-interval for the mean difference over evaluation seeds; `winner` is the kernel that the
    interval is in favour of, "neither" where it holds zero, None where it is not defined.
    """
    chosen = forecasts(frame)
    chosen = chosen[(chosen.source == source) & chosen.kernel.isin([ours, theirs])]
    pairs = chosen.pivot(index=["task", "model"], columns="kernel", values="values")
    rows = []
    for (task, model), pair in pairs.reindex(columns=[ours, theirs]).dropna().iterrows():
        apart, low, high = mean_interval(list(np.subtract(pair[ours], pair[theirs])))
        winner = ours if low > 0 else theirs if high < 0 else "neither" if np.isfinite(low) else None
        means = {ours: np.mean(pair[ours]), theirs: np.mean(pair[theirs])}
        rows.append(
            {"task": task, "model": model, **means, "difference": apart, "lo": low, "hi": high, "winner": winner}
        )
    return pd.DataFrame(rows, columns=["task", "model", ours, theirs, "difference", "lo", "hi", "winner"])


def headline(frame: pd.DataFrame) -> list[dict]:
    """Rows of the headline: the median R2 over all denoisers, on the synthetic tasks and on the applied ones."""
    kernel, source = HEADLINE
    found = forecasts(frame)
    found = found[(found.kernel == kernel) & (found.source == source) & (found.model.map(PROBES) == RENOISE)]
    rows = []
    for kind, some in found.groupby(found.task.isin(TASKS).map({True: "synthetic", False: "applied"})):
        seeds = np.nanmedian(np.array(some["values"].to_list()), axis=0).tolist()
        scores = {name: some[name].median() for name in SCORES}
        row = some.iloc[0][
            ["claim", "kernel", "source", "number", "unit", "profile", "seeds", "n_parameters"]
        ].to_dict()
        row |= {"task": kind, "model": "denoisers", "variant": f"median of {len(some)}", "value": scores["r2"]}
        rows.append(row | scores | {"values": seeds, "tolerance": tolerance(seeds, RESOLUTION)})
    return rows
