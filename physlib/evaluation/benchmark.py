"""Every kernel, from every source of its free numbers, against the stored runs of a cell (running layer)."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from physlib import tasks
from physlib.core.files import seal, write_atomic
from physlib.evaluation.run_group import FORECASTS, KernelForecast, RunGroup, gather, stored
from physlib.evaluation.shift import shares
from physlib.evaluation.trained_kernels import read_off
from physlib.forecasting.fit import Table, family_table, fit
from physlib.forecasting.forecast import forecast
from physlib.kernels import FAMILIES
from physlib.runs.store import Result
from physlib.stats.histogram import flat_mass
from physlib.stats.intervals import misfit, predictive_interval

FITTED = (
    *("blur", "shrink", "shrink-and-blur"),
    *("isotropic", "state-scale", "contract", "noise-contract-q", "expansion"),
)
"""Kernels that every cell is judged by."""
POSTERIOR = ("noise-contract-x", "patch")
"""Kernels with a posterior of whole trajectories or of windows, judged where the rule makes steps; minutes a task."""
OWN = {"autoregressive-transformer": ("rollout",), "vae-mlp": ("linear-vae",)}
"""Kernels that follow from what a model's objective leaves."""
EXACT = 10**9  # draws that stand for a mass known exactly
Masses = Float[np.ndarray, "J M"]


def make(cell: RunGroup) -> list[KernelForecast]:
    """Judge a cell and store the answer, replacing judgements of runs that have changed since."""
    families = (*FITTED, *_posteriors(cell), *OWN.get(cell.model, ()))
    return _kept(cell, [*_baselines(cell), *(e for f in families for e in _fitted(cell, f)), *read_off(cell)])


def _posteriors(cell: RunGroup) -> tuple[str, ...]:
    return POSTERIOR if isinstance(cell.task, tasks.RecurrenceTask) and cell.profile != "smoke" else ()


def _kept(cell: RunGroup, entries: list[KernelForecast]) -> list[KernelForecast]:
    record = {"entries": [{k: v for k, v in e.__dict__.items() if k not in ("masses", "interval")} for e in entries]}
    arrays = {str(i): e.masses for i, e in enumerate(entries)}
    arrays |= {f"{i}/interval": e.interval for i, e in enumerate(entries) if e.interval is not None}
    write_atomic(cell.path, seal(arrays, record))
    for old in cell.path.parent.glob(f"{cell.profile}-judgement-*.safetensors"):
        if old != cell.path:
            old.unlink()
    return entries


def _with_interval(
    cell: RunGroup, entry: KernelForecast, members: Masses, expected: Masses, observed: Masses
) -> KernelForecast:
    """The entry with an interval for one new run: `members` are forecasts from single pilots, `expected` those by the
    same rule on other tasks, and `observed` what came of those."""
    mass, n = entry.masses[0], cell.judged[0]["q"].size
    ends = predictive_interval(mass, n, entry.draws, members, misfit(mass, expected, observed))
    return replace(entry, interval=np.stack(ends))


def _means(runs: dict[str, list[Result]]) -> Masses:
    """Mean mass vector of each task."""
    return np.array([shares(tasks.get_task(name), found).mean(axis=0) for name, found in runs.items()])


