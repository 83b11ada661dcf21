"""What white error forecasts of a quantity as each estimator reads it; stored, as some estimators take milliseconds a row."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from jaxtyping import Float

from physlib import tasks
from physlib.core.files import read_sealed, seal, write_atomic
from physlib.core.provenance import revision
from physlib.evaluation import benchmark
from physlib.forecasting.forecast import forecast
from physlib.kernels import Isotropic
from physlib.runs.store import Store
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
    """All of them; at smoke missing ones are made. Raises `Missing` or `Damaged`, with the command that makes them."""
    if profile == "smoke" and not path(profile).exists():
        make(profile)
    arrays, record = read_sealed(path(profile), "forecasts by estimator", "make them with: physlib benchmark")
    return [
        EstimatorForecast(**entry, mass=arrays[f"{i}/mass"].astype(float), noise=arrays[f"{i}/noise"].astype(float))
        for i, entry in enumerate(record["entries"])
    ]


def make(profile: str) -> None:
    """Push white error through every estimator of every task that is put to the test, and store the answers."""
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
    arrays = {name: values.astype(np.float32) for name, values in arrays.items()}
    write_atomic(path(profile), seal(arrays, {"entries": entries, "revision": revision()}))


def _size(task: str, model: str, profile: str) -> float:
    """Size of `isotropic` fitted to the evaluation runs of a group, mean over seeds."""
    _, entries = benchmark.load(task, model, profile)
    fitted = next(e for e in entries if (e.kernel, e.source) == ("isotropic", "oracle"))
    return float(np.mean([numbers["s"] for numbers in fitted.parameters]))


def path(profile: str) -> Path:
    """Where the forecasts are stored; the name changes with the runs."""
    pairs = mechanism.compared(mechanism.FLAT, profile)
    runs = [config.key for pair in pairs for config in mechanism.followed(*pair, profile)]
    key = hashlib.sha256(json.dumps([VERSION, DRAWS, runs]).encode()).hexdigest()[:10]
    return Store.of(profile).root / "estimators" / f"{profile}-forecasts-{key}.safetensors"
