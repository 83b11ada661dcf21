"""Strategies against the shift, tried on tasks: runs before and after, and what each did (running layer).

Synthetic tasks are compared at half the training, so that a strategy that has to see a run without it first costs
what a run of the usual length does; that longer run is the control.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from physlib import experiment, mitigations, tasks
from physlib.assembly import training_data
from physlib.density import flat_mass, quantile_shift, tv_floor
from physlib.mitigations.condition import ends
from physlib.observe import observed
from physlib.profiles import Config, resolve, seeds_of
from physlib.rng import numpy_rng
from physlib.store import Result

CLAIMS = {  # what each strategy tests: data, samples and training left to themselves; interface; coordinates
    **dict.fromkeys(("reweight", "reweight-twice", "deconvolve", "resample", "penalty", "longer"), "C7"),
    **dict.fromkeys(("condition", "guide", "condition-ends", "condition-apart"), "C8"),
    **dict.fromkeys(("coordinates", "increments", "cosines", "learned", "state"), "C9"),
}
BRIEF = {"steps": 4_000, "n_samples": 8_000, "n_probe": 0}
TRIED = (
    *("reweight", "reweight-twice", "deconvolve", "resample", "penalty", "longer"),
    *("condition", "guide", "coordinates", "learned"),
)
SMOOTH = ("increments", "cosines")  # charts for the sinusoid, which mean nothing where motion is chaotic
MAZE, STATE, POSITIONS = "maze-umaze", "pendulum-regular-state", "pendulum-regular-positions"
APPLIED = {  # with the U-Net, on which mazes and pendulums look right
    MAZE: ("longer", "condition", "condition-ends", "condition-apart", "coordinates"),
    STATE: ("condition-ends", "condition-apart"),
}
ROUGH = (MAZE, POSITIONS)  # where the MLP errs most; the kernel recommends cosines
SMOKE = ("reweight", "condition", "resample", "coordinates")
MLP, UNET = "diffusion-mlp", "diffusion-unet"


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

    @property
    def place(self) -> str:
        """The task, and the model where it is not the synthetic tasks' own."""
        return self.task if self.task in tasks.SYNTHETIC else f"{self.task}, {self.before[0].model}"

    @cached_property
    def runs(self) -> tuple[list[Result], list[Result]]:
        """Runs before and after, as stored; at smoke missing ones are made."""
        return experiment.fetch(self.before), experiment.fetch(self.after)

    @cached_property
    def outcomes(self) -> tuple[list[Outcome], list[Outcome]]:
        """What they did, seed by seed."""
        before, after = ([_outcome(config) for config in configs] for configs in (self.before, self.after))
        return before, after

    @property
    def needs_quantity(self) -> bool:
        """Whether whoever samples must say which value they want."""
        known = mitigations.STRATEGIES.get(self.strategy)
        return known is not None and known.needs_quantity

    @property
    def earlier(self) -> list[list[Config]]:
        """Runs that it must have seen, for each run after."""
        known = mitigations.STRATEGIES.get(self.strategy)
        return [[replace(config, mitigation=name) for name in (known.after if known else ())] for config in self.after]

    @property
    def configs(self) -> list[Config]:
        """All runs that it takes."""
        return [*self.before, *(config for seen in self.earlier for config in seen), *self.after]

    @property
    def seconds_extra(self) -> float:
        """Wall time beyond a run without the strategy, earlier runs that it must have seen included; mean over seeds."""
        extra = [_seconds(after) - _seconds(before) for before, after in zip(*self.runs, strict=True)]
        return float(np.mean(extra) + np.mean([sum(map(_seconds, experiment.fetch(runs))) for runs in self.earlier]))

    @property
    def steps_extra(self) -> int:
        """Training steps beyond those of a run without the strategy, earlier runs that it must have seen included.

        Counted, since wall time also depends on what else a machine does.
        """
        trained = 0 if self.strategy == "resample" else self.after[0].steps
        return trained + sum(config.steps for config in self.earlier[0]) - self.before[0].steps


def trials(profile: str) -> list[Trial]:
    """Every strategy on every task that it is tried on at a profile."""
    if profile == "smoke":
        return [_trial(name, tasks.SYNTHETIC[-1], MLP, profile, n_probe=0) for name in SMOKE]
    pairs = [(name, task) for task in tasks.SYNTHETIC for name in (*TRIED, *(SMOOTH if task == "sinusoid" else ()))]
    found = [_trial(name, task, MLP, profile, **BRIEF) for name, task in pairs]
    found += [_trial(name, task, UNET, profile) for task, names in APPLIED.items() for name in names]
    found += [_trial("cosines", task, MLP, profile) for task in ROUGH]
    states = (tuple(resolve(task, UNET, profile, seed) for seed in seeds_of(profile)) for task in (POSITIONS, STATE))
    return [*found, Trial("state", *states)]  # full states in place of positions, which the book trains anyway


def _trial(strategy: str, task: str, model: str, profile: str, **settings: int) -> Trial:
    seeds = seeds_of(profile)
    before = tuple(resolve(task, model, profile, seed, **settings) for seed in seeds)
    if strategy != "longer":
        after = (resolve(task, model, profile, seed, mitigation=strategy, **settings) for seed in seeds)
    elif task in tasks.SYNTHETIC:  # at half the training, and the usual one is there
        after = (resolve(task, model, profile, seed) for seed in seeds)
    else:
        after = (replace(config, steps=2 * config.steps, n_probe=0, n_plans=0) for config in before)
    return Trial(strategy, before, tuple(after))


class Miss(NamedTuple):
    """How far a told model is from what it was asked for, medians over samples."""

    quantity: float  # distance from the value, over the range
    inward: float  # signed distance towards the middle where a value within a twentieth of an end was asked for
    ends: float  # distance from the told states, root mean square in channel standard deviations; NaN if none was told


def missed(run: Result) -> Miss:
    """What a run of a told model did with what it was asked for; end points by the trajectories that are stored."""
    task = tasks.get(run.config.task)
    wanted = asked(run)
    place = (wanted[:, 0] - task.lo) / (task.hi - task.lo)
    apart = (run["q"] - wanted[:, 0]) / (task.hi - task.lo)
    near = np.minimum(place, 1 - place) < 0.05
    toward = np.where(place < 0.5, apart, -apart)[near]
    told = wanted[:, 1:]
    x, off = run["trajectories"].astype(float), math.nan
    if told.size:
        between = (ends(task, x) - told[: len(x)]).reshape(len(x), -1, task.shape[1]) / task.scale
        off = float(np.median(np.sqrt(np.mean(between**2, axis=(1, 2)))))
    return Miss(float(np.nanmedian(np.abs(apart))), float(np.nanmedian(toward)), off)


def asked(run: Result) -> Float[np.ndarray, "N C"]:
    """What a told model was asked for, drawn again: the quantity, then the states that were told."""
    config = run.config
    task, rng = tasks.get(config.task), numpy_rng(config.seed, "asked")
    change = mitigations.get(config.mitigation).change(task, task.sample(2, numpy_rng(0, "told")), [], rng)
    return change.asked(config.n_samples, rng)


@cache  # the runs before are those of many trials
def _outcome(config: Config) -> Outcome:
    task, (run,) = tasks.get(config.task), experiment.fetch([config])
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


@cache
def _varies(name: str) -> bool:
    task = tasks.get(name)
    values = next(iter(task.others.values()))(task.sample(1_000, numpy_rng(0, "other")).x)
    return bool(np.ptp(values) > 1e-6)


def _seconds(run: Result) -> float:
    return run.provenance["seconds_total"]
