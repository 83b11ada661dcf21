"""What a mitigation is: a strategy, and what it changes of a run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Bool, Float, Int

from physlib.kernels import Kernel
from physlib.tasks import Task, Trajectories
from physlib.tasks.representations import Recoded

FEWEST = 1e-3  # least share of samples that a bin is taken to have: an empty one is not infinitely rare
Quantities = Float[np.ndarray, " M"]


@dataclass(frozen=True)
class Change:
    """What is different in a run; what is not named stays as it was."""

    train_rows: Int[np.ndarray, " N"] | None = None  # data: rows of the demonstrations that are trained on
    wider: Task | None = None  # data: the same task on a wider range, to which the model is trained
    data: Trajectories | None = None  # and its demonstrations; samples outside the wanted range are thrown away
    task: Recoded | None = None  # coordinates: the task whose trajectories are what the model sees
    condition: Float[np.ndarray, "N C"] | None = None  # interface: numbers of each demonstration that the model knows
    requested: Callable[[int, np.random.Generator], Float[np.ndarray, "N C"]] | None = None  # and those of samples
    guidance: float = 1.0
    penalty: Callable[[Any, Any], Any] | None = None  # loss term, of denoised and clean trajectories
    selected: Int[np.ndarray, " M"] | None = None  # samples: rows of an earlier run's that are kept, nothing is trained
    arrays: dict[str, np.ndarray] = field(default_factory=dict)  # stored with the run


class Mitigation(ABC):
    """A strategy against the shift of the balanced quantity."""

    name: ClassVar[str]
    version: ClassVar[int] = 1  # raise by hand when the meaning of the strategy changes: stored runs then miss
    after: ClassVar[tuple[str, ...]] = ()  # strategies whose runs it depends on, "" for the run without any
    needs_quantity: ClassVar[bool] = False  # whether whoever samples must say which value they want

    @abstractmethod
    def change(self, task: Task, data: Trajectories, seen: Sequence[Quantities], rng: np.random.Generator) -> Change:
        """What changes, from the demonstrations and the quantities `seen` in samples of the runs named by `after`."""

    def expected(self, kernel: Kernel) -> Kernel | None:
        """What the kernel of the run without it becomes; `None` where the kernel has nothing to say."""
        return kernel


def within(task: Task, q: Quantities) -> Bool[np.ndarray, " M"]:
    """Which values lie in the range of the task."""
    return (q >= task.lo) & (q <= task.hi)


def inside(task: Task, q: Quantities) -> Float[np.ndarray, " K"]:
    """Share of each bin of the range among values inside, at least `FEWEST`."""
    counts = task.bins.counts(q)[1:-2]
    return np.maximum(counts / max(1, counts.sum()), FEWEST)


def drawn(
    task: Task, q: Quantities, weights: Float[np.ndarray, " K"], rng: np.random.Generator
) -> Int[np.ndarray, " N"]:
    """As many rows as there are, drawn with replacement by the weight of their bin."""
    each = weights[task.bins.index(q) - 1]
    return rng.choice(len(q), len(q), p=each / each.sum())
