"""Forecasts compared over groups of runs: medians, contests of two kernels, and the headline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
import pandas as pd

from physlib.core.rng import numpy_rng
from physlib.evaluation.claims import RESOLUTION, tolerance
from physlib.evaluation.run_group import SOURCES, KernelForecast, RunGroup
from physlib.models import PROBES, RENOISE
from physlib.stats.extremes import extremes_found
from physlib.stats.histogram import flat_mass
from physlib.stats.intervals import mean_interval
from physlib.studies.forecasts import TASKS
from physlib.studies.mechanism import FLAT

SCORES = ["corr", "r2", "r2_inner", "sign", "skill"]
DENOISERS = [model for model, probe in PROBES.items() if probe is RENOISE]
HEADLINE = ("contract", "scaled")
"""The kernel, and what its number was fitted on, of the forecast that the book argues for."""


def forecasts(frame: pd.DataFrame, prior: str = FLAT) -> pd.DataFrame:
    """Rows of C5 for evaluation runs; those whose kernel was fitted at the end of its range, which count for nothing, left out."""
    found = frame[(frame.claim == "C5") & frame.source.notna() & frame.variant.isna()]
    return found[~found.at_bound.fillna(False) & (found.prior == prior)]


def medians(frame: pd.DataFrame, *by: str) -> pd.DataFrame:
    """Median scores over groups of every kernel and source, sources in order of how much they were told.

    `groups` counts the rows behind them; scores that are not defined are left out. Further columns keep rows apart.
    """
    rows = forecasts(frame).groupby([*by, "source", "kernel"])
    found = rows[SCORES].median().join(rows.agg(n_parameters=("n_parameters", "first"), groups=("task", "size")))
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


def advantages(frame: pd.DataFrame, level: float = 0.2) -> pd.DataFrame:
    """Locality and what a trajectory kernel is worth on inner bins, in each group of a denoiser with a flat prior.

    Columns: `task`, `model`, `kind`, `locality`, the share of the shift that redrawing from `level` brings back, and
    `advantage`, R2 on inner bins of contract less that of shrink, both with numbers scaled from pilots.
    """
    groups = frame[(frame.prior == FLAT) & frame.model.isin(DENOISERS)].set_index(["task", "model"])
    local = groups[(groups.claim == "C4") & (groups.variant == f"level={level:g}")].r2
    scaled = forecasts(groups)[lambda f: f.source == "scaled"]
    ours, theirs = (scaled[scaled.kernel == kernel].r2_inner for kernel in ("contract", "shrink"))
    found = pd.DataFrame({"locality": local, "advantage": ours - theirs}).dropna().reset_index()
    return found.assign(kind=found.task.map(kind))


def headline(frame: pd.DataFrame) -> list[dict]:
    """Rows of the headline: the median R2 over all denoisers, on the synthetic tasks and on the applied ones."""
    kernel, source = HEADLINE
    found = forecasts(frame)
    found = found[(found.kernel == kernel) & (found.source == source) & found.model.isin(DENOISERS)]
    rows = []
    for kind, some in found.groupby(found.task.isin(TASKS).map({True: "synthetic", False: "applied"})):
        seeds = np.nanmedian(np.array(some["values"].to_list()), axis=0).tolist()
        scores = {name: some[name].median() for name in SCORES}
        row = some.iloc[0][
            ["claim", "kernel", "source", "number", "unit", "profile", "seeds", "n_parameters"]
        ].to_dict()
        row |= {"task": kind, "model": "denoisers", "variant": f"median of {some.r2.count()}", "value": scores["r2"]}
        rows.append(row | scores | {"values": seeds, "tolerance": tolerance(seeds, RESOLUTION)})
    return rows


def kind(task: str) -> str:
    """What a task is: one of the maps, the sinusoid, a maze or a pendulum."""
    if task in TASKS:
        return "sinusoid" if task == "sinusoid" else "maps"
    return "mazes" if "maze" in task else "pendulums"


def tally(frame: pd.DataFrame, pairs: Sequence[tuple[str, str]], sources: Sequence[str]) -> pd.DataFrame:
    """`contests` of pairs of kernels, counted over groups of one kind of task.

    Columns: `source`, `kind`, `ours`, `theirs`, `groups`, `won`, `lost` and `difference`, the median difference of R2.
    """
    rows = []
    for (ours, theirs), source in product(pairs, sources):
        found = contests(frame, ours, theirs, source)
        for name, some in found.groupby(found.task.map(kind), sort=False):
            won, lost = (int((some.winner == kernel).sum()) for kernel in (ours, theirs))
            row = {"source": source, "kind": name, "ours": ours, "theirs": theirs, "groups": len(some)}
            rows.append(row | {"won": won, "lost": lost, "difference": some.difference.median()})
    return pd.DataFrame(rows)


def by_training(frame: pd.DataFrame, source: str, kernels: Sequence[str]) -> pd.DataFrame:
    """Median scores of kernels on the synthetic tasks, of each model, and of runs with further seeds apart.

    Columns: `runs` (the model, or the model and what sets the runs apart), `kernel`, `groups`, the scores, and
    `least_corr`, the lowest correlation.
    """
    chosen = frame[(frame.claim == "C5") & frame.task.isin(TASKS) & (frame.source == source)]
    chosen = chosen[chosen.kernel.isin(kernels) & ~chosen.at_bound.fillna(False)]
    runs = chosen.model.where(chosen.variant.isna(), chosen.model + ", " + chosen.variant.fillna(""))
    by = chosen.assign(runs=runs).groupby(["runs", "kernel"], sort=False)
    extra = by.agg(groups=("task", "size"), least_corr=("corr", "min"))
    return extra[["groups"]].join(by[SCORES].median()).join(extra[["least_corr"]]).reset_index()


def sizes(frame: pd.DataFrame, kernel: str = HEADLINE[0]) -> pd.DataFrame:
    """The one number of a kernel in each group, as pilots and as finished runs have it: columns `pilot`, `finished`."""
    chosen = forecasts(frame)
    chosen = chosen[(chosen.kernel == kernel) & chosen.source.isin(["pilot", "oracle"])]
    chosen = chosen.assign(size=[next(iter(numbers.values())) for numbers in chosen.parameters])
    wide = chosen.pivot(index=["task", "model"], columns="source", values="size").reindex(columns=["pilot", "oracle"])
    return wide.dropna().rename(columns={"oracle": "finished"}).reset_index()


def interval_worth(frame: pd.DataFrame, chosen: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """What the intervals of kernels and sources are worth, means over groups, synthetic and applied ones apart.

    Columns: `tasks`, `kernel`, `source`, `coverage`, `interval_width`, `interval_score`; and `better`, in how many of
    all groups the first of `chosen` has the lower score.
    """
    rows, found = [], forecasts(frame)
    score = found.pivot(index=["task", "model"], columns=["kernel", "source"], values="interval_score")
    for name, some in found.groupby(found.task.isin(TASKS).map({True: "synthetic", False: "applied"}), sort=False):
        for kernel, source in chosen:
            own = some[(some.kernel == kernel) & (some.source == source)]
            better = int((score[chosen[0]] < score[kernel, source]).sum())
            means = own[["coverage", "interval_width", "interval_score"]].mean().to_dict()
            rows.append({"tasks": name, "kernel": kernel, "source": source} | means | {"better": better})
    return pd.DataFrame(rows)


def shift_by_bin(groups: Sequence[tuple[RunGroup, KernelForecast]]) -> pd.DataFrame:
    """Forecast and mean observed shift of every bin and tail of each group: `kind`, `group`, `forecast`, `observed`."""
    parts = []
    for group, made in groups:
        expected, seen = made.masses[0] - flat_mass(), group.shares.mean(axis=0) - flat_mass()
        names = {"kind": kind(group.task.name), "group": f"{group.task.name}, {group.model}"}
        parts.append(pd.DataFrame(names | {"forecast": expected[:-1], "observed": seen[:-1]}))
    return pd.concat(parts, ignore_index=True)


def peaks_and_troughs(groups: Sequence[tuple[RunGroup, Mapping[str, KernelForecast]]], seed: int = 0) -> pd.DataFrame:
    """How far forecasts by kernels are from the observed peaks and troughs of each group: `task`, `model`, and for each
    kernel its distances in bins and the share of random orders of its bins that come as near (`stats.extremes`)."""
    rows = []
    for group, made in groups:
        row = {"task": group.task.name, "model": group.model}
        for kernel, forecast in made.items():
            inner = slice(1, -2)
            expected, seen = forecast.masses[0] - flat_mass(), group.shares.mean(axis=0) - flat_mass()
            rng = numpy_rng(seed, f"extremes {(group.task.name, group.model)} {kernel}")
            found = extremes_found(expected[inner], seen[inner], rng)
            for name, (distance, p) in zip(("peaks", "troughs"), found, strict=True):
                row |= {f"{kernel} {name}": distance, f"{kernel} {name} p": p}
        rows.append(row)
    return pd.DataFrame(rows)
