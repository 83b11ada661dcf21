"""The contract of a data deviation kernel: what a model of a class emits where the data had x.

Sizes `s`, `t` are shares of each channel's standard deviation (`Population.scale`); sizes of kernels that
act on the quantity alone are shares of its range.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from numbers import Real
from typing import ClassVar

import numpy as np
from jaxtyping import Float

from physlib.tasks.base import Population, Task, Trajectories


class Kernel(ABC):
    """A law of the measured quantity given a data trajectory. Free numbers are float fields of a dataclass."""

    name: ClassVar[str]
    most_draws: ClassVar[int] = 10**9  # beyond which a forecast would take minutes
    most: ClassVar[dict[str, float]] = {}  # largest value that a free number can take, where there is one

    @property
    def parameters(self) -> dict[str, float]:
        """The free numbers by name."""
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return {name: float(value) for name, value in values.items() if isinstance(value, Real)}

    @abstractmethod
    def push(self, task: Population, data: Trajectories, rng: np.random.Generator) -> Float[np.ndarray, " N"]:
        """One draw of the deviated quantity for each trajectory; NaN where it cannot be measured."""

    @abstractmethod
    def trajectories(self, task: Task, data: Trajectories, rng: np.random.Generator) -> Float[np.ndarray, "N T D"]:
        """One draw of the deviated trajectory for each, on which anything can be measured.

        Raises `PhyslibError` where the kernel says nothing of trajectories.
        """


class QuantityKernel(Kernel):
    """A law in the quantity alone; what it says of trajectories is the rule at its quantity with fresh nuisance."""

    def trajectories(self, task, data, rng):
        q = np.nan_to_num(self.push(task, data, rng), nan=task.prior.mean)
        q = np.clip(q, *task.info.domain)
        return task.generate(q, task.nuisance(q, rng))


class TrajectoryKernel(Kernel):
    """A kernel that deviates the trajectory and lets the task measure what came out."""

    @abstractmethod
    def deviate(
        self, task: Population, x: Float[np.ndarray, "N T D"], rng: np.random.Generator
    ) -> Float[np.ndarray, "N T D"]:
        """One draw of the deviated trajectory for each trajectory."""

    def push(self, task, data, rng):
        with np.errstate(all="ignore"):  # what cannot be measured is counted as failed
            return task.remeasure(self.deviate(task, data.x, rng), data)

    def trajectories(self, task, data, rng):
        with np.errstate(all="ignore"):
            return self.deviate(task, data.x, rng)
