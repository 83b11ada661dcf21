"""A point on a ring: the smallest system with the phenomenon, solved in closed form (tasks layer)."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import ClassVar

import array_api_compat
import numpy as np

from physlib.tasks.base import Task, TaskInfo


def angle(x):
    """Polar angle of the point, `(N,)`, radians."""
    xp = array_api_compat.array_namespace(x)
    return xp.atan2(x[..., 0, 1], x[..., 0, 0])


class Ring(Task):
    """Points at radius q and uniform angle. A Gaussian deviation turns a radius into a Rice variable."""

    family = "ring"
    info = TaskInfo(
        title="point on a ring",
        rule=r"x = q\,(\cos\varphi, \sin\varphi)",
        quantity="radius",
        symbol="q",
        unit="1",
        lo=1.0,
        hi=2.0,
        domain=(0.0, np.inf),
        steps=1,
        dims=2,
        nuisance="angle, uniform",
        regime="curved: the measurement is convex, so any error lengthens the radius",
        threshold=0.1,
        threshold_reason="every point of the plane lies on some ring, so the residual is 0 and nothing looks wrong",
        source="S. O. Rice, Mathematical Analysis of Random Noise, Bell System Technical Journal 24 (1945), 46-156",
    )
    others = {"angle": angle}

    @cached_property
    def scale(self):
        """Exact: half the mean square radius, `E[q^2] / 2`, in each channel."""
        return np.full(2, np.sqrt((self.prior.variance + self.prior.mean**2) / 2))

    def nuisance(self, q, rng):
        return rng.uniform(-np.pi, np.pi, (q.size, 1))

    def generate(self, q, z):
        return q[:, None, None] * np.stack([np.cos(z), np.sin(z)], axis=-1)

    def measure(self, x):
        xp = array_api_compat.array_namespace(x)
        return xp.sqrt(xp.sum(x[..., 0, :] ** 2, axis=-1))

    def residual(self, x):
        return 0 * x[..., 0, 0]


class PolarRing(Ring):
    """The same points in the coordinates where the measurement is straight: radius and angle."""

    family = "ring-polar"
    info = replace(
        Ring.info,
        title="point on a ring in polar coordinates",
        rule=r"x = (q, \varphi)",
        regime="straight: the radius is a coordinate, so no error of mean zero lengthens it",
    )
    others: ClassVar = {}

    @cached_property
    def scale(self):
        """Exact: standard deviations of the prior and of a uniform angle."""
        return np.sqrt([self.prior.variance, np.pi**2 / 3])

    def generate(self, q, z):
        return np.stack([q, z[:, 0]], axis=-1)[:, None]

    def measure(self, x):
        return x[..., 0, 0]
