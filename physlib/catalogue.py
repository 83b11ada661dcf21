"""What the book reads: every task and model that has runs, and those runs (running layer)."""

from __future__ import annotations

from physlib.errors import PhyslibError
from physlib.profiles import Config, resolve, seeds_of

TASKS = ("sinusoid", "tent", "logistic")
"""The synthetic tasks, which every model is trained on."""
MODELS = ("diffusion-mlp", "diffusion-unet")
"""The models that forecasts are judged on."""
MAZES = ("maze-umaze", "maze-medium")
PLANNER = "planner-unet"
"""Trained on the first maze to plan between end points."""
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
CELLS = (
    *((task, model) for task in TASKS for model in MODELS),
    *((system, "diffusion-unet") for system in (*MAZES, POINT_MAZE, *PENDULUMS)),
    (SPEED_MAZE, "diffusion-mlp"),
)
"""Every task and model that has judged and pilot runs at laptop."""


def cells(profile: str) -> tuple[tuple[str, str], ...]:
    """Every task and model that forecasts are judged on at a profile.

    At smoke, where judging takes longer than training, those are the synthetic tasks and one maze. Raises
    `PhyslibError` at paper, which has a single run.
    """
    if profile == "paper":
        raise PhyslibError("nothing is judged at profile paper, which has a single run: use laptop.")
    return CELLS[: len(TASKS) * len(MODELS) + 1] if profile == "smoke" else CELLS


def runs(profile: str) -> list[Config]:
    """Every run that the book keeps of a profile; of `paper` one, on a maze, where it asks what longer training does."""
    if profile == "paper":
        return [resolve(MAZES[0], "diffusion-unet", profile, seeds_of(profile)[0])]
    judged = [
        resolve(task, model, profile, seed, pilot)
        for task, model in cells(profile)
        for pilot in (False, True)
        for seed in seeds_of(profile, pilot)
    ]
    return [*judged, resolve(MAZES[0], PLANNER, profile, seeds_of(profile)[0])]
