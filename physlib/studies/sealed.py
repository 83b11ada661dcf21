"""Fresh runs whose forecasts are sealed before they are trained, and the rule that chose them.

Each synthetic task on two ranges that nobody has looked at: the upper two thirds of its usual range under a raised
cosine, and its usual range moved by a quarter of its width towards regular motion (the sinusoid's upwards, where there is
room) under a flat prior; both with ends rounded to .05. Two systems that are new, on their usual ranges under both priors.
All of these with the first model; the U-Net on the logistic map and on the maze that no run has used, under the raised cosine.
"""

from __future__ import annotations

from physlib import tasks
from physlib.runs.config import Config
from physlib.runs.presets import resolve, seeds_of
from physlib.studies import mechanism
from physlib.studies.mechanism import FLAT, MLP, SMOOTH, UNET

NEW = (tasks.Henon.family, tasks.VanDerPol.family)
"""Systems that no run was made of before."""
UNUSED = "maze-large"
"""The maze that no run was made of before."""
LOCAL = 0.5
"""Share of the shift that pilots bring back from level `READ_AT` above which a kernel of trajectories should win."""
READ_AT = 0.2
TRAINED = 6
"""How many of the cells have been trained since; the others are still to come."""
SEALED = "sealed"
"""Variant of the evidence of these runs."""
N_DECISION = 5_000
"""How many trajectories a decision curve of a pilot follows."""
_STEP = 0.05


def _rounded(value: float) -> float:
    return round(round(value / _STEP) * _STEP, 2)


def fresh_ranges(family: str) -> tuple[str, str]:
    """The two tasks of a synthetic family: upper two thirds under a raised cosine, moved by a quarter under a flat prior."""
    info = tasks.FAMILIES[family].info
    width = info.hi - info.lo
    by = width / 4 if family == tasks.Sinusoid.family else -width / 4
    upper, moved = (info.lo + width / 3, info.hi), (info.lo + by, info.hi + by)
    spans = [f"{family}[{_rounded(lo):g},{_rounded(hi):g}]" for lo, hi in (upper, moved)]
    return tasks.get_task(spans[0], SMOOTH[0]).name, tasks.get_task(spans[1]).name


def cells() -> tuple[tuple[str, str], ...]:
    """Tasks and models whose forecasts are sealed, in the order in which they are trained."""
    ranges = [fresh_ranges(family) for family in tasks.SYNTHETIC]
    smooth = [name for name, _ in ranges] + [tasks.get_task(name, SMOOTH[0]).name for name in NEW]
    flat = [name for _, name in ranges] + [tasks.get_task(name, FLAT).name for name in NEW]
    convolutional = [smooth[tasks.SYNTHETIC.index("logistic")], tasks.get_task(UNUSED, SMOOTH[0]).name]
    return (*((name, MLP) for name in (*smooth, *flat)), *((name, UNET) for name in convolutional))


def pilots(task: str, model: str, profile: str) -> list[Config]:
    """Runs that a forecast is made from, with decision curves of their own."""
    many = min(N_DECISION, mechanism.size(task, model, profile))
    return [resolve(task, model, profile, seed, pilot=True, n_decision=many) for seed in seeds_of(profile, pilot=True)]


def judged(task: str, model: str, profile: str) -> list[Config]:
    """Runs that a forecast is scored on."""
    return mechanism.followed(task, model, profile)


def trained(profile: str) -> tuple[tuple[str, str], ...]:
    """The cells whose evaluation runs are stored; none at smoke, where nothing is sealed."""
    return cells()[:TRAINED] if profile == "laptop" else ()
