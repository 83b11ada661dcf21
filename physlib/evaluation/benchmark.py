"""Every kernel, its free numbers from every source, against the stored runs of a group."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from physlib import tasks
from physlib.evaluation.entries import entry, fitted_entry, forecast_entry
from physlib.evaluation.manifold import manifold_kernel
from physlib.evaluation.run_group import FORECASTS, KernelForecast, RunGroup, gather, keep, stored
from physlib.evaluation.shift import shares
from physlib.evaluation.trained_kernels import trained_kernels
from physlib.forecasting.fit import Fit, Response, fit, response
from physlib.forecasting.forecast import forecast
from physlib.kernels import FAMILIES, Kernel
from physlib.stats.histogram import flat_mass
from physlib.stats.intervals import misfit, predictive_interval

FITTED = (
    *("blur", "shrink", "shrink-and-blur"),
    *("isotropic", "state-scale", "contract", "noise-contract-q", "expansion"),
)
"""Kernels that every group is forecast by."""
POSTERIOR = ("noise-contract-x", "patch")
"""Kernels with a posterior of whole trajectories or of windows, where the task is a recurrence; minutes a task."""
OWN = {"autoregressive-transformer": ("rollout",), "vae-mlp": ("linear-vae",)}
"""Kernels that follow from what a model's objective leaves."""
Masses = Float[np.ndarray, "J M"]


def make(group: RunGroup) -> list[KernelForecast]:
    """Forecast a group by every kernel and store the answers."""
    recurrence = isinstance(group.task, tasks.RecurrenceTask) and group.profile != "smoke"
    families = (*FITTED, *(POSTERIOR if recurrence and group.others else ()), *OWN.get(group.model, ()))
    fitted = [*(e for f in families for e in _family(group, f)), *(manifold_kernel(group) if recurrence else ())]
    return keep(group, [*_baselines(group), *fitted, *trained_kernels(group)])


def load(task: str, model: str, profile: str) -> tuple[RunGroup, list[KernelForecast]]:
    """A group and its stored forecasts; at `smoke` missing ones are made on the spot."""
    group = gather(task, model, profile)
    if profile == "smoke" and not group.path.exists():
        return group, make(group)
    return group, stored(group)


@dataclass(frozen=True)
class _Site:
    """A kernel family's response on a task, beside what pilots and finished runs did there."""

    response: Response
    pilot: Float[np.ndarray, " M"]
    finished: Float[np.ndarray, " M"]


def _family(group: RunGroup, family: str) -> list[KernelForecast]:
    """A kernel family with numbers from every source; forecasts proper with an interval."""
    kernel, budget = FAMILIES[family], group.budget.within(FAMILIES[family].most_draws)
    own = response(group.task, family, budget.draws)
    elsewhere = [
        _Site(response(tasks.get_task(name), family, budget.draws), short, finished)
        for name, short, finished in zip(group.others, _means(group.other_pilots), _means(group.others), strict=True)
    ]
    entries = []
    for source in ("oracle", "seed"):
        fits = [fit([(own, mass)]) for mass in group.targets.get(source, ())]
        entries += [_entry(group, own, kernel, source, fits)] if fits else []
    here = _Site(own, group.targets["pilot"][0], group.shares.mean(axis=0))
    for source in FORECASTS if elsewhere else FORECASTS[1:]:
        found = _calibrate(source, here, elsewhere, group.shrinkage)
        if source == "scaled" and found.at_bound:
            continue
        singles = [replace(here, pilot=mass) for mass in shares(group.pilots)]
        members = [own.mass(_calibrate(source, one, elsewhere, group.shrinkage).numbers)[0] for one in singles]
        expected = [
            site.response.mass(
                _calibrate(source, site, [o for o in elsewhere if o is not site], group.shrinkage).numbers
            )[0]
            for site in elsewhere
        ]
        finished = np.array([site.finished for site in elsewhere])
        made = _entry(group, own, kernel, source, [found])
        entries.append(_with_interval(group, made, np.array(members), np.array(expected), finished))
    return entries


