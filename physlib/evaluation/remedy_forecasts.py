"""What a kernel expects of each strategy before it is trained with, its size from pilots alone (running layer)."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from jaxtyping import Float

from physlib import mitigations, tasks
from physlib.core.rng import numpy_rng
from physlib.evaluation import benchmark
from physlib.evaluation.remedies import RemedyEffect
from physlib.kernels import Contract
from physlib.mitigations.learned import FlowChart
from physlib.runs.config import Config
from physlib.tasks.representations import recoded

Mass = Float[np.ndarray, " M"]


def size_before(config: Config) -> float:
    """Size of the one-number kernel for a run that has not been trained: its pilots', by the root of the steps."""
    cell, entries = benchmark.load(config.task, config.model, config.profile)
    fitted = next(e for e in entries if (e.kernel, e.source) == ("contract", "pilot"))
    return fitted.parameters[0]["s"] * math.sqrt(cell.pilots[0].config.steps / config.steps)


def foretold(effect: RemedyEffect, size: float, draws: int = 100_000) -> tuple[Mass, Mass | None]:
    """Mass that `contract` of a size expects before and after; `None` where it has nothing to say of a strategy."""
    task, rng = (
        tasks.get_task(effect.experiment.task),
        numpy_rng(0, f"foretell {effect.experiment.strategy} {effect.experiment.task}"),
    )
    before = _plain(effect.experiment.task, size, draws)
    if effect.experiment.strategy == "longer":
        return before, _plain(
            effect.experiment.task,
            math.sqrt(effect.experiment.before[0].steps / effect.experiment.after[0].steps) * size,
            draws,
        )
    if effect.experiment.strategy == "state":
        return before, _plain(effect.experiment.after[0].task, size, draws)
    known = None
    if effect.experiment.strategy == "learned":
        chart = FlowChart(task).load(effect.runs[1][0].arrays)
        known = mitigations.Change(task=recoded(task, chart))
    return before, mitigations.foretell(effect.experiment.strategy, task, Contract(size), rng, known, draws)


@cache
def _plain(name: str, size: float, draws: int) -> Mass:
    """Mass that `contract` expects of a task without any strategy."""
    return mitigations.foretell("", tasks.get_task(name), Contract(size), numpy_rng(0, f"foretell {name}"), draws=draws)
