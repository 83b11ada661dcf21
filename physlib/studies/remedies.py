"""Strategies against the shift, tried on tasks: which runs stand before and after.

Synthetic tasks are compared at half the training, so that a strategy that has to see a run without it first costs
what a run of the usual length does; that longer run is the control.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from physlib import mitigations, tasks
from physlib.runs.config import Config
from physlib.runs.presets import resolve, seeds_of

CLAIMS = {  # what each strategy tests: data, samples and training left to themselves; interface; coordinates
    **dict.fromkeys(("reweight", "reweight-twice", "deconvolve", "resample", "penalty", "guard", "longer"), "C7"),
    **dict.fromkeys(("condition", "guide", "condition-ends", "condition-apart"), "C8"),
    **dict.fromkeys(("coordinates", "increments", "cosines", "learned", "state"), "C9"),
}
BRIEF = {"steps": 4_000, "n_samples": 8_000, "n_probe": 0}
TRIED = (
    *("reweight", "reweight-twice", "deconvolve", "resample", "penalty", "guard", "longer"),
    *("condition", "guide", "coordinates", "learned"),
)
STATES_ASKED = ("condition-ends", "condition-apart")  # asked for first or last states as well as a value
SMOOTH = ("increments", "cosines")  # charts for the sinusoid, which mean nothing where motion is chaotic
MAZE, STATE, POSITIONS = "maze-umaze", "pendulum-regular-state", "pendulum-regular-positions"
APPLIED = {  # with the U-Net, on which mazes and pendulums look right
    MAZE: ("longer", "condition", *STATES_ASKED, "coordinates"),
    STATE: STATES_ASKED,
}
ROUGH = (MAZE, POSITIONS)  # where the MLP errs most; the kernel recommends cosines
SMOKE = ("reweight", "condition", "resample", "coordinates")
MLP, UNET = "diffusion-mlp", "diffusion-unet"


@dataclass(frozen=True)
class RemedyExperiment:
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
    def steps_extra(self) -> int:
        """Training steps beyond those of a run without the strategy, earlier runs that it must have seen included.

        Counted, since wall time also depends on what else a machine does.
        """
        trained = 0 if self.strategy == "resample" else self.after[0].steps
        return trained + sum(config.steps for config in self.earlier[0]) - self.before[0].steps


def experiments(profile: str) -> list[RemedyExperiment]:
    """Every strategy on every task that it is tried on at a profile."""
    if profile == "smoke":
        return [_experiment(name, tasks.SYNTHETIC[-1], MLP, profile, n_probe=0) for name in SMOKE]
    pairs = [(name, task) for task in tasks.SYNTHETIC for name in (*TRIED, *(SMOOTH if task == "sinusoid" else ()))]
    found = [_experiment(name, task, MLP, profile, **BRIEF) for name, task in pairs]
    found += [_experiment(name, task, UNET, profile) for task, names in APPLIED.items() for name in names]
    found += [_experiment("cosines", task, MLP, profile) for task in ROUGH]
    states = (tuple(resolve(task, UNET, profile, seed) for seed in seeds_of(profile)) for task in (POSITIONS, STATE))
    return [
        *found,
        RemedyExperiment("state", *states),
    ]  # full states in place of positions, which the book trains anyway


def _experiment(strategy: str, task: str, model: str, profile: str, **settings: int) -> RemedyExperiment:
    seeds = seeds_of(profile)
    before = tuple(resolve(task, model, profile, seed, **settings) for seed in seeds)
    if strategy != "longer":
        after = (resolve(task, model, profile, seed, mitigation=strategy, **settings) for seed in seeds)
    elif task in tasks.SYNTHETIC:  # at half the training, and the usual one is there
        after = (resolve(task, model, profile, seed) for seed in seeds)
    else:
        after = (replace(config, steps=2 * config.steps, n_probe=0, n_plans=0) for config in before)
    return RemedyExperiment(strategy, before, tuple(after))
