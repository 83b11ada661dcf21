"""What a kernel expects of each strategy before it is trained with, its size from pilots alone (running layer)."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from jaxtyping import Float

from physlib import judge, mitigations, tasks
from physlib.kernels import Contract
from physlib.mitigations.learned import FlowChart
from physlib.profiles import Config
from physlib.rng import numpy_rng
from physlib.tasks.charts import recoded
from physlib.trials import Trial

Mass = Float[np.ndarray, " M"]


def size_before(config: Config) -> float:
    """Size of the one-number kernel for a run that has not been trained: its pilots', by the root of the steps."""
    cell, entries = judge.load(config.task, config.model, config.profile)
    fitted = next(e for e in entries if (e.kernel, e.source) == ("contract", "pilot"))
    return fitted.parameters[0]["s"] * math.sqrt(cell.pilots[0].config.steps / config.steps)


def foretold(trial: Trial, size: float, draws: int = 100_000) -> tuple[Mass, Mass | None]:
    """Mass that `contract` of a size expects before and after; `None` where it has nothing to say of a strategy."""
    task, rng = tasks.get(trial.task), numpy_rng(0, f"foretell {trial.strategy} {trial.task}")
    before = _plain(trial.task, size, draws)
    if trial.strategy == "longer":
        return before, _plain(trial.task, math.sqrt(trial.before[0].steps / trial.after[0].steps) * size, draws)
    if trial.strategy == "state":
        return before, _plain(trial.after[0].task, size, draws)
    known = None
    if trial.strategy == "learned":
        chart = FlowChart(task).load(trial.runs[1][0].arrays)
        known = mitigations.Change(task=recoded(task, chart))
    return before, mitigations.foretell(trial.strategy, task, Contract(size), rng, known, draws)


@cache
def _plain(name: str, size: float, draws: int) -> Mass:
    """Mass that `contract` expects of a task without any strategy."""
    return mitigations.foretell("", tasks.get(name), Contract(size), numpy_rng(0, f"foretell {name}"), draws=draws)