def _calibrate(source: str, site: _Site, others: list[_Site], shrinkage: float) -> Fit:
    """A kernel's numbers on a task from one source, which has not seen the finished runs there."""
    if source == "transferred":
        return fit([(other.response, other.finished) for other in others])
    found = fit([(site.response, site.pilot)])
    smaller = {name: shrinkage * value for name, value in found.numbers.items()}
    return replace(found, numbers=smaller) if source == "scaled" else found


def _entry(group: RunGroup, own: Response, build: type[Kernel], source: str, fits: list[Fit]) -> KernelForecast:
    """An entry with the forecasts that fitted numbers lead to; from the lattice where no more draws are to be had."""
    final = group.budget.within(build.most_draws).final
    if final == build.most_draws:
        masses, noise = np.stack([own.mass(found.numbers) for found in fits], axis=1)
        return fitted_entry(group, build.name, source, fits, masses, noise, final, 0.0)
    made = [forecast(group.task, build(**found.numbers), final) for found in fits]
    return forecast_entry(group, build.name, source, fits, made)


def _baselines(group: RunGroup) -> list[KernelForecast]:
    """What needs no kernel: no shift, the pilots' own samples, other tasks' shifts, other seeds' histograms."""
    flat, pilots = flat_mass()[None], shares(group.pilots)
    before, after = _means(group.other_pilots), _means(group.others)
    drawn, finished = _size(group.pilots), sum(_size(runs) for runs in group.others.values())

    def smaller(masses):
        return flat + group.shrinkage * (masses - flat)

    apart = np.array([np.delete(after, i, axis=0).mean(axis=0) for i in range(len(after))])
    known = [  # name, source, forecast, samples behind it, forecasts from single pilots, forecasts elsewhere
        ("no-shift", "pilot", flat, 0, pilots, after),  # plus or minus the pilots' spread
        ("no-shift", "transferred", flat, 0, flat, np.repeat(flat, len(after), axis=0)),  # the shifts of other tasks
        ("task-profile", "transferred", after, finished, flat, apart),
        ("pilot-samples", "pilot", pilots, drawn, pilots, before),
        ("pilot-samples", "scaled", smaller(pilots), drawn, smaller(pilots), smaller(before)),
    ]
    entries = []
    for name, source, masses, n, members, expected in known:
        if source == "transferred" and not group.others:
            continue
        factor = group.shrinkage if source == "scaled" else 1.0
        made = _observed(group, name, source, masses.mean(axis=0, keepdims=True), n, factor)
        entries.append(_with_interval(group, made, members, expected, after))
    if len(group.judged) > 1:
        entries.append(_observed(group, "seed-profile", "seed", group.targets["seed"], int(group.counts[1:].sum())))
    return entries


def _observed(group: RunGroup, name: str, source: str, masses: Masses, n: int, factor: float = 1.0) -> KernelForecast:
    """An entry whose masses are histograms of `n` samples, their shift times `factor`, or known exactly where n is 0."""
    noise = factor**2 * masses * (1 - masses) / n if n else np.zeros_like(masses)
    return entry(group, name, source, masses, noise, n)


def _with_interval(
    group: RunGroup, made: KernelForecast, members: Masses, expected: Masses, observed: Masses
) -> KernelForecast:
    """The same with an interval for one new run: `members` are forecasts from single pilots, `expected` those by the
    same rule on other tasks, and `observed` what came of those. Without other tasks there is none."""
    if not len(observed):
        return made
    mass, n = made.masses[0], int(group.counts[0].sum())
    off = misfit(mass, expected, observed)
    ends = predictive_interval(mass, n, made.noise[0], members, off, len(observed))
    return replace(made, interval=np.stack(ends))


def _means(runs: dict) -> Masses:
    """Mean mass vector of each task."""
    return np.reshape([shares(found).mean(axis=0) for found in runs.values()], (len(runs), len(flat_mass())))


def _size(runs: list) -> int:
    return sum(run.config.n_samples for run in runs)
