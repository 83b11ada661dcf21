"""The runs that put the mechanism to the test: every reading followed to where it is decided, under three priors."""

from __future__ import annotations

from physlib import tasks
from physlib.models import PROBES, RENOISE
from physlib.runs.config import Config
from physlib.runs.presets import resolve, seeds_of
from physlib.studies.forecasts import APPLIED, DIFFUSIONS, SYNTHETIC

FLAT, *SMOOTH = tasks.PRIORS
DECISION, ESTIMATOR, EDGE, MEAN = "decision", "estimator", "edge", "mean"
"""What is looked at in these runs: variants of evidence for claims."""
SYSTEMS = tuple(pair for pair in APPLIED if pair[1] == DIFFUSIONS[1])
"""Mazes and pendulums, all with the U-Net."""


def pairs(prior: str, profile: str) -> tuple[tuple[str, str], ...]:
    """Systems and models that are compared under a prior: all models with a flat one, denoisers with the others.

    At smoke the first model on one task, under the first two.
    """
    if profile == "smoke":
        return ((tasks.SYNTHETIC[-1], DIFFUSIONS[0]),) if prior in (FLAT, SMOOTH[0]) else ()
    compared = tuple(pair for pair in SYNTHETIC if prior == FLAT or PROBES[pair[1]] is RENOISE)
    return (*compared, *SYSTEMS)


def size(task: str, model: str, profile: str) -> int:
    """How many trajectories of a task a decision curve follows: what presets say for smooth priors."""
    smooth = tasks.get_task(task.partition("~")[0], SMOOTH[0])
    return resolve(smooth.name, model, profile, 0).n_decision


def followed(task: str, model: str, profile: str) -> list[Config]:
    """The evaluation runs of a task with decision curves."""
    many = size(task, model, profile)
    return [resolve(task, model, profile, seed, n_decision=many) for seed in seeds_of(profile)]


def pilots(task: str, model: str, profile: str) -> list[Config]:
    """The pilots of a task."""
    return [resolve(task, model, profile, seed, pilot=True) for seed in seeds_of(profile, pilot=True)]


def runs(profile: str) -> list[Config]:
    """All of them that no other study has."""
    found = []
    for prior in (FLAT, *SMOOTH):
        for system, model in pairs(prior, profile):
            name = tasks.get_task(system, prior).name
            found += followed(name, model, profile) + (pilots(name, model, profile) if prior != FLAT else [])
    return found
