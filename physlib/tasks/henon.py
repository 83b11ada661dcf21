"""The Henon map with a prior over its parameter, seen through one coordinate."""

from __future__ import annotations

import array_api_compat
import numpy as np

from physlib.tasks.base import RecurrenceTask, TaskInfo
from physlib.tasks.maps import mean_value, variance

CONTRACTION = 0.3  # b of the map: areas shrink to that share at each step


class Henon(RecurrenceTask):
    """`x[t+1] = 1 - q x[t]^2 + b x[t-1]`: a strange attractor in the plane, of which a model sees the first coordinate."""

    family = "henon"
    info = TaskInfo(
        title="Henon map",
        rule=r"x_{t+1} = 1 - q\, x_t^2 + 0.3\, x_{t-1}",
        quantity="parameter",
        symbol="q",
        unit="1",
        lo=1.0,
        hi=1.4,
        domain=(0.0, 1.4),
        steps=16,
        dims=1,
        nuisance="first two values, uniform on [-.2, .2]",
        regime="chaotic above 1.06, with periodic windows; of period four or eight below",
        threshold=0.1,
        threshold_reason="one-step errors of a tenth of the signal's standard deviation are a few line widths in a plot",
        source="M. Henon, A two-dimensional mapping with a strange attractor, Comm. Math. Phys. 50 (1976), 69-77",
    )
    others = {"mean": mean_value, "variance": variance}
    HEAD = 2
    SPAN = (-1.5, 1.5)
    NUISANCE = ((-0.2, 0.2), (-0.2, 0.2))

    def nuisance(self, q, rng):
        return rng.uniform(*self.NUISANCE[0], (q.size, 2))

    def generate(self, q, z):
        x = np.empty((q.size, self.info.steps, 1))
        x[:, :2, 0] = z
        for t in range(2, self.info.steps):
            x[:, t] = self.advance(x[:, :t], q)
        return x

    @staticmethod
    def coefficient(q):
        return q

    @staticmethod
    def parameter(c):
        return c

    def parts(self, x):
        return -(x[:, -1] ** 2), 1 + CONTRACTION * x[:, -2]

    def information(self, x):
        return np.sum(x[:, 1:-1, 0] ** 4, axis=1)

    def measure(self, x):
        """The parameter by least squares over steps, in which the rule is linear."""
        xp = array_api_compat.array_namespace(x)
        square, left = x[..., 1:-1, 0] ** 2, 1 + CONTRACTION * x[..., :-2, 0] - x[..., 2:, 0]
        return xp.sum(square * left, axis=-1) / xp.sum(square**2, axis=-1)

    def residual(self, x):
        xp = array_api_compat.array_namespace(x)
        square, left = x[..., 1:-1, 0] ** 2, 1 + CONTRACTION * x[..., :-2, 0] - x[..., 2:, 0]
        return xp.sqrt(xp.mean((left - self.measure(x)[..., None] * square) ** 2, axis=-1)) / float(self.scale[0])
