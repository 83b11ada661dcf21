"""Van der Pol's oscillator with a prior over its damping: a limit cycle that turns from a circle into jumps."""

from __future__ import annotations

from typing import Any

import array_api_compat
import numpy as np
from jaxtyping import Float

from physlib.tasks.base import Task, TaskInfo
from physlib.tasks.rk8 import integrate

DT = 0.25  # between points, in units of the undamped angular frequency
SUBSTEPS = 2  # steps of the integrator between points
CHUNK = 20_000  # trajectories integrated at once


def _primitive(x: Any) -> Any:
    """`x - x^3 / 3`, whose rate of change is the damping term over its parameter."""
    return x - x**3 / 3


class VanDerPol(Task):
    """`x'' = q (1 - x^2) x' - x`, positions and velocities, from random states about the limit cycle."""

    family = "van-der-pol"
    info = TaskInfo(
        title="Van der Pol's oscillator",
        rule=r"\ddot x = q\,(1 - x^2)\,\dot x - x",
        quantity="damping",
        symbol="q",
        unit="1",
        lo=0.3,
        hi=2.0,
        domain=(0.0, 4.0),
        steps=32,
        dims=2,
        nuisance="first state: radius uniform on [1, 2.5], angle uniform",
        regime="regular: every motion falls on the limit cycle, a circle for small q, jumps for large q",
        threshold=0.1,
        threshold_reason="at .1 one step misses the equation of motion by a tenth of a velocity's standard deviation",
        source="B. van der Pol, On relaxation-oscillations, Philosophical Magazine 2 (1926), 978-992",
    )

    def nuisance(self, q, rng):
        return np.column_stack([rng.uniform(1, 2.5, q.size), rng.uniform(-np.pi, np.pi, q.size)])

    def generate(self, q, z):
        parts = [slice(i, i + CHUNK) for i in range(0, len(q), CHUNK)]
        return np.concatenate([self._path(q[p], z[p]) for p in parts])

    def _path(self, q: Float[np.ndarray, " N"], z: Float[np.ndarray, "N 2"]) -> Float[np.ndarray, "N T 2"]:
        def rate(state):
            x, v = state
            return np.stack([v, q * (1 - x**2) * v - x])

        start = z[:, 0] * np.stack([np.cos(z[:, 1]), np.sin(z[:, 1])])
        return np.moveaxis(integrate(rate, start, DT, self.info.steps, SUBSTEPS), 2, 0)

    def _balance(self, x: Float[Any, "*N T 2"]) -> tuple[Any, Any]:
        """Change of `x - x^3 / 3` and of velocity plus impulse of the spring over each step; their ratio is the damping.

        The impulse by the quadrature of Hermite that is exact for cubics (error of order `DT^5`).
        """
        place, speed = x[..., 0], x[..., 1]
        pushed = _primitive(place[..., 1:]) - _primitive(place[..., :-1])
        impulse = DT / 2 * (place[..., 1:] + place[..., :-1]) + DT**2 / 12 * (speed[..., :-1] - speed[..., 1:])
        return pushed, speed[..., 1:] - speed[..., :-1] + impulse

    def measure(self, x):
        """The damping by least squares over steps of the equation of motion, integrated once."""
        xp = array_api_compat.array_namespace(x)
        pushed, gained = self._balance(x)
        return xp.sum(pushed * gained, axis=-1) / xp.sum(pushed**2, axis=-1)

    def residual(self, x):
        xp = array_api_compat.array_namespace(x)
        pushed, gained = self._balance(x)
        left = gained - self.measure(x)[..., None] * pushed
        return xp.sqrt(xp.mean(left**2, axis=-1)) / float(self.scale[1])
