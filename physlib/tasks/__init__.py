"""The tasks by name. A range other than the default is written `logistic[2.8,3.4]`."""

from __future__ import annotations

import re
from functools import lru_cache

from physlib.core.errors import PhyslibError, unknown
from physlib.tasks.arm import Arm, ArmPositions, ArmSteps
from physlib.tasks.base import FiniteBankTask, Population, RecurrenceTask, Task, TaskInfo, Trajectories
from physlib.tasks.maps import Logistic, Tent
from physlib.tasks.maze import LargeMaze, Maze, MediumMaze, TimedUMaze, UMaze
from physlib.tasks.pendulum import ChaoticPositions, ChaoticState, RegularPositions, RegularState
from physlib.tasks.pointmaze import PointMaze, PointMediumMaze, PointUMaze
from physlib.tasks.representations import Rates, Recoded, analytic_chart
from physlib.tasks.ring import PolarRing, Ring
from physlib.tasks.sensitivity import coordinate_sensitivity
from physlib.tasks.sinusoid import Sinusoid

_MAPS = (Ring, PolarRing, Sinusoid, Tent, Logistic)
_MAZES = (UMaze, MediumMaze, LargeMaze, TimedUMaze)
_POINT_MAZES = (PointUMaze, PointMediumMaze)
_ARMS = (ArmPositions, ArmSteps)
_PENDULUMS = (RegularState, RegularPositions, ChaoticState, ChaoticPositions)
SYNTHETIC = (Sinusoid.family, Tent.family, Logistic.family)
"""Tasks with a formula for a rule, which every model is trained on."""
FAMILIES: dict[str, type[Task]] = {cls.family: cls for cls in (*_MAPS, *_MAZES, *_POINT_MAZES, *_PENDULUMS, *_ARMS)}

__all__ = [
    "FAMILIES",
    "SYNTHETIC",
    "Arm",
    "FiniteBankTask",
    "Maze",
    "PointMaze",
    "Population",
    "Rates",
    "Recoded",
    "RecurrenceTask",
    "Task",
    "TaskInfo",
    "Trajectories",
    "analytic_chart",
    "coordinate_sensitivity",
    "get_task",
]


@lru_cache
def get_task(name: str) -> Task:
    """The task of that name, `"tent"` or `"tent[1.3,1.7]"`; one object per name.

    Raises `PhyslibError` for an unknown family (with the nearest name) or an unreadable range.
    """
    family, bracket, inside = name.partition("[")
    if family not in FAMILIES:
        raise unknown("task", name, FAMILIES)
    if not bracket:
        return FAMILIES[family]()
    ends = re.fullmatch(r"\s*([-+.\deE]+)\s*,\s*([-+.\deE]+)\s*\]", inside)
    try:
        lo, hi = (float(end) for end in ends.groups())
    except (AttributeError, ValueError):
        raise PhyslibError(f"cannot read the range in '{name}': write it as {family}[lo,hi], two numbers.") from None
    return FAMILIES[family](lo, hi)
