"""In which representation would an error of one relative size do the least to the quantity? (pages layer)

A model leaves errors in proportion to what it is given. Each representation is a kernel: white error of relative size
`s` in its own channels, turned back into positions. Spreads of channels are those of all kept demonstrations.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from physlib.audit.before import DRAWS, TYPICAL, push
from physlib.audit.demonstrations import Demonstrations
from physlib.core.rng import numpy_rng
from physlib.kernels import Isotropic, TrajectoryKernel
from physlib.stats.distances import total_variation
from physlib.tasks.representations import Chart, Increments


class LogIncrements(Chart):
    """The first position, and then each step's direction and the logarithm of its length: one channel more, `(N, T, D + 1)`.

    For any number of columns from two; `least` is added to lengths, as a step of no length has no logarithm.
    """

    name = "log-increments"

    def __init__(self, least: float):
        self.least = least

    def encode(self, x):
        step = np.diff(x, axis=1)
        length = np.linalg.norm(step, axis=2, keepdims=True)
        codes = np.concatenate([step / np.maximum(length, self.least), np.log(length + self.least)], axis=2)
        return np.concatenate([np.pad(x[:, :1], ((0, 0), (0, 0), (0, 1))), codes], axis=1)

    def decode(self, codes):
        heading = codes[:, 1:, :-1]
        heading = heading / np.maximum(np.linalg.norm(heading, axis=2, keepdims=True), 1e-12)
        length = np.clip(np.exp(codes[:, 1:, -1:]) - self.least, 0, None)
        return np.cumsum(np.concatenate([codes[:, :1, :-1], length * heading], axis=1), axis=1)


@dataclass(frozen=True)
class Coded(TrajectoryKernel):
    """White error in the codes of a chart whose first step is a position and whose others are steps."""

    name = "coded"
    chart: Chart
    spread: Float[np.ndarray, "T E"]  # standard deviation of each code
    s: float  # share of it

    @classmethod
    def of(cls, demos: Demonstrations, chart: Chart, s: float) -> Coded:
        """Channels are scaled over all steps alike, as a model's are, but for the first, which is of another kind."""
        codes = chart.encode(demos.kept.x)
        spread = np.tile(codes[:, 1:].std(axis=(0, 1)), (codes.shape[1], 1))
        spread[0] = codes[:, 0].std(axis=0)
        return cls(chart, spread, s)

    def deviate(self, task, x, rng):
        codes = self.chart.encode(x)
        return self.chart.decode(codes + self.s * self.spread * rng.standard_normal(codes.shape))


@dataclass(frozen=True)
class SineCosine(TrajectoryKernel):
    """Angles as sine and cosine, other columns as they are; winding is kept."""

    name = "sin/cos"
    s: float
    angles: tuple[int, ...]  # which of the chosen columns are angles, in radians

    def deviate(self, task, x, rng):
        moved = x + self.s * task.scale * rng.standard_normal(x.shape)
        for d in self.angles:
            spread = [part(task.kept.x[..., d]).std() for part in (np.sin, np.cos)]
            error = self.s * rng.standard_normal((2, *x.shape[:2]))
            turned = np.arctan2(np.sin(x[..., d]) + spread[0] * error[0], np.cos(x[..., d]) + spread[1] * error[1])
            apart = turned - x[..., d]
            moved[..., d] = x[..., d] + np.arctan2(np.sin(apart), np.cos(apart))
        return moved


@dataclass(frozen=True)
class StateWithVelocities(TrajectoryKernel):
    """Positions and velocities side by side: the path that fits both best, by least squares."""

    name = "state with velocities"
    s: float

    def deviate(self, task, x, rng):
        steps = x.shape[1]
        difference, moved = np.diff(np.eye(steps), axis=0), x.copy()
        for d in np.flatnonzero(task.scale > 0):
            position = task.scale[d]
            step = max(float(np.diff(task.kept.x[..., d], axis=1).std()), 1e-9 * position)
            normal = np.eye(steps) / position**2 + difference.T @ difference / step**2
            # the fit is linear: its error is what it makes of the errors of positions and of steps
            pull = rng.standard_normal((len(x), steps)) / position
            pull += (rng.standard_normal((len(x), steps - 1)) / step) @ difference
            moved[..., d] = x[..., d] + self.s * np.linalg.solve(normal, pull.T).T
        return moved


class Ranked(NamedTuple):
    """What an error of the typical relative size would do in one representation."""

    name: str
    tv: float  # forecast total variation from the intended law
    mean_shift: float  # forecast change of the mean, in the quantity's unit
    spread: float  # standard error of `tv` from Monte Carlo, roughly


def rank(demos: Demonstrations, angles: tuple[int, ...], seed: int, size: float = TYPICAL[0]) -> list[Ranked]:
    """Representations from the least forecast shift to the largest, "as given" among them."""
    draws = int(min(DRAWS, max(2_000, len(demos.kept.x))))
    ranked = []
    for name, kernel in _candidates(demos, angles, size):
        pushed = push(demos, kernel, numpy_rng(seed, "audit representation"), draws)
        noise = float(np.sqrt(pushed.noise.sum()) / 2)
        ranked.append(Ranked(name, total_variation(pushed.mass, demos.bins.intended), pushed.mean_shift, noise))
    return sorted(ranked, key=lambda r: (r.tv, abs(r.mean_shift)))


def _candidates(demos: Demonstrations, angles: tuple[int, ...], size: float) -> Iterator[tuple[str, TrajectoryKernel]]:
    yield "as given", Isotropic(size)
    charts: list[Chart] = [Increments()]
    if demos.shape[1] > 1:  # one column has no heading
        length = np.linalg.norm(np.diff(demos.kept.x, axis=1), axis=2)
        charts.append(LogIncrements(1e-3 * max(float(np.median(length)), 1e-300)))
    for chart in charts:
        yield chart.name, Coded.of(demos, chart, size)
    if angles:
        yield SineCosine.name, SineCosine(size, angles)
    yield StateWithVelocities.name, StateWithVelocities(size)
