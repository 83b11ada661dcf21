"""Conditioning: the model is told the quantity, and then asked for the values that are wanted (theory layer)."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from jaxtyping import Float

from physlib.kernels import Isotropic
from physlib.mitigations.base import Change, Mitigation
from physlib.tasks import Maze, Task


class Condition(Mitigation):
    """The quantity is told in training and asked for, evenly, in sampling."""

    name = "condition"
    needs_quantity = True
    guidance: ClassVar[float] = 1.0

    def change(self, task, data, seen, rng):
        def asked(n, rng):
            return task.prior(n, rng)[:, None]

        return Change(told=data.q[:, None], asked=asked, guidance=self.guidance)

    def expected(self, kernel):
        """A model that knows the quantity need not guess it: nothing contracts, the error of each step remains."""
        return Isotropic(kernel.parameters["s"])


class Guide(Condition):
    """The same with what was told exaggerated in sampling."""

    name = "guide"
    guidance = 2.0


class ConditionEnds(Condition):
    """The quantity and the first state are told together, on a maze the last position too.

    Asked for are ends of other demonstrations with their own quantity, which agree.
    """

    name = "condition-ends"
    shuffled: ClassVar[bool] = False

    def change(self, task, data, seen, rng):
        def asked(n, rng):
            fresh = task.sample(n, rng)
            q = rng.permutation(fresh.q) if self.shuffled else fresh.q
            return np.column_stack([q, ends(task, fresh.x)])

        return Change(told=np.column_stack([data.q, ends(task, data.x)]), asked=asked)


class ConditionApart(ConditionEnds):
    """Likewise, with a quantity drawn regardless of the ends, which need not agree."""

    name = "condition-apart"
    shuffled = True


def ends(task: Task, x: Float[np.ndarray, "N T D"]) -> Float[np.ndarray, "N C"]:
    """The first state, on a maze with the last one behind it."""
    return np.concatenate([x[:, 0], x[:, -1]], axis=1) if isinstance(task, Maze) else x[:, 0]
