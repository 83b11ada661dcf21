"""The same trajectories in other coordinates: what a model sees and errs in is the codes (tasks layer).

A chart is an invertible map of trajectories. Which one suits a task is asked of its measurement: coordinates that the
quantity depends on evenly let an error of a given size do the least to it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property

import numpy as np
from jaxtyping import Float
from scipy.fft import dct, idct

from physlib.core.rng import numpy_rng
from physlib.tasks.base import FiniteBankTask, RecurrenceTask, Task, Trajectories
from physlib.tasks.maze import Maze

SCALED_BY = 4_096  # codes behind `scale`


class Chart(ABC):
    """An invertible map of trajectories `(N, T, D)` to codes of the same shape."""

    name: str

    @abstractmethod
    def encode(self, x: Float[np.ndarray, "N T D"]) -> Float[np.ndarray, "N T D"]:
        """Codes of trajectories."""

    @abstractmethod
    def decode(self, codes: Float[np.ndarray, "N T D"]) -> Float[np.ndarray, "N T D"]:
        """Inverse of `encode`."""


class Increments(Chart):
    """The first step as it is, every later one as its difference from the one before."""

    name = "increments"

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
    """For a path: the first point, then the logarithm of each step's length and its heading, without jumps of a turn."""

    name = "log step length and heading"

    def encode(self, x):
        step = np.diff(x, axis=1)
        heading = np.unwrap(np.arctan2(step[..., 1], step[..., 0]), axis=1)
        length = np.log(np.maximum(np.hypot(step[..., 0], step[..., 1]), 1e-12))  # a path may rest
        return np.concatenate([x[:, :1], np.stack([length, heading], axis=-1)], axis=1)

    def decode(self, codes):
        length, heading = np.exp(codes[:, 1:, 0]), codes[:, 1:, 1]
        step = length[..., None] * np.stack([np.cos(heading), np.sin(heading)], axis=-1)
        return np.cumsum(np.concatenate([codes[:, :1], step], axis=1), axis=1)


def analytic_chart(task: Task) -> Chart:
    """Coordinates in which the task's quantity can be read off evenly, as far as a formula gives them."""
    if isinstance(task, RecurrenceTask):
        return Rates(task)
    return StepsAndHeadings() if isinstance(task, Maze) and task.shape[1] == 2 else Increments()


class Recoded(Task):
    """A task whose trajectories are the codes of another's; they are decoded before anything is measured."""

    def __init__(self, inner: Task, chart: Chart):
        self.inner, self.chart = inner, chart
        self.family, self.info, self.others = inner.family, inner.info, inner.others
        self.lo, self.hi = inner.lo, inner.hi

    @property
    def name(self):
        return f"{self.inner.name} in {self.chart.name}"

    @cached_property
    def scale(self):
        """Standard deviation of each step and channel, `(T, D)`: codes of different steps are of different kinds."""
        return self.sample(SCALED_BY, numpy_rng(0, f"scale of {self.name}")).x.std(axis=0)

    def prior(self, n, rng):
        return self.inner.prior(n, rng)

    def sample(self, n, rng):
        return self.encoded(self.inner.sample(n, rng))

    def draw(self, n, rng):
        return self.encoded(self.inner.draw(n, rng))

    def encoded(self, data: Trajectories) -> Trajectories:
        """Trajectories of the inner task as this one's."""
        return data._replace(x=self.chart.encode(data.x))

    def nuisance(self, q, rng):
        return self.inner.nuisance(q, rng)

    def generate(self, q, z):
        return self.chart.encode(self.inner.generate(q, z))

    def measure(self, x):
        return self.inner.measure(self.chart.decode(x))

    def residual(self, x):
        return self.inner.residual(self.chart.decode(x))


class _RecodedSimulated(Recoded, FiniteBankTask):
    """As `Recoded`, for kernels that treat simulated rules in their own way."""


def recoded(task: Task, chart: Chart) -> Recoded:
    """The task as seen through a chart."""
    return (_RecodedSimulated if isinstance(task, FiniteBankTask) else Recoded)(task, chart)


def felt(task: Task, n: int, size: float, rng: np.random.Generator) -> Float[np.ndarray, " TD"]:
    """Root-mean-square change of the quantity, over its range, when one entry alone of trajectories is in error.

    The error has `size` in standard deviations of that entry; changes beyond the range count as the range.
    """
    data, width = task.draw(n, rng), task.hi - task.lo
    unit = np.broadcast_to(task.scale, task.shape).ravel()
    moved = np.empty(unit.size)
    for entry in range(unit.size):
        x = data.x.reshape(n, -1).copy()
        x[:, entry] += size * unit[entry] * rng.standard_normal(n)
        with np.errstate(all="ignore"):
            change = np.nan_to_num(task.measure(x.reshape(data.x.shape)) - data.q, nan=width)
        moved[entry] = np.sqrt(np.mean(np.minimum(np.abs(change), width) ** 2)) / width
    return moved
