"""What ideal denoisers do, beside which networks are read; stored, as each answer is a posterior over trajectories."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from physlib import tasks
from physlib.core.rng import numpy_rng
from physlib.evaluation.derived import Content, Derived
from physlib.forecasting.forecast import forecast
from physlib.kernels import NoiseContractX, Patch
from physlib.kernels.ideal_denoiser import ideal_denoiser
from physlib.models import RENOISE

VERSION = 1  # raise by hand when errors or forecasts change meaning
COUNT = 500  # trajectories that are noised
SMOKE_COUNT = 20
SHOWN, SIZE = "logistic", 0.05  # task and size of the forecasts
SMOKE_DRAWS = 1_000


def ideal_error(task: tasks.Task, count: int) -> Float[np.ndarray, " L"]:
    """Root mean square of `E[x | y] - x` at each noise level, per channel standard deviation: the least possible."""
    rng = numpy_rng(0, f"ideal {task.name}")
    data, errors = task.sample(count, rng), []
    for level in RENOISE.levels:
        noisy = data.x + level * task.scale * rng.standard_normal(data.x.shape)
        mean = ideal_denoiser(task, data, noisy, level, rng)
        errors.append(np.sqrt(np.mean(((mean - data.x) / task.scale) ** 2)))
    return np.array(errors)


class IdealForecast(NamedTuple):
    """What a kernel of ideal denoisers predicts."""

    mass: Float[np.ndarray, " M"]
    transition: Float[np.ndarray, "M M"]


def load_errors(profile: str) -> dict[str, Float[np.ndarray, " L"]]:
    """`ideal_error` of each synthetic task. Raises `Missing` or `Damaged`, with the command that makes them."""
    errors = ERRORS.load(profile)[0]
    return {name: errors[name] for name in tasks.SYNTHETIC}


def load_forecasts(profile: str) -> dict[str, IdealForecast]:
    """Forecasts of the logistic map by `noise-contract-x` and `patch`, both of size .05, by kernel. Raises likewise."""
    arrays, record = FORECASTS.load(profile)
    return {
        name: IdealForecast(*(arrays[f"{name}/{part}"] for part in IdealForecast._fields)) for name in record["kernels"]
    }


def _errors(profile: str) -> Content:
    count = SMOKE_COUNT if profile == "smoke" else COUNT
    errors = {name: ideal_error(tasks.get_task(name), count) for name in tasks.SYNTHETIC}
    return errors, {"levels": RENOISE.levels, "trajectories": count}


def _forecasts(profile: str) -> Content:
    arrays, task, kernels = {}, tasks.get_task(SHOWN), (NoiseContractX(SIZE, SIZE), Patch(SIZE))
    for kernel in kernels:
        found = forecast(task, kernel, SMOKE_DRAWS if profile == "smoke" else kernel.most_draws)
        arrays |= {f"{kernel.name}/{part}": getattr(found, part) for part in IdealForecast._fields}
    return arrays, {"kernels": [kernel.name for kernel in kernels]}


def _basis(profile: str) -> list:
    return [VERSION, COUNT, RENOISE.levels, {name: tasks.get_task(name).version for name in tasks.SYNTHETIC}]


ERRORS = Derived("ideal", "errors", "errors of the ideal denoiser", _basis, _errors)
FORECASTS = Derived("ideal", "forecasts", "forecasts by ideal denoisers", lambda p: [SIZE, *_basis(p)], _forecasts)
STORED = (ERRORS, FORECASTS)


def parting(ratio: Float[np.ndarray, " L"], excess: float) -> float:
    """The highest noise level at which a network's error is more than `1 + excess` times the ideal one, interpolated
    on a logarithmic axis; NaN where it is so at no level, or at the highest."""
    levels = np.log(RENOISE.levels)
    above = np.flatnonzero(ratio > 1 + excess)
    if not len(above) or above[-1] == len(levels) - 1:
        return float("nan")
    pair = slice(above[-1], above[-1] + 2)
    return float(np.exp(np.interp(-1 - excess, -ratio[pair], levels[pair])))
