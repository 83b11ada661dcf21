"""What the book reads: every task and model that has runs, and those runs (running layer)."""

from __future__ import annotations

from physlib.models import VERSIONS
from physlib.profiles import Config, resolve, seeds_of

TASKS = ("sinusoid", "tent", "logistic")
"""The synthetic tasks, which every model is trained on."""
MODELS = tuple(VERSIONS)
MAZES = ("maze-umaze", "maze-medium")
CELLS = (
    *((task, model) for task in TASKS for model in MODELS),
    *((maze, "diffusion-unet") for maze in MAZES),
)
"""Every task and model that has judged and pilot runs."""


def runs(profile: str) -> list[Config]:
    """Every run that the book reads at a profile."""
    return [
        resolve(task, model, profile, seed, pilot)
        for task, model in CELLS
        for pilot in (False, True)
        for seed in seeds_of(profile, pilot)
    ]
