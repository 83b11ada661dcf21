"""Conditioning: the model knows the quantity in training, and samples are requested by its value."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from jaxtyping import Float

from physlib.kernels import Isotropic
from physlib.mitigations.base import Change, Mitigation
from physlib.tasks import Maze, Task


class _Conditional(Mitigation):
    needs_quantity = True

    def expected(self, kernel):
        """A model that knows the quantity need not guess it: nothing contracts, the error of each step remains."""
        return Isotropic(kernel.parameters["s"])


class Condition(_Conditional):
    """The model is conditioned on the quantity; samples are requested with values from the prior."""

    name = "condition"
    guidance: ClassVar[float] = 1.0

    def change(self, task, data, seen, rng):
        def requested(n, rng):
            return task.prior_draws(n, rng)[:, None]

        return Change(condition=data.q[:, None], requested=requested, guidance=self.guidance)


class Guide(Condition):
    """The same with the condition exaggerated in sampling."""

    name = "guide"
    guidance = 2.0


class ConditionEnds(_Conditional):
    """The model is conditioned on the quantity and the first state, on a maze on the last position too.

    Requested are ends of other demonstrations with their own quantity, which agree.
    """

    name = "condition-ends"
    shuffled: ClassVar[bool] = False

    def change(self, task, data, seen, rng):
        def requested(n, rng):
            fresh = task.sample(n, rng)
            q = rng.permutation(fresh.q) if self.shuffled else fresh.q
            return np.column_stack([q, ends(task, fresh.x)])

        return Change(condition=np.column_stack([data.q, ends(task, data.x)]), requested=requested)


class ConditionApart(ConditionEnds):
    """Likewise, with a quantity drawn regardless of the ends, which need not agree."""

    name = "condition-apart"
    shuffled = True


def ends(task: Task, x: Float[np.ndarray, "N T D"]) -> Float[np.ndarray, "N C"]:
    """The first state, on a maze with the last one behind it."""
    return np.concatenate([x[:, 0], x[:, -1]], axis=1) if isinstance(task, Maze) else x[:, 0]
