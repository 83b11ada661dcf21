"""What does and does not change the shift: one factor at a time, the rest as it was (running layer)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.ndimage import label
from scipy.spatial import KDTree

from physlib.assembly import training_data
from physlib.density import flat_mass, total_variation, tv_floor
from physlib.models import PROBES
from physlib.observe import distance_from_flat, observed, redrawn
from physlib.profiles import Config, resolve, seeds_of
from physlib.rng import numpy_rng
from physlib.store import Result
from physlib.tasks import Task
from physlib.tasks.maps import IntervalMap

TASK, MODEL = "logistic", "diffusion-mlp"
HALF = {"steps": 4_000, "n_samples": 10_000, "n_probe": 1_000}
"""Half the training of a laptop run: what factors and ranges are compared at."""
BARELY = 0.01  # nats a step: below this an orbit counts as periodic, so that windows hold where periods double


@dataclass(frozen=True)
class Factor:
    """One choice that could explain the shift away, with the values it is tried at."""

    title: str
    field: str  # of a configuration
    levels: tuple[Any, ...]  # in order, the usual one among them

    def configs(self, level: Any, profile: str) -> list[Config]:
        """The runs of a level, one a judged seed; at `smoke` as short as any other."""
        usual = {"n_nearest": 50} if profile == "smoke" else HALF | {"n_nearest": 1_000}
        return [resolve(TASK, MODEL, profile, seed, **usual | {self.field: level}) for seed in seeds_of(profile)]


FACTORS = (
    Factor("training trajectories", "n_train", (3_000, 20_000, 100_000)),
    Factor("training steps", "steps", (1_000, 2_000, 4_000)),
    Factor("width of the network", "width", (32, 128, 256)),
    Factor("trajectories per step", "batch", (64, 256, 512)),
    Factor("averaging of weights", "ema", (0.0, 0.99, 0.999)),
    Factor("noise levels in training", "noise_shift", (-1.0, 0.0, 1.0)),
    Factor("normalisation", "normalisation", ("channel", "step", "range")),
    Factor("number format", "precision", ("float32", "float64")),
    Factor("noise levels in sampling", "heun_steps", (8, 16, 32)),
    Factor("sampler", "sampler", ("heun", "euler", "stochastic")),
)


def usual(profile: str) -> Config:
    """The configuration that every factor departs from, of the first seed."""
    factor = FACTORS[-1]
    return factor.configs(getattr(Config, factor.field), profile)[0]


def factors(profile: str) -> tuple[Factor, ...]:
    """The factors that are tried at a profile; at `smoke` the last, to show how it is done."""
    return FACTORS[-1:] if profile == "smoke" else FACTORS


def clean_shift(task: Task, runs: Sequence[Result]) -> list[float]:
    """Total variation of each run from flat, its sampling noise taken off in quadrature."""
    return [_beyond_noise(observed(task, run).shift, run.config.n_samples) for run in runs]


def local_shift(runs: Sequence[Result], level: float) -> list[float]:
    """Likewise of the masses that redrawing fresh data at a probe level leaves: what the mechanism says is the shift."""
    index = PROBES[runs[0].config.model].levels.index(level)
    distances = [float(total_variation(redrawn(run)[0][index], flat_mass())) for run in runs]
    return [_beyond_noise(tv, run.config.n_probe) for tv, run in zip(distances, runs, strict=True)]


def _beyond_noise(tv: float, n: int) -> float:
    return math.sqrt(max(0.0, tv**2 - tv_floor(flat_mass(), n) ** 2))


def training_set_shift(task: Task, run: Result) -> float:
    """Total variation of a run's own training set from flat."""
    return distance_from_flat(task, training_data(run.config).q)


def copied(task: Task, run: Result) -> float:
    """How near samples are to the set they were trained on, over how near to another set as large of the same law.

    Median over the run's stored trajectories of the ratio of distances to the nearest neighbour: 1 where nothing is
    copied, whatever the error of the samples, and below 1 where they lean on their training set.
    """
    x = (run["trajectories"] / task.scale).reshape(len(run["trajectories"]), -1)
    another = task.sample(run.config.n_train, numpy_rng(run.config.seed, "another training set"))
    sets = ((data.x / task.scale).reshape(len(data.x), -1) for data in (training_data(run.config), another))
    own, other = (KDTree(known).query(x)[0] for known in sets)
    return float(np.median(own / other))


def periodic_windows(task: IntervalMap, rng: np.random.Generator, narrowest: float) -> list[tuple[float, float]]:
    """Stretches of the range where orbits are periodic, between chaotic ones and no narrower than `narrowest`."""
    grid = np.linspace(task.lo, task.hi, 2_001)
    parts, count = label(task.lyapunov(grid, rng) < BARELY)
    found = [grid[parts == part] for part in range(1, count + 1)]
    inner = [(float(w[0]), float(w[-1])) for w in found if w[0] > task.lo and w[-1] < task.hi]
    return [(low, high) for low, high in inner if high - low >= narrowest]


def crowding(q: Float[np.ndarray, " N"], low: float, high: float) -> float:
    """Share of values between `low` and `high` over that in two stretches as wide on either side, minus one."""
    left, inside, right = np.histogram(q, low + (high - low) * np.arange(-1, 3))[0]
    return 2 * inside / (left + right) - 1 if left + right else math.nan
