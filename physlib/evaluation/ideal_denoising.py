"""Error of the ideal denoiser, beside which a network's error of one denoising step is read; stored, as it takes a minute."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
from jaxtyping import Float

from physlib import tasks
from physlib.core.files import read_sealed, seal, write_atomic
from physlib.core.provenance import revision
from physlib.core.rng import numpy_rng
from physlib.kernels.ideal_denoiser import ideal_denoiser
from physlib.models import RENOISE
from physlib.runs.store import Store

VERSION = 1  # raise by hand when the errors change meaning
COUNT = 500  # trajectories that are noised
SMOKE_COUNT = 20


def ideal_error(task: tasks.Task, count: int) -> Float[np.ndarray, " L"]:
    """Root mean square of `E[x | y] - x` at each noise level, per channel standard deviation: the least possible."""
    rng = numpy_rng(0, f"ideal {task.name}")
    data, errors = task.sample(count, rng), []
    for level in RENOISE.levels:
        noisy = data.x + level * task.scale * rng.standard_normal(data.x.shape)
        mean = ideal_denoiser(task, data, noisy, level, rng)
        errors.append(np.sqrt(np.mean(((mean - data.x) / task.scale) ** 2)))
    return np.array(errors)


def load(profile: str) -> dict[str, Float[np.ndarray, " L"]]:
    """`ideal_error` of each synthetic task; at smoke it is made where it is missing.

    Raises `Missing` or `Damaged`, with the command that makes them.
    """
    if profile == "smoke" and not path(profile).exists():
        make(profile)
    return read_sealed(path(profile), "errors of the ideal denoiser", "make them with: physlib benchmark")[0]


def make(profile: str) -> None:
    """Estimate the errors and store them."""
    count = SMOKE_COUNT if profile == "smoke" else COUNT
    errors = {name: ideal_error(tasks.get_task(name), count) for name in tasks.SYNTHETIC}
    record = {"levels": RENOISE.levels, "trajectories": count, "revision": revision()}
    write_atomic(path(profile), seal(errors, record))


def path(profile: str) -> Path:
    """Where the errors are stored; the name changes with the tasks and the levels."""
    versions = {name: tasks.get_task(name).version for name in tasks.SYNTHETIC}
    key = hashlib.sha256(json.dumps([VERSION, COUNT, RENOISE.levels, versions]).encode()).hexdigest()[:10]
    return Store.of(profile).root / "ideal" / f"{profile}-errors-{key}.safetensors"


def parting(ratio: Float[np.ndarray, " L"], excess: float) -> float:
    """The highest noise level at which a network's error is more than `1 + excess` times the ideal one, interpolated
    on a logarithmic axis; NaN where it is so at no level, or at the highest."""
    levels = np.log(RENOISE.levels)
    above = np.flatnonzero(ratio > 1 + excess)
    if not len(above) or above[-1] == len(levels) - 1:
        return float("nan")
    pair = slice(above[-1], above[-1] + 2)
    return float(np.exp(np.interp(-1 - excess, -ratio[pair], levels[pair])))
