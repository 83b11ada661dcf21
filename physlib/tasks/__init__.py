"""The tasks by name. Another range is written `logistic[2.8,3.4]`, another prior `logistic~cosine`."""

from __future__ import annotations

import re
from functools import lru_cache

from physlib.core.errors import PhyslibError, unknown
from physlib.core.imports import find
from physlib.tasks.arm import Arm, ArmPositions, ArmSteps
from physlib.tasks.base import FiniteBankTask, Population, RecurrenceTask, Task, TaskInfo, Trajectories
from physlib.tasks.henon import Henon
from physlib.tasks.maps import Logistic, Tent
from physlib.tasks.maze import LargeMaze, Maze, MediumMaze, TimedUMaze, UMaze
from physlib.tasks.pendulum import ChaoticPositions, ChaoticState, RegularPositions, RegularState
from physlib.tasks.pointmaze import PointMaze, PointMediumMaze, PointUMaze
from physlib.tasks.priors import DEFAULT, PRIORS, Prior
from physlib.tasks.representations import Rates, Recoded, analytic_chart
from physlib.tasks.ring import PolarRing, Ring
from physlib.tasks.sensitivity import coordinate_sensitivity
from physlib.tasks.sinusoid import Sinusoid
from physlib.tasks.speech import Speech
from physlib.tasks.van_der_pol import VanDerPol
from physlib.tasks.video import Video
from physlib.tasks.video_variants import PAIRS, BothSides, Gap, NarrowGap, OneSide

_MAPS = (Ring, PolarRing, Sinusoid, Tent, Logistic, Henon, VanDerPol)
_MAZES = (UMaze, MediumMaze, LargeMaze, TimedUMaze)
_POINT_MAZES = (PointUMaze, PointMediumMaze)
_ARMS = (ArmPositions, ArmSteps)
_VIDEOS = (Video, Gap, NarrowGap, OneSide, BothSides, *PAIRS.values())
_PENDULUMS = (RegularState, RegularPositions, ChaoticState, ChaoticPositions)
SYNTHETIC = (Sinusoid.family, Tent.family, Logistic.family)
"""Tasks with a formula for a rule, which every model is trained on."""
FAMILIES: dict[str, type[Task]] = {
    cls.family: cls for cls in (*_MAPS, *_MAZES, *_POINT_MAZES, *_PENDULUMS, *_ARMS, *_VIDEOS, Speech)
}

__all__ = [
    "FAMILIES",
    "PRIORS",
    "SYNTHETIC",
    "Arm",
    "FiniteBankTask",
    "Henon",
    "Maze",
    "PointMaze",
    "Population",
    "Prior",
    "Rates",
    "Recoded",
    "RecurrenceTask",
    "Sinusoid",
    "Speech",
    "Task",
    "TaskInfo",
    "Trajectories",
    "VanDerPol",
    "Video",
    "analytic_chart",
    "coordinate_sensitivity",
    "get_task",
]


def get_task(name: str, prior: str | None = None) -> Task:
    """The task of that name, `"tent"`, `"tent[1.3,1.7]"`, `"tent~cosine"` or a reader's `"module:Name"`; one object per name.

    `prior` is another way to name the prior. Raises `PhyslibError` for an unknown family or prior (with the nearest
    name), an unreadable range, and two different priors.
    """
    system, mark, named = name.partition("~")
    if prior is not None and mark and prior != named:
        raise PhyslibError(f"'{name}' names a prior and '{prior}' is another: give one of them.")
    return _task(system, named if mark else prior or DEFAULT)


@lru_cache
def _task(name: str, prior: str) -> Task:
    family, bracket, inside = name.partition("[")
    if ":" not in family and family not in FAMILIES:
        raise unknown("task", name, FAMILIES)
    build = _own(family) if ":" in family else FAMILIES[family]
    if not bracket:
        return build(prior=prior)
    ends = re.fullmatch(r"\s*([-+.\deE]+)\s*,\s*([-+.\deE]+)\s*\]", inside)
    try:
        lo, hi = (float(end) for end in ends.groups())
    except (AttributeError, ValueError):
        raise PhyslibError(f"cannot read the range in '{name}': write it as {family}[lo,hi], two numbers.") from None
    return build(lo, hi, prior)


REQUIRED = ("family", "info", "nuisance", "generate", "measure", "residual")
"""What a reader's own task has to supply."""


def _own(reference: str) -> type[Task]:
    """The class behind `module:Name`, whose code runs. Raises `PhyslibError` for what is no task, or lacks a part of one."""
    found = find(reference)
    if not (isinstance(found, type) and issubclass(found, Task)):
        raise PhyslibError(f"{reference} is no task: derive it from physlib.tasks.Task.")
    missing = lacking(found)
    if missing:
        raise PhyslibError(f"{reference} is not whole: set {', '.join(missing)}; physlib new-task shows a whole one.")
    return type(found.__name__, (found,), {"reference": reference})


def lacking(cls: type[Task]) -> list[str]:
    """Names of the parts that a task class has not set."""
    return [name for name in REQUIRED if not hasattr(cls, name) or name in getattr(cls, "__abstractmethods__", ())]
