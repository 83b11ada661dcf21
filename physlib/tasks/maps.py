"""Maps of the unit interval that are linear in their parameter, tent and logistic (tasks layer)."""

from __future__ import annotations

import math
from abc import abstractmethod

import array_api_compat
import numpy as np
from jaxtyping import Float
from scipy.ndimage import label

from physlib.tasks.base import RecurrenceTask, TaskInfo

TINY = 1e-300  # keeps the logarithm finite on the superstable orbit


def mean_value(x):
    """Time average of the trajectory, `(N,)`."""
    xp = array_api_compat.array_namespace(x)
    return xp.mean(x[..., 0], axis=-1)


def variance(x):
    """Variance of the trajectory over time, `(N,)`."""
    xp = array_api_compat.array_namespace(x)
    return xp.mean((x[..., 0] - mean_value(x)[..., None]) ** 2, axis=-1)


class IntervalMap(RecurrenceTask):
    """Iterates of `x[t+1] = q f(x[t])`; a subclass supplies `f`. The first value is uniform on [.1, .9]."""

    others = {"mean": mean_value, "variance": variance}
    HEAD = 1
    SPAN = (0.0, 1.0)
    NUISANCE = ((0.1, 0.9),)

    @staticmethod
    @abstractmethod
    def f(x):
        """The map at parameter 1."""

    @staticmethod
    @abstractmethod
    def slope(x):
        """Derivative of `f`."""

    def lyapunov(
        self, q: Float[np.ndarray, " N"], rng: np.random.Generator, steps: int = 2_000
    ) -> Float[np.ndarray, " N"]:
        """Lyapunov exponent at each parameter, nats per step: mean log slope along an orbit, after as long a start."""
        x, total = self.nuisance(q, rng)[:, 0], np.zeros(q.size)
        for t in range(2 * steps):
            if t >= steps:
                total += np.log(np.abs(q * self.slope(x)) + TINY)
            x = q * self.f(x)
        return total / steps

    def nuisance(self, q, rng):
        return rng.uniform(*self.NUISANCE[0], (q.size, 1))

    def generate(self, q, z):
        x = np.empty((q.size, self.info.steps, 1))
        x[:, 0] = z
        for t in range(1, self.info.steps):
            x[:, t] = self.advance(x[:, :t], q)
        return x

    @staticmethod
    def coefficient(q):
        return q

    @staticmethod
    def parameter(c):
        return c

    def parts(self, x):
        g = self.f(x[:, -1])
        return g, np.zeros_like(g)

    def information(self, x):
        return np.sum(self.f(x[:, :-1, 0]) ** 2, axis=1)

    def measure(self, x):
        """The parameter by least squares over one-step pairs, `sum f(x_t) x_{t+1} / sum f(x_t)^2`."""
        xp = array_api_compat.array_namespace(x)
        f = self.f(x[..., :-1, 0])
        return xp.sum(f * x[..., 1:, 0], axis=-1) / xp.sum(f**2, axis=-1)

    def residual(self, x):
        xp = array_api_compat.array_namespace(x)
        error = x[..., 1:, 0] - self.measure(x)[..., None] * self.f(x[..., :-1, 0])
        return xp.sqrt(xp.mean(error**2, axis=-1)) / float(self.scale[0])


_COMMON = dict(
    quantity="parameter",
    symbol="q",
    unit="1",
    steps=16,
    dims=1,
    nuisance="first value, uniform on [.1, .9]",
    threshold=0.1,
    threshold_reason="one-step errors of a tenth of the signal's standard deviation are a few line widths in a plot",
)


class Logistic(IntervalMap):
    """The logistic map; chaotic with periodic windows on the default range."""

    family = "logistic"
    info = TaskInfo(
        title="logistic map",
        rule=r"x_{t+1} = q\, x_t (1 - x_t)",
        lo=3.5,
        hi=4.0,
        domain=(0.0, 4.0),
        regime="chaotic above 3.57, with periodic windows (the widest near 3.83); regular below",
        source="R. M. May, Simple mathematical models with very complicated dynamics, Nature 261 (1976), 459-467",
        **_COMMON,
    )

    @staticmethod
    def f(x):
        return x * (1 - x)

    @staticmethod
    def slope(x):
        return 1 - 2 * x


class Tent(IntervalMap):
    """The tent map; chaotic without windows, with Lyapunov exponent log q."""

    family = "tent"
    info = TaskInfo(
        title="tent map",
        rule=r"x_{t+1} = q \min(x_t,\, 1 - x_t)",
        lo=1.2,
        hi=2.0,
        domain=(0.0, 2.0),
        regime="chaotic over the whole range, Lyapunov exponent log q",
        source="E. Ott, Chaos in Dynamical Systems, Cambridge University Press (2002), section 2.1",
        **_COMMON,
    )

    @staticmethod
    def f(x):
        xp = array_api_compat.array_namespace(x)
        return xp.minimum(x, 1 - x)

    @staticmethod
    def slope(x):
        xp = array_api_compat.array_namespace(x)
        return xp.where(x < 0.5, 1.0, -1.0)


BARELY = 0.01  # nats a step: below this an orbit counts as periodic, so that windows hold where periods double


def periodic_windows(task: IntervalMap, rng: np.random.Generator, narrowest: float) -> list[tuple[float, float]]:
    """Stretches of the range where orbits are periodic, between chaotic ones and no narrower than `narrowest`."""
    grid = np.linspace(task.lo, task.hi, 2_001)
    parts, count = label(task.lyapunov(grid, rng) < BARELY)
    found = [grid[parts == part] for part in range(1, count + 1)]
    inner = [(float(w[0]), float(w[-1])) for w in found if w[0] > task.lo and w[-1] < task.hi]
    return [(low, high) for low, high in inner if high - low >= narrowest]


def crowding(q: Float[np.ndarray, " N"], low: float, high: float) -> float:
    """Share of values between `low` and `high` over that in two stretches as wide on either side, minus one."""
    left, inside, right = np.histogram(q, low + (high - low) * np.arange(-1, 3))[0]
    return 2 * inside / (left + right) - 1 if left + right else math.nan