def _baselines(cell: RunGroup) -> list[KernelForecast]:
    """What needs no kernel: no shift, the pilots' own samples, other tasks' shifts, other seeds' histograms."""
    flat, pilots = flat_mass()[None], shares(cell.task, cell.pilots)
    before, after = _means(cell.other_pilots), _means(cell.others)

    def smaller(masses):
        return flat + cell.shrinkage * (masses - flat)

    apart = np.array([np.delete(after, i, axis=0).mean(axis=0) for i in range(len(after))])
    known = [  # name, source, forecast, forecasts from single pilots, forecasts elsewhere
        ("no-shift", "pilot", flat, pilots, after),  # plus or minus the pilots' spread
        ("no-shift", "transferred", flat, flat, np.repeat(flat, len(after), axis=0)),  # the shifts of other tasks
        ("task-profile", "transferred", after, flat, apart),
        ("pilot-samples", "pilot", pilots, pilots, before),
        ("pilot-samples", "scaled", smaller(pilots), smaller(pilots), smaller(before)),
    ]
    entries = []
    for name, source, masses, members, expected in known:
        runs = [cell.pilots] if source != "transferred" else cell.others.values()
        seen = EXACT if name == "no-shift" else sum(run["q"].size for group in runs for run in group)
        entry = cell.entry(name, source, [{}], masses.mean(axis=0, keepdims=True), seen, 0.0)
        entries.append(_with_interval(cell, entry, members, expected, after))
    if len(cell.judged) > 1:
        seen = int(cell.counts[1:].sum())
        entries.append(cell.entry("seed-profile", "seed", [{}] * len(cell.judged), cell.profiles["seed"], seen, 0.0))
    return entries


class _Site(NamedTuple):
    """A kernel family's table on a task, beside what pilots and finished runs showed there."""

    table: Table
    before: Float[np.ndarray, " M"]
    after: Float[np.ndarray, " M"]


def _numbers(sites: dict[str, _Site], at: str, source: str, shrinkage: float) -> dict[str, float]:
    """What a source of forecasts says of a kernel's numbers on one task; the cell's own task is the first site."""
    if source == "transferred":
        return fit([(site.table, site.after) for name, site in list(sites.items())[1:] if name != at])
    found = fit([(sites[at].table, sites[at].before)])
    return {name: shrinkage * value for name, value in found.items()} if source == "scaled" else found


def _fitted(cell: RunGroup, family: str) -> list[KernelForecast]:
    """Entries of a tabulated kernel family from every source; forecasts proper with an interval."""
    effort, here = cell.effort.within(FAMILIES[family].most_draws), cell.task.name
    own = _Site(family_table(cell.task, family, effort), cell.profiles["pilot"][0], cell.shares.mean(axis=0))
    sites = {here: own}
    after = _means(cell.others)
    for name, short, finished in zip(cell.others, _means(cell.other_pilots), after, strict=True):
        sites[name] = _Site(family_table(tasks.get_task(name), family, effort), short, finished)

    def entry(source: str, numbers: list[dict[str, float]]) -> KernelForecast:
        used = list(sites.values())[1:] if source == "transferred" else [own]
        seconds = sum(site.table.seconds for site in used)
        if effort.final <= effort.draws:  # nothing finer than the table is to be had
            return cell.entry(
                family, source, numbers, np.array([own.table.at(n) for n in numbers]), effort.draws, seconds
            )
        forecasts = [forecast(cell.task, FAMILIES[family](**n), effort.final) for n in numbers]
        masses, seconds = np.array([f.mass for f in forecasts]), seconds + forecasts[0].seconds
        return cell.entry(family, source, numbers, masses, effort.final, seconds)

    told = {source: cell.profiles[source] for source in ("oracle", "seed") if source in cell.profiles}
    entries = [entry(source, [fit([(own.table, mass)]) for mass in masses]) for source, masses in told.items()]
    for source in FORECASTS:
        single = [sites | {here: own._replace(before=mass)} for mass in shares(cell.task, cell.pilots)]
        members = [own.table.at(_numbers(changed, here, source, cell.shrinkage)) for changed in single]
        expected = [sites[name].table.at(_numbers(sites, name, source, cell.shrinkage)) for name in cell.others]
        made = entry(source, [_numbers(sites, here, source, cell.shrinkage)])
        entries.append(_with_interval(cell, made, np.array(members), np.array(expected), after))
    return entries


def load(task: str, model: str, profile: str) -> tuple[RunGroup, list[KernelForecast]]:
    """A cell and its stored judgement; at `smoke` a missing one is made on the spot."""
    cell = gather(task, model, profile)
    if profile == "smoke" and not cell.path.exists():
        return cell, make(cell)
    return cell, stored(cell)
