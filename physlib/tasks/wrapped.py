"""What tasks have in common that see another task's trajectories in another way."""

from __future__ import annotations

from physlib.tasks.base import Task


class WrappedTask(Task):
    """A task with the range, prior and nuisance variables of another."""

    differentiable = False

    def __init__(self, inner: Task):
        self.inner = inner
        self.family, self.info, self.others = inner.family, inner.info, inner.others
        self.lo, self.hi, self.prior, self.can_regenerate = inner.lo, inner.hi, inner.prior, inner.can_regenerate

    def prior_draws(self, n, rng):
        return self.inner.prior_draws(n, rng)

    def nuisance(self, q, rng):
        return self.inner.nuisance(q, rng)
