"""The Henon map with a flat prior over its nonlinearity: a dissipative map of the plane seen through one coordinate."""

from __future__ import annotations

import array_api_compat
import numpy as np
from jaxtyping import Float

from physlib.tasks.base import RecurrenceTask, TaskInfo
from physlib.tasks.maps import TINY, mean_value, variance

FOLD = 0.3  # b, by which each step multiplies areas


class Henon(RecurrenceTask):
    """Iterates of `x[t+1] = 1 - q x[t]^2 + .3 x[t-1]`; the first two values are uniform on [-.5, .5]."""

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
        nuisance="first two values, uniform on [-.5, .5]",
        regime="chaotic above 1.06 with periodic windows; the strange attractor at 1.4",
        threshold=0.1,
        threshold_reason="one-step errors of a tenth of the signal's standard deviation are a few line widths in a plot",
        source="M. Henon, A two-dimensional mapping with a strange attractor, Commun. Math. Phys. 50 (1976), 69-77",
    )
    others = {"mean": mean_value, "variance": variance}
    HEAD = 2
    SPAN = (-1.5, 1.5)
    NUISANCE = ((-0.5, 0.5), (-0.5, 0.5))

    def lyapunov(
        self, q: Float[np.ndarray, " N"], rng: np.random.Generator, steps: int = 2_000
    ) -> Float[np.ndarray, " N"]:
        """Larger Lyapunov exponent at each parameter, nats per step: mean growth of a tangent vector along an orbit."""
        before, x = self.nuisance(q, rng).T
        tangent, total = np.stack([np.zeros(q.size), np.ones(q.size)]), np.zeros(q.size)
        for t in range(2 * steps):
            tangent = np.stack([tangent[1], FOLD * tangent[0] - 2 * q * x * tangent[1]])
            before, x = x, 1 - q * x**2 + FOLD * before
            length = np.linalg.norm(tangent, axis=0) + TINY
            tangent = tangent / length
            total += np.log(length) if t >= steps else 0
        return total / steps

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
        return -(x[:, -1] ** 2), 1 + FOLD * x[:, -2]

    def information(self, x):
        return np.sum(x[:, 1:-1, 0] ** 4, axis=1)

    def measure(self, x):
        """The parameter by least squares over triples, linear in it."""
        xp = array_api_compat.array_namespace(x)
        square, rest = self._triples(x)
        return xp.sum(square * rest, axis=-1) / xp.sum(square**2, axis=-1)

    def residual(self, x):
        xp = array_api_compat.array_namespace(x)
        square, rest = self._triples(x)
        error = rest - self.measure(x)[..., None] * square
        return xp.sqrt(xp.mean(error**2, axis=-1)) / float(self.scale[0])

    @staticmethod
    def _triples(x):
        """Squares of inner values, and what the rule says is q times them, `(N, T-2)` each."""
        u = x[..., 0]
        return u[..., 1:-1] ** 2, 1 + FOLD * u[..., :-2] - u[..., 2:]
