"""The runs that put the mechanism to the test: every reading followed to where it is decided, under three priors."""

from __future__ import annotations

from physlib import tasks
from physlib.runs.config import Config
from physlib.runs.presets import resolve, seeds_of
from physlib.studies.forecasts import DIFFUSIONS, MAZES, PENDULUMS

FLAT, *SMOOTH = tasks.PRIORS
DECISION, ESTIMATOR, EDGE, MEAN = "decision", "estimator", "edge", "mean"
"""What is looked at in these runs: variants of evidence for claims."""
MLP, UNET = DIFFUSIONS
_MAPS = tuple((task, MLP) for task in tasks.SYNTHETIC)
_MAZE, _PENDULUM = (MAZES[0], UNET), (PENDULUMS[0], UNET)
COMPARED = {FLAT: (*_MAPS, _MAZE), SMOOTH[0]: (*_MAPS, _MAZE, _PENDULUM), SMOOTH[1]: _MAPS[-1:]}
"""Systems and models whose runs are followed, by prior."""


def compared(prior: str, profile: str) -> tuple[tuple[str, str], ...]:
    """Systems and models that are followed under a prior; at smoke one, under the first two."""
    if profile == "smoke":
        return _MAPS[-1:] if prior in (FLAT, SMOOTH[0]) else ()
    return COMPARED[prior]


def groups(profile: str) -> tuple[tuple[str, str], ...]:
    """Tasks under smooth priors and models, whose runs are forecast as those under flat ones are; none at smoke."""
    if profile == "smoke":  # where forecasting takes longer than training
        return ()
    return tuple((tasks.get_task(s, prior).name, model) for prior in SMOOTH for s, model in compared(prior, profile))


def size(task: str, model: str, profile: str) -> int:
    """How many trajectories of a task a decision curve follows: what presets say for smooth priors."""
    smooth = tasks.get_task(task.partition("~")[0], SMOOTH[0])
    return resolve(smooth.name, model, profile, 0).n_decision


def followed(task: str, model: str, profile: str) -> list[Config]:
    """The evaluation runs of a task with decision curves."""
    many = size(task, model, profile)
    return [resolve(task, model, profile, seed, n_decision=many) for seed in seeds_of(profile)]
