"""The tasks by name. Another range is written `logistic[2.8,3.4]`, another prior `logistic~cosine`."""

from __future__ import annotations

import re
from functools import lru_cache

from physlib.core.errors import PhyslibError, unknown
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
    cls.family: cls for cls in (*_MAPS, *_MAZES, *_POINT_MAZES, *_PENDULUMS, *_ARMS, *_VIDEOS)
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
    """The task of that name, `"tent"`, `"tent[1.3,1.7]"` or `"tent~cosine"`; one object per name.

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
    if family not in FAMILIES:
        raise unknown("task", name, FAMILIES)
    if not bracket:
        return FAMILIES[family](prior=prior)
    ends = re.fullmatch(r"\s*([-+.\deE]+)\s*,\s*([-+.\deE]+)\s*\]", inside)
    try:
        lo, hi = (float(end) for end in ends.groups())
    except (AttributeError, ValueError):
        raise PhyslibError(f"cannot read the range in '{name}': write it as {family}[lo,hi], two numbers.") from None
    return FAMILIES[family](lo, hi, prior)
