"""What a kernel forecasts of each remedy before it is trained with, its size from pilots alone; stored like runs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float

from physlib import tasks
from physlib.core.rng import numpy_rng
from physlib.evaluation import benchmark
from physlib.evaluation.derived import Content, Derived
from physlib.kernels import Contract
from physlib.mitigations import Change, forecast_mitigation
from physlib.mitigations.learned import FlowChart
from physlib.runs.config import Config
from physlib.runs.run import fetch
from physlib.studies.remedies import RemedyExperiment, experiments
from physlib.tasks.representations import Recoded

VERSION = 1  # raise by hand when the forecasts change meaning
DRAWS = 100_000
SMOKE_DRAWS, SMOKE_SIZE = 2_000, 0.1  # where a pilot of seconds says nothing
Mass = Float[np.ndarray, " M"]


@dataclass(frozen=True)
class RemedyForecast:
    """Masses that `contract` of one size forecasts before and after a remedy; `after` None where it says nothing."""

    strategy: str
    task: str
    model: str
    size: float  # share of each channel's standard deviation
    before: Mass
    after: Mass | None


def load(profile: str) -> list[RemedyForecast]:
    """The forecast of every remedy experiment, in their order.

    Raises `Missing` or `Damaged`, with the command that makes them.
    """
    arrays, record = STORED.load(profile)
    return [
        RemedyForecast(**entry, before=arrays[f"{i}/before"].astype(float), after=_found(arrays, f"{i}/after"))
        for i, entry in enumerate(record["entries"])
    ]


def _compute(profile: str) -> Content:
    arrays, entries = {}, []
    for i, experiment in enumerate(experiments(profile)):
        size = _size(experiment.before[0])
        before, after = forecast_remedy(experiment, size, SMOKE_DRAWS if profile == "smoke" else DRAWS)
        named = {f"{i}/before": before, f"{i}/after": after}
        arrays |= {name: mass.astype(np.float32) for name, mass in named.items() if mass is not None}
        model = experiment.before[0].model
        entries.append({"strategy": experiment.strategy, "task": experiment.task, "model": model, "size": size})
    return arrays, {"entries": entries}


def _basis(profile: str) -> list:
    return [VERSION, [[config.key for config in experiment.configs] for experiment in experiments(profile)]]


STORED = Derived("remedies", "forecasts", "forecasts of remedies", _basis, _compute)


def _found(arrays: dict[str, np.ndarray], name: str) -> Mass | None:
    return arrays[name].astype(float) if name in arrays else None


@cache
def _group_size(task: str, model: str, profile: str) -> tuple[float, int]:
    """Size of `contract` fitted to the pilots of a group, and their training steps."""
    group, entries = benchmark.load(task, model, profile)
    fitted = next(e for e in entries if (e.kernel, e.source) == ("contract", "pilot"))
    return fitted.parameters[0]["s"], group.pilots[0].config.steps


def _size(config: Config) -> float:
    """Size for a run that has not been trained: its pilots', by the root of the steps."""
    if config.profile == "smoke":
        return SMOKE_SIZE
    size, steps = _group_size(config.task, config.model, config.profile)
    return size * math.sqrt(steps / config.steps)


def forecast_remedy(experiment: RemedyExperiment, size: float, draws: int) -> tuple[Mass, Mass | None]:
    """Mass that `contract` of a size forecasts before and after a remedy."""
    task, rng = tasks.get_task(experiment.task), numpy_rng(0, f"foretell {experiment.strategy} {experiment.task}")
    before = _plain(experiment.task, size, draws)
    if experiment.strategy == "longer":
        longer = math.sqrt(experiment.before[0].steps / experiment.after[0].steps)
        return before, _plain(experiment.task, longer * size, draws)
    if experiment.strategy == "state":
        return before, _plain(experiment.after[0].task, size, draws)
    known = None
    if experiment.strategy == "learned":
        chart = FlowChart(task).load(fetch(experiment.after[:1])[0].arrays)
        known = Change(task=Recoded(task, chart))
    return before, forecast_mitigation(experiment.strategy, task, Contract(size), rng, known, draws)


@cache
def _plain(name: str, size: float, draws: int) -> Mass:
    """Mass that `contract` forecasts of a task without any remedy."""
    rng = numpy_rng(0, f"foretell {name}")
    return forecast_mitigation("", tasks.get_task(name), Contract(size), rng, draws=draws)
