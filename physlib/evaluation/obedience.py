"""How far models that are told the quantity do what they are asked; stored, as what was asked for is drawn again."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy.spatial import KDTree

from physlib import mitigations
from physlib.core.rng import numpy_rng
from physlib.evaluation.derived import Content, Derived
from physlib.evaluation.remedies import effects
from physlib.mitigations.condition import ends
from physlib.runs.store import Result
from physlib.studies.remedies import APPLIED, STATE, STATES_ASKED, experiments
from physlib.tasks import Task, get_task

VERSION = 1  # raise by hand when the numbers change meaning
NEIGHBOURS = 10
DRAWS, SMOKE_DRAWS = 10_000, 1_000  # behind `said_by_ends`
APART = (STATE, STATES_ASKED[-1])
"""Where what is asked for contradicts the state that is told."""


class Obedience(NamedTuple):
    """What told models did with what they were asked for."""

    table: pd.DataFrame  # a row for each task and strategy: `Miss`, means over seeds
    asked: dict[tuple[str, str], Float[np.ndarray, " N"]]  # values the first seed was asked for, by task and strategy
    nearer_to_state: float  # of `nearer_to_state`, mean over seeds; NaN where no run was told what does not agree
    said_by_ends: dict[str, float]  # of `said_by_ends`, by task


class Miss(NamedTuple):
    """How far a told model is from what it was asked for, medians over samples."""

    quantity: float  # distance from the value, over the range
    inward: float  # signed distance towards the middle where a value within a twentieth of an end was asked for
    ends: float  # distance from the told states, root mean square in channel standard deviations; NaN if none was told


def missed(run: Result) -> Miss:
    """What a run of a told model did with what it was asked for; end points by the trajectories that are stored."""
    task = get_task(run.config.task)
    wanted = asked(run)
    place = (wanted[:, 0] - task.lo) / (task.hi - task.lo)
    apart = (run["q"] - wanted[:, 0]) / (task.hi - task.lo)
    near = np.minimum(place, 1 - place) < 0.05
    toward = np.where(place < 0.5, apart, -apart)[near]
    told = wanted[:, 1:]
    x, off = run["trajectories"].astype(float), math.nan
    if told.size:
        between = (ends(task, x) - told[: len(x)]).reshape(len(x), -1, task.shape[1]) / task.scale
        off = float(np.median(np.sqrt(np.mean(between**2, axis=(1, 2)))))
    return Miss(float(np.nanmedian(np.abs(apart))), float(np.nanmedian(toward)), off)


def asked(run: Result) -> Float[np.ndarray, "N C"]:
    """What a told model was asked for, drawn again: the quantity, then the states that were told."""
    config = run.config
    task, rng = get_task(config.task), numpy_rng(config.seed, "asked")
    change = mitigations.get(config.mitigation).change(task, task.sample(2, numpy_rng(0, "told")), [], rng)
    return change.requested(config.n_samples, rng)


def nearer_to_state(run: Result) -> float:
    """Share of samples whose quantity is nearer to that of the state they were told than to the value they were told."""
    task, told = get_task(run.config.task), asked(run)
    of_state = task.measure(np.repeat(told[:, None, 1:], 2, axis=1))
    to_state, to_value = np.abs(run["q"] - [of_state, told[:, 0]])
    return float(np.mean(to_state < to_value))


def said_by_ends(task: Task, seed: int = 0, n: int = DRAWS) -> float:
    """Share of the quantity's variance that the states told with it explain, by their nearest neighbours among others."""
    data = task.draw(n, numpy_rng(seed, f"ends {task.name}"))
    known, asked = np.split(ends(task, data.x), 2)
    near = KDTree(known).query(asked, k=NEIGHBOURS)[1]
    left = data.q[: n // 2][near].mean(axis=1) - data.q[n // 2 :]
    return float(1 - np.var(left) / np.var(data.q))


def load(profile: str) -> Obedience:
    """Obedience of every told model of a profile. Raises `Missing` or `Damaged`, with the command that makes it."""
    arrays, record = STORED.load(profile)
    table, asked = [], {}
    for i, (entry, miss) in enumerate(zip(record["entries"], arrays["misses"], strict=True)):
        table.append(entry | dict(zip(("typical_miss", "inward_at_ends", "states_off"), map(float, miss), strict=True)))
        asked[entry["task"], entry["strategy"]] = arrays[f"{i}/asked"].astype(float)
    shares = arrays["nearer_to_state"]
    nearer = float(shares.mean()) if len(shares) else math.nan
    return Obedience(pd.DataFrame(table), asked, nearer, record["said_by_ends"])


def _compute(profile: str) -> Content:
    told = [effect for effect in effects(profile) if effect.experiment.needs_quantity]
    misses = np.array([np.mean([missed(run) for run in effect.runs[1]], axis=0) for effect in told])
    apart = [run for e in told if (e.experiment.task, e.experiment.strategy) == APART for run in e.runs[1]]
    arrays = {"misses": misses, "nearer_to_state": np.array([nearer_to_state(run) for run in apart])}
    for i, effect in enumerate(told):
        arrays[f"{i}/asked"] = asked(effect.runs[1][0])[:, 0].astype(np.float16)
    count = SMOKE_DRAWS if profile == "smoke" else DRAWS
    entries = [{"task": e.experiment.task, "strategy": e.experiment.strategy} for e in told]
    return arrays, {"entries": entries, "said_by_ends": {n: said_by_ends(get_task(n), n=count) for n in APPLIED}}


def _basis(profile: str) -> list:
    return [VERSION, [[config.key for config in e.after] for e in experiments(profile) if e.needs_quantity]]


STORED = Derived("remedies", "obedience", "obedience of told models", _basis, _compute)
