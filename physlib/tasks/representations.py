"""The same trajectories in other coordinates: what a model sees and errs in is the codes.

A chart maps trajectories to codes and back. Coordinates that the quantity depends on evenly let an error of a given
size do the least to it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import ClassVar

import numpy as np
from jaxtyping import Float
from scipy.fft import dct, idct

from physlib.core.rng import numpy_rng
from physlib.tasks.base import RecurrenceTask, Task, Trajectories
from physlib.tasks.maze import Maze
from physlib.tasks.wrapped import WrappedTask

SCALED_BY = 4_096  # codes behind `scale`


class Chart(ABC):
    """A map of trajectories `(N, T, D)` to codes `(N, T, E)`, with an inverse on these."""

    name: str
    unlike: ClassVar[int | None] = None  # leading steps whose codes are each of a kind of their own; None for all

    @abstractmethod
    def encode(self, x: Float[np.ndarray, "N T D"]) -> Float[np.ndarray, "N T E"]:
        """Codes of trajectories."""

    @abstractmethod
    def decode(self, codes: Float[np.ndarray, "N T E"]) -> Float[np.ndarray, "N T D"]:
        """Inverse of `encode`."""

    def difference(
        self, x: Float[np.ndarray, "N T D"], origin: Float[np.ndarray, "N T D"]
    ) -> Float[np.ndarray, "N T D"]:
        """How far decoded trajectories are apart."""
        return x - origin

    def spread(self, x: Float[np.ndarray, "N T D"]) -> Float[np.ndarray, "T E"]:
        """Standard deviation of the codes of trajectories: of each code that is `unlike`, of a channel for the others."""
        codes = self.encode(x)
        spread = np.tile(codes[:, self.unlike :].std(axis=(0, 1)), (codes.shape[1], 1))
        spread[: self.unlike] = codes[:, : self.unlike].std(axis=0)
        return spread


class Increments(Chart):
    """The first step as it is, every later one as its difference from the one before."""

    name, unlike = "increments", 1

    def encode(self, x):
        return np.diff(x, axis=1, prepend=0)

    def decode(self, codes):
        return np.cumsum(codes, axis=1)


class Cosines(Chart):
    """The cosine transform over time (type II, orthonormal), for motion that is smooth.

    High frequencies vary least in the data, so that an error of the same relative size in every number is a smooth one.
    """

    name = "cosines"

    def encode(self, x):
        return dct(x, axis=1, norm="ortho")

    def decode(self, codes):
        return idct(codes, axis=1, norm="ortho")


class Rates(Chart):
    """For a rule that is linear in a coefficient of the steps before.

    Codes are the first steps, which the rule leaves free, and then the parameter that each later one says.
    """

    name = "parameter of each step"

    def __init__(self, task: RecurrenceTask):
        self.task = task

    def encode(self, x):
        codes = x.copy()
        for t in range(self.task.HEAD, x.shape[1]):
            g, h = self.task.parts(x[:, :t])
            codes[:, t] = self.task.parameter((x[:, t] - h) / g)
        return codes

    def decode(self, codes):
        x = codes.copy()
        with np.errstate(all="ignore"):  # a parameter beyond the rule's domain leads to infinity
            for t in range(self.task.HEAD, x.shape[1]):
                g, h = self.task.parts(x[:, :t])
                x[:, t] = self.task.coefficient(codes[:, t]) * g + h
        return x


class StepsAndHeadings(Chart):
    """For a path: the first point, then the logarithm of each step's length, at least `least`, and its heading.

    The heading is an angle without jumps of a turn, for paths in the plane; or, as `vectors`, a unit vector in any
    number of columns from two, one channel more.
    """

    name, unlike = "log step length and heading", 1

    def __init__(self, least: float = 1e-12, vectors: bool = False):
        self.least, self.vectors = least, vectors  # a path may rest

    def encode(self, x):
        step = np.diff(x, axis=1)
        length = np.maximum(np.hypot.reduce(step, axis=2), self.least)[..., None]
        if self.vectors:
            heading = step / length
        else:
            heading = np.unwrap(np.arctan2(step[..., 1], step[..., 0]), axis=1)[..., None]
        codes = np.concatenate([np.log(length), heading], axis=2)
        first = np.pad(x[:, :1], ((0, 0), (0, 0), (0, codes.shape[2] - x.shape[2])))
        return np.concatenate([first, codes], axis=1)

    def decode(self, codes):
        length, heading = np.exp(codes[:, 1:, :1]), codes[:, 1:, 1:]
        if self.vectors:
            heading = heading / np.maximum(np.linalg.norm(heading, axis=2, keepdims=True), 1e-12)
        else:
            heading = np.concatenate([np.cos(heading), np.sin(heading)], axis=2)
        return np.cumsum(np.concatenate([codes[:, :1, : heading.shape[2]], length * heading], axis=1), axis=1)


class SineCosine(Chart):
    """The columns `angles`, in radians, as sine and cosine, one channel more for each; others as they are.

    `decode` gives an angle in (-pi, pi]: codes do not hold how often it has wound.
    """

    name, unlike = "sin/cos", 0

    def __init__(self, angles: Sequence[int]):
        self.angles = list(angles)

    def encode(self, x):
        codes = np.concatenate([x, np.cos(x[..., self.angles])], axis=2)
        codes[..., self.angles] = np.sin(x[..., self.angles])
        return codes

    def decode(self, codes):
        x = codes[..., : codes.shape[2] - len(self.angles)].copy()
        x[..., self.angles] = np.arctan2(x[..., self.angles], codes[..., x.shape[2] :])
        return x

    def difference(self, x, origin):
        apart = x - origin
        apart[..., self.angles] = (apart[..., self.angles] + np.pi) % (2 * np.pi) - np.pi
        return apart


class StateWithVelocities(Chart):
    """Positions and, behind them, the step that led to each (to the first the second's).

    Decoded to the path that fits both best, weighted by the standard deviations `position` and `step` of each column.
    """

    name, unlike = "state with velocities", 0

    def __init__(self, position: Float[np.ndarray, " D"], step: Float[np.ndarray, " D"]):
        self.position, self.step = position, np.maximum(step, 1e-9 * position)

    def encode(self, x):
        step = np.diff(x, axis=1)
        return np.concatenate([x, np.concatenate([step[:, :1], step], axis=1)], axis=2)

    def decode(self, codes):
        steps, dims = codes.shape[1], codes.shape[2] // 2
        difference, x = np.diff(np.eye(steps), axis=0), codes[..., :dims].copy()
        for d in np.flatnonzero(self.position > 0):
            weight = (self.position[d] / self.step[d]) ** 2
            pull = codes[..., d] + weight * codes[:, 1:, dims + d] @ difference
            x[..., d] = np.linalg.solve(np.eye(steps) + weight * difference.T @ difference, pull.T).T
        return x


def analytic_chart(task: Task) -> Chart:
    """Coordinates in which the task's quantity can be read off evenly, as far as a formula gives them."""
    if isinstance(task, RecurrenceTask):
        return Rates(task)
    return StepsAndHeadings() if isinstance(task, Maze) and task.shape[1] == 2 else Increments()


class Recoded(WrappedTask):
    """A task whose trajectories are the codes of another's; they are decoded before anything is measured."""

    def __init__(self, inner: Task, chart: Chart):
        super().__init__(inner)
        self.chart = chart

    @property
    def name(self):
        return f"{self.inner.name} in {self.chart.name}"

    @cached_property
    def scale(self):
        """Standard deviation of each step and channel, `(T, D)`: codes of different steps are of different kinds."""
        return self.sample(SCALED_BY, numpy_rng(0, f"scale of {self.name}")).x.std(axis=0)

    def sample(self, n, rng):
        return self.encoded(self.inner.sample(n, rng))

    def draw(self, n, rng):
        return self.encoded(self.inner.draw(n, rng))

    def bank(self, n: int) -> Trajectories:
        """Codes of the inner task's bank, where it has one."""
        return self.encoded(self.inner.bank(n))

    def encoded(self, data: Trajectories) -> Trajectories:
        """Trajectories of the inner task as this one's."""
        return data._replace(x=self.chart.encode(data.x))

    def generate(self, q, z):
        return self.chart.encode(self.inner.generate(q, z))

    def measure(self, x):
        return self.inner.measure(self.chart.decode(x))

    def residual(self, x):
        return self.inner.residual(self.chart.decode(x))
