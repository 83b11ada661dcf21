"""Sampled sinusoids with a flat prior over the angular frequency: the smooth system (tasks layer)."""

from __future__ import annotations

import array_api_compat
import numpy as np

from physlib.tasks.base import RecurrenceTask, TaskInfo


def _frequency(x):
    """Angular frequency by least squares of `x[t+1] + x[t-1] = 2 cos(q) x[t]`, `(N,)`, rad/step."""
    xp = array_api_compat.array_namespace(x)
    u = x[..., 0]
    middle = u[..., 1:-1]
    energy = xp.sum(middle**2, axis=-1)
    cosine = xp.sum((u[..., 2:] + u[..., :-2]) * middle, axis=-1) / (2 * energy)
    # beyond +-1 no real frequency fits: the nearest one that does is reported, 0 or pi, outside the range
    return xp.acos(xp.clip(cosine, -1.0, 1.0))


def _projection(x):
    """Even and odd coefficients `(N,)` of the least-squares sinusoid at the measured frequency, and its error."""
    xp = array_api_compat.array_namespace(x)
    u = x[..., 0]
    steps = u.shape[-1]
    # about the centre of the window the cosine and the sine are orthogonal, so two projections suffice
    centred = xp.astype(xp.arange(steps), u.dtype) - (steps - 1) / 2
    phase = _frequency(x)[..., None] * centred
    even, odd = xp.cos(phase), xp.sin(phase)
    tiny = 1e-12  # at frequency 0 the sine vanishes and takes no weight
    a = xp.sum(u * even, axis=-1) / (xp.sum(even**2, axis=-1) + tiny)
    b = xp.sum(u * odd, axis=-1) / (xp.sum(odd**2, axis=-1) + tiny)
    return a, b, u - a[..., None] * even - b[..., None] * odd


def amplitude(x):
    """Amplitude of the best-fit sinusoid, `(N,)`; 1 in the data."""
    xp = array_api_compat.array_namespace(x)
    a, b, _ = _projection(x)
    return xp.sqrt(a**2 + b**2)


class Sinusoid(RecurrenceTask):
    """Unit sinusoids of angular frequency q and random phase; a regular system with a smooth measurement."""

    family = "sinusoid"
    info = TaskInfo(
        title="sampled sinusoid",
        rule=r"x_t = \sin(q t + \varphi)",
        quantity="angular frequency",
        symbol="q",
        unit="rad/step",
        lo=0.1,
        hi=1.0,
        domain=(0.0, np.pi),
        steps=16,
        dims=1,
        nuisance="phase, uniform",
        regime="regular; low frequencies show less than one period in 16 steps",
        threshold=0.1,
        threshold_reason="a wiggle of a tenth of the signal's standard deviation is a few line widths in a plot",
        source="G. Prony's recurrence for one undamped mode; see Hildebrand, Introduction to Numerical Analysis, ch. 9",
    )
    others = {"amplitude": amplitude}
    HEAD = 2
    SPAN = (-1.0, 1.0)

    def nuisance(self, q, rng):
        return rng.uniform(0, 2 * np.pi, (q.size, 1))

    def generate(self, q, z):
        return np.sin(q[:, None] * np.arange(self.info.steps) + z)[..., None]

    @staticmethod
    def coefficient(q):
        """The cosine; below 0 a hyperbolic one and above pi its negative, as where motion grows or alternates."""
        inside = np.cos(np.clip(q, 0, np.pi))
        return inside + np.cosh(np.minimum(q, 0)) - np.cosh(np.maximum(q - np.pi, 0))

    @staticmethod
    def parameter(c):
        inside = np.arccos(np.clip(c, -1, 1))
        return inside - np.arccosh(np.maximum(c, 1)) + np.arccosh(np.maximum(-c, 1))

    def parts(self, x):
        return 2 * x[:, -1], -x[:, -2]

    def information(self, x):
        # the recurrence is linear in 2 cos(q), whose derivative is -2 sin(q)
        return 4 * np.sin(_frequency(x)) ** 2 * np.sum(x[:, 1:-1, 0] ** 2, axis=1)

    def measure(self, x):
        return _frequency(x)

    def residual(self, x):
        xp = array_api_compat.array_namespace(x)
        error = _projection(x)[2]
        return xp.sqrt(xp.mean(error**2, axis=-1)) / float(self.scale[0])
