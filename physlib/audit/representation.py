"""In which representation would an error of one relative size do the least to the quantity? (pages layer)

A model leaves errors in proportion to what it is given. Each representation is a kernel: white error of relative size
`s` in its own channels, turned back into positions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from physlib.audit.before import DRAWS, TYPICAL, push
from physlib.audit.demonstrations import Demonstrations
from physlib.density import total_variation
from physlib.kernels import Isotropic, TrajectoryKernel
from physlib.rng import numpy_rng


def _spread(values: Float[np.ndarray, "N S D"]) -> Float[np.ndarray, " D"]:
    return values.std(axis=(0, 1))


@dataclass(frozen=True)
class Increments(TrajectoryKernel):
    """The first position, and then steps: positions are their running sum."""

    name = "increments"
    s: float

    def deviate(self, task, x, rng):
        step = np.diff(x, axis=1)
        first = x[:, :1] + self.s * _spread(x[:, :1]) * rng.standard_normal(x[:, :1].shape)
        moved = step + self.s * _spread(step) * rng.standard_normal(step.shape)
        return np.cumsum(np.concatenate([first, moved], axis=1), axis=1)


@dataclass(frozen=True)
class LogIncrements(TrajectoryKernel):
    """The first position, and then the logarithm of each step's length and its direction."""

    name = "log-increments"
    s: float

    def deviate(self, task, x, rng):
        step = np.diff(x, axis=1)
        length = np.linalg.norm(step, axis=2, keepdims=True)
        least = 1e-3 * max(float(np.median(length)), 1e-300)  # a step of no length has no logarithm
        log, heading = np.log(length + least), step / np.maximum(length, least)
        log = log + self.s * log.std() * rng.standard_normal(log.shape)
        heading = heading + self.s * _spread(heading) * rng.standard_normal(heading.shape)
        heading /= np.maximum(np.linalg.norm(heading, axis=2, keepdims=True), 1e-12)
        first = x[:, :1] + self.s * _spread(x[:, :1]) * rng.standard_normal(x[:, :1].shape)
        moved = np.clip(np.exp(log) - least, 0, None) * heading
        return np.cumsum(np.concatenate([first, moved], axis=1), axis=1)


@dataclass(frozen=True)
class SineCosine(TrajectoryKernel):
    """Angles as sine and cosine, other columns as they are."""

    name = "sin/cos"
    s: float
    angles: tuple[int, ...]  # which of the chosen columns are angles, in radians

    def deviate(self, task, x, rng):
        moved = x + self.s * task.scale * rng.standard_normal(x.shape)
        for d in self.angles:
            sine, cosine = np.sin(x[..., d]), np.cos(x[..., d])
            error = self.s * rng.standard_normal((2, *sine.shape))
            turned = np.arctan2(sine + sine.std() * error[0], cosine + cosine.std() * error[1])
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
            step = max(float(np.diff(x[..., d], axis=1).std()), 1e-9 * position)
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
    for name, kernel in _candidates(demos.kept.x.shape[2], angles, size):
        pushed = push(demos, kernel, numpy_rng(seed, "audit representation"), draws)
        noise = float(np.sqrt(pushed.noise.sum()) / 2)
        ranked.append(Ranked(name, total_variation(pushed.mass, demos.bins.intended), pushed.mean_shift, noise))
    return sorted(ranked, key=lambda r: (r.tv, abs(r.mean_shift)))


def _candidates(columns: int, angles: tuple[int, ...], size: float) -> Iterator[tuple[str, TrajectoryKernel]]:
    yield "as given", Isotropic(size)
    yield Increments.name, Increments(size)
    if columns > 1:  # one column has no heading
        yield LogIncrements.name, LogIncrements(size)
    if angles:
        yield SineCosine.name, SineCosine(size, angles)
    yield StateWithVelocities.name, StateWithVelocities(size)
