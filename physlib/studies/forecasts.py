"""Whose forecasts are benchmarked: groups of runs of one task and model, and runs that confirm what was found on them."""

from __future__ import annotations

from physlib import tasks
from physlib.core.errors import PhyslibError
from physlib.runs.config import FRESH_SEEDS, Config
from physlib.runs.presets import resolve

TASKS = tasks.SYNTHETIC
"""The synthetic tasks, which every model is trained on."""
DIFFUSIONS = ("diffusion-mlp", "diffusion-unet")
"""The models that the argument is made on."""
MODELS = (*DIFFUSIONS, "diffusion-transformer", "flow-mlp", "autoregressive-transformer", "vae-mlp")
"""One or more models of each kind, all trained on the synthetic tasks."""
MAZES = ("maze-umaze", "maze-medium")
POINT_MAZE = "pointmaze-umaze"
"""UMaze in MuJoCo."""
SPEED_MAZE = "maze-umaze-speed"
"""UMaze with the mean speed balanced."""
PENDULUMS = (
    "pendulum-regular-state",
    "pendulum-regular-positions",
    "pendulum-chaotic-state",
    "pendulum-chaotic-positions",
)
SYNTHETIC = tuple((task, model) for model in MODELS for task in TASKS)
APPLIED = (
    *((system, "diffusion-unet") for system in (*MAZES, POINT_MAZE, *PENDULUMS)),
    *((system, "diffusion-mlp") for system in (MAZES[0], SPEED_MAZE, *PENDULUMS[:2])),
)
GROUPS = (*SYNTHETIC, *APPLIED)
"""Every task and model that has evaluation and pilot runs at laptop."""


def groups(profile: str) -> tuple[tuple[str, str], ...]:
    """Every task and model that forecasts are scored on at a profile.

    At smoke, where scoring takes longer than training, those are the first two models on the synthetic tasks and
    one maze. Raises `PhyslibError` at paper, which has single runs.
    """
    if profile == "paper":
        raise PhyslibError("no forecast is scored at profile paper, which has single runs: use laptop.")
    few = (*(pair for pair in SYNTHETIC if pair[1] in DIFFUSIONS), APPLIED[0])
    return few if profile == "smoke" else GROUPS


def fresh(task: str, model: str, profile: str) -> list[Config]:
    """Runs with seeds that no rule was found on: of the first model on the synthetic tasks, none at smoke."""
    if profile == "smoke" or task not in TASKS or model != MODELS[0]:
        return []
    return [resolve(task, model, profile, seed, n_probe=1_000) for seed in FRESH_SEEDS]
