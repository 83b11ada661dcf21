"""The contract of a mitigation: what it changes of a run (theory layer)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float, Int

from physlib.kernels import Kernel
from physlib.stats.histogram import bin_counts, bin_index
from physlib.tasks import Task, Trajectories
from physlib.tasks.representations import Recoded

FEWEST = 1e-3  # least share of samples that a bin is taken to have: an empty one is not infinitely rare
Quantities = Float[np.ndarray, " M"]
Asked = Callable[[int, np.random.Generator], Float[np.ndarray, "N C"]]


@dataclass(frozen=True)
class Change:
    """What is different in a run; what is not named stays as it was."""

    shown: Int[np.ndarray, " N"] | None = None  # data: rows of the demonstrations that are trained on
    task: Recoded | None = None  # coordinates: what the model sees
    told: Float[np.ndarray, "N C"] | None = None  # interface: what the model is told of each demonstration
    asked: Asked | None = None  # and what it is then asked for
    guidance: float = 1.0
    penalty: Callable[[Any, Any], Any] | None = None  # loss term, of denoised and clean trajectories
    kept: Int[np.ndarray, " M"] | None = None  # samples: rows of an earlier run's that are kept, nothing is trained
    arrays: dict[str, np.ndarray] = field(default_factory=dict)  # worth keeping with the run


class Mitigation(ABC):
    """A way to have the balanced quantity come out as intended."""

    name: ClassVar[str]
    after: ClassVar[tuple[str, ...]] = ()  # strategies whose runs it must have seen, "" for the run without any
    needs_quantity: ClassVar[bool] = False  # whether whoever samples must say which value they want

    @abstractmethod
    def change(self, task: Task, data: Trajectories, seen: Sequence[Quantities], rng: np.random.Generator) -> Change:
        """What changes, from the demonstrations and the quantities `seen` in samples of the runs named by `after`."""

    def expected(self, kernel: Kernel) -> Kernel | None:
        """What the kernel of the run without it becomes; `None` where the kernel has nothing to say."""
        return kernel


def inside(task: Task, q: Quantities) -> Float[np.ndarray, " K"]:
    """Share of each bin of the range among values inside, at least `FEWEST`."""
    counts = bin_counts(q, task.lo, task.hi)[1:-2]
    return np.maximum(counts / max(1, counts.sum()), FEWEST)


def drawn(
    task: Task, q: Quantities, weights: Float[np.ndarray, " K"], rng: np.random.Generator
) -> Int[np.ndarray, " N"]:
    """As many rows as there are, drawn with replacement by the weight of their bin."""
    each = weights[bin_index(q, task.lo, task.hi) - 1]
    return rng.choice(len(q), len(q), p=each / each.sum())
