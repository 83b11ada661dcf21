"""A task whose balanced quantity is read by another estimator."""

from __future__ import annotations

from functools import cached_property, lru_cache

from physlib.tasks.base import Task
from physlib.tasks.estimators.registry import DEFAULT, get_estimator
from physlib.tasks.wrapped import WrappedTask


class Reread(WrappedTask):
    """The same trajectories and prior as another task's, measured by one of its estimators."""

    def __init__(self, inner: Task, estimator: str):
        super().__init__(inner)
        self.estimator, self._read = estimator, get_estimator(inner, estimator)

    @property
    def name(self):
        return f"{self.inner.name} by {self.estimator}"

    @cached_property
    def scale(self):
        """The inner task's."""
        return self.inner.scale

    def sample(self, n, rng):
        return self.inner.sample(n, rng)

    def draw(self, n, rng):
        return self.inner.draw(n, rng)

    def generate(self, q, z):
        return self.inner.generate(q, z)

    def measure(self, x):
        return self._read(x)

    def residual(self, x):
        return self.inner.residual(x)


def read_by(task: Task, estimator: str = DEFAULT) -> Task:
    """The task with its quantity read by that estimator; no other object where it is the default one."""
    return task if estimator in ("", DEFAULT) else _reread(task, estimator)


@lru_cache
def _reread(task: Task, estimator: str) -> Reread:
    """One object for each task and estimator, so that what is kept by task, as regressions are, is found again."""
    return Reread(task, estimator)
