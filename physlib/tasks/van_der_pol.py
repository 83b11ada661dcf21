"""Van der Pol's oscillator with a flat prior over its damping: motion drawn to a limit cycle, seen as states."""

from __future__ import annotations

from typing import Any

import array_api_compat
import numpy as np
from jaxtyping import Float

from physlib.tasks.base import Task, TaskInfo
from physlib.tasks.rk8 import integrate

DT = 0.5  # between points, in units of the inverse frequency of small swings
SUBSTEPS = 3  # steps of the integrator between points: error below 1e-6 over the path


def rate(q: Any, state: Any) -> Any:
    """Time derivative of `(position, speed)` on the first axis."""
    xp = array_api_compat.array_namespace(state)
    x, v = state[0, ...], state[1, ...]
    return xp.stack([v, q * (1 - x**2) * v - x])


def swing(q: Float[np.ndarray, " N"], start: Float[np.ndarray, "2 N"], steps: int) -> Float[np.ndarray, "N T 2"]:
    """States of the oscillators from given ones on, every `DT`."""
    return np.moveaxis(integrate(lambda state: rate(q, state), start, DT, steps, SUBSTEPS), (0, 1, 2), (1, 2, 0))


def largest(x):
    """Largest distance from the centre, `(N,)`; near 2 on the limit cycle whatever the damping."""
    xp = array_api_compat.array_namespace(x)
    return xp.max(xp.abs(x[..., 0]), axis=-1)


class VanDerPol(Task):
    """The oscillator `x'' = q (1 - x^2) x' - x` from a first state that is uniform on a square."""

    family = "van-der-pol"
    info = TaskInfo(
        title="Van der Pol oscillator",
        rule=r"\ddot x = q\,(1 - x^2)\,\dot x - x",
        quantity="damping",
        symbol="q",
        unit="1",
        lo=0.2,
        hi=2.0,
        domain=(0.0, 4.0),
        steps=16,
        dims=2,
        nuisance="first position and speed, uniform on [-2, 2]",
        regime="regular: every motion is drawn to one cycle, nearly a circle below .5, of fast and slow parts above 1",
        threshold=0.1,
        threshold_reason="a miss of a tenth of the signal's standard deviation is a few line widths in a plot",
        source="B. van der Pol, On relaxation-oscillations, Philosophical Magazine 2 (1926), 978-992",
    )
    others = {"largest distance": largest}
    costly = True
    NUISANCE = ((-2.0, 2.0), (-2.0, 2.0))

    def nuisance(self, q, rng):
        return rng.uniform(*self.NUISANCE[0], (q.size, 2))

    def generate(self, q, z):
        return swing(q, z.T, self.info.steps)

    def measure(self, x):
        """The damping by least squares of the equation of motion integrated from each point to the next.

        The change of speed is `q` times the change of `x - x^3/3`, less the integral of `x`, which the two ends give by
        Hermite's quadrature with values, speeds and accelerations; those are linear in `q` too.
        """
        xp = array_api_compat.array_namespace(x)
        weight, rest = self._steps(x)
        return xp.sum(weight * rest, axis=-1) / xp.sum(weight**2, axis=-1)

    def residual(self, x):
        xp = array_api_compat.array_namespace(x)
        weight, rest = self._steps(x)
        error = rest - self.measure(x)[..., None] * weight
        return xp.sqrt(xp.mean(error**2, axis=-1)) / float(self.scale[1])

    @staticmethod
    def _steps(x):
        """What `q` multiplies in each step, and what is left, `(N, T-1)` each."""
        place, speed = x[..., 0], x[..., 1]
        push = (1 - place**2) * speed  # acceleration is q times this, less the position
        impulse = place - place**3 / 3

        def change(a):
            return a[..., 1:] - a[..., :-1]

        def both(a):
            return a[..., 1:] + a[..., :-1]

        weight = change(impulse) - DT**3 / 120 * both(push)
        rest = change(speed) + (DT / 2 - DT**3 / 120) * both(place) - DT**2 / 10 * change(speed)
        return weight, rest
