"""Strategies against the shift, tried on tasks: runs before and after, and what each did (running layer).

Synthetic tasks are compared at half the training, so that a strategy that has to see a run without it first costs
what a run of the usual length does; that longer run is the control.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np

from physlib import experiment, mitigations, tasks
from physlib.assembly import training_data
from physlib.density import flat_mass, quantile_shift, tv_floor
from physlib.observe import observed
from physlib.profiles import Config, resolve, seeds_of
from physlib.rng import numpy_rng
from physlib.store import Result

CLAIMS = {  # what each strategy tests: data, samples and training left to themselves; interface; coordinates
    **dict.fromkeys(("reweight", "reweight-twice", "deconvolve", "resample", "penalty", "longer"), "C7"),
    **dict.fromkeys(("condition", "guide", "condition-ends", "condition-apart"), "C8"),
    **dict.fromkeys(("coordinates", "cosines", "learned", "state"), "C9"),
}
BRIEF = {"steps": 4_000, "n_samples": 8_000, "n_probe": 0}
TRIED = ("reweight", "deconvolve", "resample", "penalty", "longer", "condition", "coordinates", "learned")
SMOOTH = "sinusoid"  # whose cosine coefficients say something, as those of chaos do not
APPLIED = ("maze-umaze", "pendulum-regular-positions")  # with the model that errs most there, the MLP
SMOKE = ("reweight", "condition", "resample", "coordinates")
POSITIONS, STATE = "pendulum-regular-positions", "pendulum-regular-state"


class Outcome(NamedTuple):
    """What was measured of one run."""

    shift: float  # total variation from the intended law
    beyond: float  # the same with its sampling noise taken off in quadrature
    plausible: float
    other: float  # total variation of a second quantity, the first of the task's, from the demonstrations'; NaN if none


@dataclass(frozen=True)
class Trial:
    """One strategy on one task: a run before and a run after for each judged seed."""

    strategy: str
    before: tuple[Config, ...]
    after: tuple[Config, ...]

    @property
    def task(self) -> str:
        """Name of the task before."""
        return self.before[0].task

    @cached_property
    def runs(self) -> tuple[list[Result], list[Result]]:
        """Runs before and after, as stored; at smoke missing ones are made."""
        return experiment.fetch(self.before), experiment.fetch(self.after)

    @cached_property
    def outcomes(self) -> tuple[list[Outcome], list[Outcome]]:
        """What they did, seed by seed."""
        before, after = ([_outcome(run) for run in runs] for runs in self.runs)
        return before, after

    @property
    def needs_quantity(self) -> bool:
        """Whether whoever samples must say which value they want."""
        known = mitigations.STRATEGIES.get(self.strategy)
        return known is not None and known.needs_quantity

    @property
    def seconds_extra(self) -> float:
        """Wall time beyond a run without the strategy, earlier runs that it must have seen included; mean over seeds."""
        known = mitigations.STRATEGIES.get(self.strategy)
        seen = known.after if known else ()
        extra = [_seconds(after) - _seconds(before) for before, after in zip(*self.runs, strict=True)]
        earlier = [experiment.fetch([replace(config, mitigation=name) for name in seen]) for config in self.after]
        return float(np.mean(extra) + np.mean([sum(map(_seconds, runs)) for runs in earlier]))

    @property
    def steps_extra(self) -> int:
        """Training steps beyond those of a run without the strategy, earlier runs that it must have seen included.

        Counted, since wall time also depends on what else a machine does.
        """
        known = mitigations.STRATEGIES.get(self.strategy)
        trained = 0 if self.strategy == "resample" else self.after[0].steps
        return trained + len(known.after if known else ()) * self.after[0].steps - self.before[0].steps


def trials(profile: str) -> list[Trial]:
    """Every strategy on every task that it is tried on at a profile."""
    if profile == "smoke":
        return [_trial(name, tasks.SYNTHETIC[-1], "diffusion-mlp", profile, n_probe=0) for name in SMOKE]
    pairs = [(name, task) for task in tasks.SYNTHETIC for name in (*TRIED, *(("cosines",) if task == SMOOTH else ()))]
    found = [_trial(name, task, "diffusion-mlp", profile, **BRIEF) for name, task in pairs]
    found += [_trial("cosines", task, "diffusion-mlp", profile) for task in APPLIED]
    return [*found, _state(profile)]


def _trial(strategy: str, task: str, model: str, profile: str, **settings: int) -> Trial:
    seeds = seeds_of(profile)
    before = tuple(resolve(task, model, profile, seed, **settings) for seed in seeds)
    if strategy == "longer":
        return Trial(strategy, before, tuple(resolve(task, model, profile, seed) for seed in seeds))
    after = tuple(resolve(task, model, profile, seed, mitigation=strategy, **settings) for seed in seeds)
    return Trial(strategy, before, after)


def _state(profile: str) -> Trial:
    """Full states in place of positions, which the book trains anyway."""
    before, after = (
        tuple(resolve(task, "diffusion-unet", profile, seed) for seed in seeds_of(profile))
        for task in (POSITIONS, STATE)
    )
    return Trial("state", before, after)


def _outcome(run: Result) -> Outcome:
    task = tasks.get(run.config.task)
    seen = observed(task, run)
    floor = tv_floor(flat_mass(), run["q"].size)
    beyond = math.sqrt(max(0.0, seen.shift**2 - floor**2))
    return Outcome(seen.shift, beyond, seen.plausible, _other(task, run))


def _other(task: tasks.Task, run: Result) -> float:
    """Shift of the first quantity that nobody balanced; NaN where there is none, or it does not vary."""
    if not task.others:
        return math.nan
    name, measure = next(iter(task.others.items()))
    if "other_shift" in run.arrays:
        return float(run["other_shift"][0]) if _varies(task.name) else math.nan
    return quantile_shift(measure(training_data(run.config).x), run[f"other/{name}"])


@lru_cache
def _varies(name: str) -> bool:
    task = tasks.get(name)
    values = next(iter(task.others.values()))(task.sample(1_000, numpy_rng(0, "other")).x)
    return bool(np.ptp(values) > 1e-6)


def _seconds(run: Result) -> float:
    return run.provenance["seconds_total"]
