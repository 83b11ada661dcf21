"""The runs that put the mechanism to the test: every reading followed to where it is decided, under three priors."""

from __future__ import annotations

from physlib import tasks
from physlib.models import PROBES, RENOISE
from physlib.runs.config import Config
from physlib.runs.presets import resolve, seeds_of
from physlib.studies.forecasts import APPLIED, DIFFUSIONS, SYNTHETIC

FLAT, *SMOOTH = tasks.PRIORS
SYSTEMS = tuple(pair for pair in APPLIED if pair[1] == DIFFUSIONS[1])
"""Mazes and pendulums, all with the U-Net."""


def pairs(prior: str, profile: str) -> tuple[tuple[str, str], ...]:
    """Systems and models that are compared under a prior: all models with a flat one, denoisers with the others.

    At smoke the first model on the synthetic tasks.
    """
    if profile == "smoke":
        return tuple(pair for pair in SYNTHETIC if pair[1] == DIFFUSIONS[0])
    compared = tuple(pair for pair in SYNTHETIC if prior == FLAT or PROBES[pair[1]] is RENOISE)
    return (*compared, *SYSTEMS)


def followed(system: str, model: str, prior: str, profile: str) -> list[Config]:
    """The evaluation runs of a system under a prior, with decision curves: as many trajectories as the preset says."""
    smooth, task = (tasks.get_task(system, name) for name in (SMOOTH[0], prior))
    size = resolve(smooth.name, model, profile, 0).n_decision
    return [resolve(task.name, model, profile, seed, n_decision=size) for seed in seeds_of(profile)]


def pilots(system: str, model: str, prior: str, profile: str) -> list[Config]:
    """Its pilots."""
    name = tasks.get_task(system, prior).name
    return [resolve(name, model, profile, seed, pilot=True) for seed in seeds_of(profile, pilot=True)]


def runs(profile: str) -> list[Config]:
    """All of them that no other study has."""
    found = []
    for prior in (FLAT, *SMOOTH):
        for pair in pairs(prior, profile):
            found += followed(*pair, prior, profile) + (pilots(*pair, prior, profile) if prior != FLAT else [])
    return found
