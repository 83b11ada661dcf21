"""What white error forecasts of a quantity as each estimator reads it; stored, as some estimators take milliseconds a row."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float

from physlib import tasks
from physlib.evaluation import benchmark
from physlib.evaluation.derived import Content, Derived
from physlib.forecasting.forecast import forecast
from physlib.kernels import Isotropic
from physlib.studies import mechanism
from physlib.tasks.estimators import DEFAULT, ESTIMATORS, estimators_of, read_by

VERSION = 1  # raise by hand when the forecasts change meaning
DRAWS, SMOKE_DRAWS = 100_000, 1_000
SMOKE_SIZE = 0.05


@dataclass(frozen=True)
class EstimatorForecast:
    """Mass of the quantity under white error, with the size that suits the models' shift by the default estimator."""

    task: str
    model: str
    estimator: str
    size: float  # share of each channel's standard deviation
    draws: int
    mass: Float[np.ndarray, " M"]
    noise: Float[np.ndarray, " M"]  # variance from the number of draws


@cache
def load(profile: str) -> list[EstimatorForecast]:
    """All of them. Raises `Missing` or `Damaged`, with the command that makes them."""
    arrays, record = STORED.load(profile)
    return [
        EstimatorForecast(**entry, mass=arrays[f"{i}/mass"].astype(float), noise=arrays[f"{i}/noise"].astype(float))
        for i, entry in enumerate(record["entries"])
    ]


def _compute(profile: str) -> Content:
    """White error pushed through every estimator of every task that is put to the test."""
    arrays, entries = {}, []
    for system, model in mechanism.compared(mechanism.FLAT, profile):
        task = tasks.get_task(system)
        size = SMOKE_SIZE if profile == "smoke" else _size(system, model, profile)
        for name in estimators_of(task):
            most = DRAWS if name == DEFAULT else min(DRAWS, ESTIMATORS[name].most)
            draws = SMOKE_DRAWS if profile == "smoke" else most
            made = forecast(read_by(task, name), Isotropic(size), draws)
            arrays |= {f"{len(entries)}/mass": made.mass, f"{len(entries)}/noise": made.noise}
            entries.append({"task": system, "model": model, "estimator": name, "size": size, "draws": draws})
    return {name: values.astype(np.float32) for name, values in arrays.items()}, {"entries": entries}


def _size(task: str, model: str, profile: str) -> float:
    """Size of `isotropic` fitted to the evaluation runs of a group, mean over seeds."""
    _, entries = benchmark.load(task, model, profile)
    fitted = next(e for e in entries if (e.kernel, e.source) == ("isotropic", "oracle"))
    return float(np.mean([numbers["s"] for numbers in fitted.parameters]))


def _basis(profile: str) -> list:
    pairs = mechanism.compared(mechanism.FLAT, profile)
    return [VERSION, DRAWS, [config.key for pair in pairs for config in mechanism.followed(*pair, profile)]]


STORED = Derived("estimators", "forecasts", "forecasts by estimator", _basis, _compute)
