"""A task whose balanced quantity is read by another estimator."""

from __future__ import annotations

from functools import cached_property

from physlib.tasks.base import Task
from physlib.tasks.estimators.registry import DEFAULT, get_estimator


class Reread(Task):
    """The same trajectories and prior as another task's, measured by one of its estimators."""

    differentiable = False

    def __init__(self, inner: Task, estimator: str):
        self.inner, self.estimator, self._read = inner, estimator, get_estimator(inner, estimator)
        self.family, self.info, self.others = inner.family, inner.info, inner.others
        self.lo, self.hi, self.prior, self.can_regenerate = inner.lo, inner.hi, inner.prior, inner.can_regenerate

    @property
    def name(self):
        return f"{self.inner.name} by {self.estimator}"

    @cached_property
    def scale(self):
        """The inner task's."""
        return self.inner.scale

    def prior_draws(self, n, rng):
        return self.inner.prior_draws(n, rng)

    def sample(self, n, rng):
        return self.inner.sample(n, rng)

    def draw(self, n, rng):
        return self.inner.draw(n, rng)

    def nuisance(self, q, rng):
        return self.inner.nuisance(q, rng)

    def generate(self, q, z):
        return self.inner.generate(q, z)

    def measure(self, x):
        return self._read(x)

    def residual(self, x):
        return self.inner.residual(x)


def read_by(task: Task, estimator: str = DEFAULT) -> Task:
    """The task with its quantity read by that estimator; no other object where it is the default one."""
    return task if estimator in ("", DEFAULT) else Reread(task, estimator)
