"""The planar double pendulum with a flat prior over its energy, seen as states or as positions (tasks layer)."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import array_api_compat
import numpy as np
from jaxtyping import Float

from physlib.tasks.base import FiniteBankTask, TaskInfo
from physlib.tasks.rk8 import integrate, step

GRAVITY = 9.81  # m/s^2; masses are 1 kg, arms 1 m
DT = 0.05  # s between points
SUBSTEPS = 3  # steps of the integrator between points: relative energy error below 1e-6 up to 60 J
RESTING = -3 * GRAVITY  # potential energy of the hanging pendulum, J
CHUNK = 2_000  # trajectories integrated at once


def rate(state: Any) -> Any:
    """Time derivative of `(angle 1, angle 2, speed 1, speed 2)` on the first axis; angles from the downward vertical.

    Lagrange's equations for two point masses on massless rods.
    """
    xp = array_api_compat.array_namespace(state)
    first, second, w1, w2 = (state[i, ...] for i in range(4))
    s1, c1, s2, c2 = xp.sin(first), xp.cos(first), xp.sin(second), xp.cos(second)
    sd, cd = s1 * c2 - c1 * s2, c1 * c2 + s1 * s2  # sine and cosine of the difference
    below = 2 - cd**2
    a1 = (GRAVITY * (s2 * cd - 2 * s1) - sd * (w2**2 + w1**2 * cd)) / below
    a2 = (2 * sd * w1**2 + sd * cd * w2**2 + 2 * GRAVITY * (s1 * cd - s2)) / below
    return xp.stack([w1, w2, a1, a2])


def energy(state: Any) -> Any:
    """Kinetic plus potential energy above the hanging rest, J; components on the first axis as in `rate`."""
    xp = array_api_compat.array_namespace(state)
    first, second, w1, w2 = (state[i, ...] for i in range(4))
    kinetic = w1**2 + w2**2 / 2 + w1 * w2 * xp.cos(first - second)
    return kinetic - GRAVITY * (2 * xp.cos(first) + xp.cos(second)) - RESTING


def _wrapped(angle: Any) -> Any:
    """The same angle in [-pi, pi]."""
    xp = array_api_compat.array_namespace(angle)
    return xp.atan2(xp.sin(angle), xp.cos(angle))


def _speeds(angles: Any) -> Any:
    """Angular velocities at inner steps by central differences of order 4; `(N, T, 2)` to `(N, T-4, 2)`."""
    turn = _wrapped(angles[..., 1:, :] - angles[..., :-1, :])
    near = turn[..., 1:-2, :] + turn[..., 2:-1, :]  # between the two neighbours
    far = turn[..., :-3, :] + near + turn[..., 3:, :]  # between their neighbours
    return (8 * near - far) / (12 * DT)


class Pendulum(FiniteBankTask):
    """Double pendulum from random states of a given energy. A subclass sets the band and what is seen.

    The nuisance variables are the two angles and the direction of motion in the plane of momenta.
    """

    circular: ClassVar[bool]  # angles are given as sine and cosine, because arms go over
    seen: ClassVar[str]  # "state", or "positions" alone

    def nuisance(self, q, rng):
        """Angles uniform where the energy allows them, and an angle of motion."""
        angles, left = np.zeros((len(q), 2)), np.arange(len(q))
        while left.size:
            trial = rng.uniform(-np.pi, np.pi, (left.size, 2))
            angles[left] = trial
            resting = np.concatenate([trial.T, np.zeros((2, left.size))])
            left = left[energy(resting) > q[left]]
        return np.concatenate([angles, rng.uniform(0, 2 * np.pi, (len(q), 1))], axis=1)

    def generate(self, q, z):
        parts = [self._swing(q[i : i + CHUNK], z[i : i + CHUNK]) for i in range(0, len(q), CHUNK)]
        return np.concatenate(parts)

    def _swing(self, q: Float[np.ndarray, " N"], z: Float[np.ndarray, "N 3"]) -> Float[np.ndarray, "N T D"]:
        start = np.stack([z[:, 0], z[:, 1], np.zeros(len(q)), np.zeros(len(q))])
        speed = np.sqrt(2 * np.clip(q - energy(start), 0, None))
        # kinetic energy w1^2 + w2^2 / 2 + w1 w2 cos d is (u^2 + v^2) / 2 with v = w2 + w1 cos d, u = w1 sqrt(1 + sin^2 d)
        cos, sin = np.cos(z[:, 0] - z[:, 1]), np.sin(z[:, 0] - z[:, 1])
        u, v = speed * np.cos(z[:, 2]), speed * np.sin(z[:, 2])
        start[2] = u / np.sqrt(1 + sin**2)
        start[3] = v - start[2] * cos
        path = integrate(rate, start, DT, self.info.steps, SUBSTEPS)
        return self._seen(np.moveaxis(path, (0, 1, 2), (1, 2, 0)))

    def _seen(self, state: Any) -> Any:
        """The channels a model sees, from states `(N, T, 4)`."""
        xp = array_api_compat.array_namespace(state)
        angles, speeds = state[..., :2], state[..., 2:]
        channels = [xp.sin(angles), xp.cos(angles)] if self.circular else [angles]
        return xp.concat([*channels, *([speeds] if self.seen == "state" else [])], axis=-1)

    def states(self, x: Float[Any, "*N T D"]) -> Any:
        """Angles and angular velocities on the first axis, `(4, N, T)`, or `T-4` inner steps for positions."""
        xp = array_api_compat.array_namespace(x)
        angles = xp.atan2(x[..., :2], x[..., 2:4]) if self.circular else x[..., :2]
        if self.seen == "state":
            speeds = x[..., -2:]
        else:
            angles, speeds = angles[..., 2:-2, :], _speeds(angles)
        return xp.stack([angles[..., 0], angles[..., 1], speeds[..., 0], speeds[..., 1]])

    def measure(self, x):
        """Mean energy over the path, J."""
        xp = array_api_compat.array_namespace(x)
        return xp.mean(energy(self.states(x)), axis=-1)

    def fluctuation(self, x: Float[Any, "*N T D"]) -> Float[Any, "*N"]:
        """Standard deviation of the energy along the path, J; 0 where energy is conserved."""
        xp = array_api_compat.array_namespace(x)
        return xp.std(energy(self.states(x)), axis=-1)

    def one_step_error(self, x: Float[Any, "*N T D"]) -> Float[Any, "*N"]:
        """Root-mean-square error of the equations of motion over one step, per channel standard deviation."""
        xp = array_api_compat.array_namespace(x)
        state = self.states(x)
        then = step(rate, state[..., :-1], DT)
        said = self._seen(xp.moveaxis(then, 0, -1))
        inner = x if self.seen == "state" else x[..., 2:-2, :]
        apart = inner[..., 1:, :] - said
        if not self.circular:
            apart = xp.concat([_wrapped(apart[..., :2]), apart[..., 2:]], axis=-1)
        return xp.sqrt(xp.mean((apart / xp.asarray(self.scale)) ** 2, axis=(-2, -1)))

    def residual(self, x):
        """The larger of one-step error over .1 and energy fluctuation over a tenth of the band."""
        xp = array_api_compat.array_namespace(x)
        return xp.maximum(self.one_step_error(x) / 0.1, self.fluctuation(x) / (0.1 * (self.hi - self.lo)))


_REGULAR = TaskInfo(
    title="double pendulum, regular band, full state",
    rule=r"\ddot\theta = f(\theta, \dot\theta), \quad q = \langle E(\theta, \dot\theta) \rangle_t",
    quantity="energy",
    symbol="E",
    unit="J",
    lo=1.0,
    hi=12.0,
    domain=(0.0, 19.62),
    steps=64,
    dims=4,
    nuisance="initial angles, uniform where the energy allows them, and direction of motion",
    regime="regular: finite-time Lyapunov exponents at their floor",
    threshold=1.0,
    threshold_reason="at 1 one step misses the equations of motion by a tenth of a channel's standard deviation, "
    "or the energy fluctuates along the path by a tenth of the band",
    source="T. Shinbrot et al., Chaos in a double pendulum, American Journal of Physics 60 (1992), 491-499",
)
_CHAOTIC = dataclasses.replace(
    _REGULAR,
    title="double pendulum, chaotic band, full state",
    lo=20.0,
    hi=60.0,
    domain=(0.0, 60.0),
    dims=6,
    regime="chaotic: Lyapunov exponents of .3 to 1.3 per second; arms go over",
)


class RegularState(Pendulum):
    """Energies 1 to 12 J, angles and angular velocities."""

    family = "pendulum-regular-state"
    info = _REGULAR
    circular, seen = False, "state"


class RegularPositions(Pendulum):
    """Energies 1 to 12 J, angles alone: velocities are recovered by differences."""

    family = "pendulum-regular-positions"
    info = dataclasses.replace(_REGULAR, title="double pendulum, regular band, positions only", dims=2)
    circular, seen = False, "positions"


class ChaoticState(Pendulum):
    """Energies 20 to 60 J, sines and cosines of the angles, and angular velocities."""

    family = "pendulum-chaotic-state"
    info = _CHAOTIC
    circular, seen = True, "state"


class ChaoticPositions(Pendulum):
    """Energies 20 to 60 J, sines and cosines of the angles alone."""

    family = "pendulum-chaotic-positions"
    info = dataclasses.replace(_CHAOTIC, title="double pendulum, chaotic band, positions only", dims=4)
    circular, seen = True, "positions"
