"""White errors whose size follows the state: the measurement's sensitivity, the speed, the distance from the middle."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from jaxtyping import Float

from physlib.core.rng import numpy_rng
from physlib.kernels.base import TrajectoryKernel
from physlib.kernels.expansion import square_slope
from physlib.tasks.base import Population
from physlib.tasks.sensitivity import bounded

DRAWS = 5_000  # trajectories behind a typical weight
PROBES = 24  # random directions behind a sensitivity by differences
STEP = 1e-3  # size of those differences, share of the standard deviations


def sensitivity(task: Population, x: Float[np.ndarray, "N T D"]) -> Float[np.ndarray, " N"]:
    """Length of the measurement's gradient with each channel in its standard deviations.

    By `torch.func`; where the task is not `differentiable`, by central differences along random directions.
    """
    if task.differentiable:
        return np.sqrt(square_slope(task, x, np.diag(np.tile(task.scale, task.shape[0]))))
    square = np.zeros(len(x))
    rng = np.random.default_rng(0)  # the same directions always: a function of x, not another source of noise
    with np.errstate(all="ignore"):
        for _ in range(PROBES):
            error = STEP * task.scale * rng.standard_normal(x.shape[1:])
            square += bounded(task, task.measure(x + error) - task.measure(x - error)) ** 2
    return np.sqrt(square / PROBES) / (2 * STEP)


_KNOWN: WeakKeyDictionary[Population, dict] = WeakKeyDictionary()
"""Typical weights and mean positions, forgotten together with their task: one may hold gigabytes."""


def typical(task: Population, kernel: type[Scaled]) -> float:
    """Root mean square over data of the weight that a kernel gives each step."""
    known = _KNOWN.setdefault(task, {})
    if kernel.name not in known:
        known[kernel.name] = float(np.sqrt(np.mean(kernel.weight(task, _sample(task)) ** 2)))
    return known[kernel.name]


def _sample(task: Population) -> Float[np.ndarray, "N T D"]:
    return task.draw(DRAWS, numpy_rng(0, f"sensitivity {task.name}")).x


@dataclass(frozen=True)
class Scaled(TrajectoryKernel):
    """`x~ = x + s w(x) e`, with `w` a weight over its root mean square. A subclass says which weight."""

    s: float  # root mean square size, share of each channel's standard deviation

    @staticmethod
    @abstractmethod
    def weight(task: Population, x: Float[np.ndarray, "N T D"]) -> Float[np.ndarray, "N _ 1"]:
        """The weight of each step, or of a whole trajectory."""

    def deviate(self, task, x, rng):
        size = self.s * self.weight(task, x) / max(typical(task, type(self)), 1e-300)
        return x + size * task.scale * rng.standard_normal(x.shape)


class StateScale(Scaled):
    """White error, largest on the trajectories where a small error moves the quantity most."""

    name = "state-scale"

    @staticmethod
    def weight(task, x):
        """`sensitivity`."""
        return sensitivity(task, x)[:, None, None]


class SpeedScale(Scaled):
    """White error in proportion to the local speed."""

    name = "speed-scale"

    @staticmethod
    def weight(task, x):
        """Change of the position a step, channels in their standard deviations."""
        scale = np.where(task.scale > 0, task.scale, 1)
        return np.linalg.norm(np.gradient(x, axis=1) / scale, axis=2, keepdims=True)


class DistanceScale(Scaled):
    """White error in proportion to the distance from the mean position."""

    name = "distance-scale"

    @staticmethod
    def weight(task, x):
        """Distance from the mean over trajectories and steps, channels in their standard deviations."""
        known, scale = _KNOWN.setdefault(task, {}), np.where(task.scale > 0, task.scale, 1)
        if "mean" not in known:
            known["mean"] = _sample(task).mean(axis=(0, 1))
        return np.linalg.norm((x - known["mean"]) / scale, axis=2, keepdims=True)
