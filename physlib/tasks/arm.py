"""A planar arm of three joints that reaches, with a flat prior over the hand's peak speed."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import array_api_compat
import numpy as np
from jaxtyping import Float

from physlib.tasks.base import FiniteBankTask, TaskInfo
from physlib.tasks.quantities import max_acceleration, max_speed
from physlib.tasks.rk8 import integrate

LENGTHS = np.array([0.40, 0.35, 0.20])  # m; upper arm, forearm, hand
MASSES = np.array([2.0, 1.5, 0.5])  # kg, uniform rods
GRAVITY = 9.81  # m/s^2; the plane is vertical, angles are from the horizontal
STIFFNESS, DAMPING = 225.0, 30.0  # of the controller, 1/s^2 and 1/s: critically damped, 15 rad/s
DT = 0.08  # s between points
ROUNDS = 4  # simulations behind one set of trajectories: the reach is scaled until its peak speed is as wanted
CHUNK = 2_000  # trajectories integrated at once

_reach = np.tril(np.ones((3, 3)), -1) * LENGTHS + np.diag(LENGTHS / 2)  # of each rod's centre along each rod
COUPLING = (_reach * MASSES[:, None]).T @ _reach  # sum over rods of mass times both reaches
ROTATION = MASSES * LENGTHS**2 / 12  # moments of inertia about the centres
WEIGHT = GRAVITY * MASSES @ _reach


def mass_matrix(angles: Float[np.ndarray, "3 N"]) -> Float[np.ndarray, "N 3 3"]:
    """Inertia in the rods' own angles from the horizontal, `A_ij cos(phi_i - phi_j) + I_i delta_ij`."""
    apart = angles[:, None] - angles[None]
    return np.moveaxis(COUPLING[..., None] * np.cos(apart), -1, 0) + np.diag(ROTATION)


def acceleration(
    angles: Float[np.ndarray, "3 N"], speeds: Float[np.ndarray, "3 N"], torque: Float[np.ndarray, "3 N"]
) -> Float[np.ndarray, "3 N"]:
    """Manipulator equations `M(phi) phi'' + C(phi, phi') + g(phi) = Q`, solved for `phi''`, rods' own angles.

    `torque` acts at the joints; what a joint gives to one rod it takes from the rod before.
    """
    apart = angles[:, None] - angles[None]
    coriolis = np.einsum("ij,ijn,jn->in", COUPLING, np.sin(apart), speeds**2)
    on_rods = torque - np.concatenate([torque[1:], np.zeros_like(torque[:1])])
    force = on_rods - coriolis - WEIGHT[:, None] * np.cos(angles)
    return np.linalg.solve(mass_matrix(angles), force.T[..., None])[..., 0].T


def energy(angles: Float[np.ndarray, "3 N"], speeds: Float[np.ndarray, "3 N"]) -> Float[np.ndarray, " N"]:
    """Kinetic plus potential energy, J."""
    kinetic = np.einsum("in,nij,jn->n", speeds, mass_matrix(angles), speeds) / 2
    return kinetic + WEIGHT @ np.sin(angles)


def hand(angles: Any) -> Any:
    """Position of the hand `(..., 2)` from the rods' angles on the first axis, m from the shoulder."""
    return np.stack([np.tensordot(LENGTHS, f(angles), 1) for f in (np.cos, np.sin)], axis=-1)


def _reference(
    clock: Float[np.ndarray, " N"], duration: Float[np.ndarray, " N"]
) -> tuple[Float[np.ndarray, " N"], Float[np.ndarray, " N"]]:
    """Share of the reach done by the minimum-jerk plan, and its rate. T. Flash and N. Hogan (1985)."""
    u = np.clip(clock / duration, 0, 1)
    return u**3 * (10 - 15 * u + 6 * u**2), 30 * u**2 * (1 - u) ** 2 / duration


def reach(
    start: Float[np.ndarray, "3 N"], change: Float[np.ndarray, "3 N"], duration: Float[np.ndarray, " N"], steps: int
) -> Float[np.ndarray, "S 3 N"]:
    """Rods' angles at every step of a controlled reach from rest by a `change` of angles.

    The controller knows masses and weight but not the centrifugal and Coriolis forces, and not the plan's acceleration:
    the hand lags behind and is thrown off the plan, as real ones are.
    """

    def rate(state: np.ndarray) -> np.ndarray:
        angles, speeds, clock = state[:3], state[3:6], state[6]
        done, pace = _reference(clock, duration)
        pull = STIFFNESS * (start + done * change - angles) + DAMPING * (pace * change - speeds)
        on_rods = np.einsum("nij,jn->in", mass_matrix(angles), pull) + WEIGHT[:, None] * np.cos(angles)
        torque = np.cumsum(on_rods[::-1], axis=0)[::-1]  # from rods back to joints
        return np.concatenate([speeds, acceleration(angles, speeds, torque), np.ones_like(clock)[None]])

    state = np.concatenate([start, np.zeros_like(start), np.zeros_like(duration)[None]])
    return integrate(rate, state, DT, steps)[:, :3]


class Arm(FiniteBankTask):
    """Reaches from random postures, scaled until the hand's peak speed is the wanted one. A subclass says what is seen.

    The nuisance variables are the first rods' angles, the proportions of the reach and its duration.
    """

    MOST: ClassVar[float] = 10.0  # m/s^2, more than any demonstration's hand accelerates

    def nuisance(self, q, rng):
        """Elbow-down postures in front of the shoulder, reaches mostly in shoulder and elbow, .6 to 1.1 s long."""
        n = len(q)
        bent = [rng.uniform(-1.2, 0.6, n), rng.uniform(0.3, 1.5, n), rng.uniform(-0.4, 0.8, n)]
        shares = [rng.uniform(0.5, 1.0, n), rng.uniform(-0.3, 1.0, n), rng.uniform(-0.5, 0.5, n)]
        turn = rng.choice([-1.0, 1.0], n) * np.array(shares)
        return np.stack([*bent, *turn, rng.uniform(0.6, 1.1, n)], axis=1)

    def generate(self, q, z):
        parts = [self._reach(q[i : i + CHUNK], z[i : i + CHUNK]) for i in range(0, len(q), CHUNK)]
        return self.seen(np.concatenate(parts))

    def _reach(self, q: Float[np.ndarray, " N"], z: Float[np.ndarray, "N 7"]) -> Float[np.ndarray, "N T 2"]:
        start, turn = np.cumsum(z[:, :3].T, axis=0), np.cumsum(z[:, 3:6].T, axis=0)
        size = 0.5 * q  # a first guess, mended in proportion
        for _ in range(ROUNDS):
            path = np.moveaxis(hand(np.moveaxis(reach(start, size * turn, z[:, 6], self.info.steps), 1, 0)), 0, 1)
            size = size * np.clip(q / max_speed(path, dt=DT), 0.4, 2.5)
        return path

    def seen(self, path: Float[np.ndarray, "N T 2"]) -> Float[np.ndarray, "N T D"]:
        """The channels a model sees, from paths of the hand."""
        raise NotImplementedError

    def path(self, x: Any) -> Any:
        """The path of the hand from what a model sees."""
        raise NotImplementedError

    def measure(self, x):
        """Peak speed of the hand, m/s."""
        return max_speed(self.path(x), dt=DT)

    def residual(self, x):
        """Peak acceleration of the hand over the largest one demonstrated, rounded up."""
        return max_acceleration(self.path(x), dt=DT) / self.MOST


_FACTS = TaskInfo(
    title="three-joint arm reaching, positions of the hand",
    rule=r"M(\varphi)\ddot\varphi + C(\varphi, \dot\varphi) + g(\varphi) = Q, \quad q = \max_t |p_{t+1} - p_t| / \Delta t",
    quantity="peak speed",
    symbol="v",
    unit="m/s",
    lo=0.4,
    hi=1.4,
    domain=(0.2, 1.6),
    steps=20,
    dims=2,
    nuisance="posture, proportions of the reach over the joints, its duration",
    regime="smooth: a controlled reach from rest to rest",
    threshold=1.0,
    threshold_reason="at 1 the hand accelerates by more than that of any demonstration",
    source="M. Spong, S. Hutchinson and M. Vidyasagar, Robot Modeling and Control (2006), chapter 7",
)


class ArmPositions(Arm):
    """Positions of the hand in the plane, as a motion capture stores them."""

    family = "arm-positions"
    info = _FACTS

    def seen(self, path):
        return path

    def path(self, x):
        return x


class ArmSteps(Arm):
    """The first position, the same at every step, and the step that led to each: the path is their running sum."""

    family = "arm-steps"
    info = dataclasses.replace(_FACTS, title="three-joint arm reaching, steps of the hand", dims=4)

    def seen(self, path):
        first = np.repeat(path[:, :1], path.shape[1], axis=1)
        return np.concatenate([first, np.diff(path, axis=1, prepend=path[:, :1])], axis=2)

    def path(self, x):
        xp = array_api_compat.array_namespace(x)
        first = xp.mean(x[..., :2], axis=-2)
        return first[..., None, :] + xp.cumulative_sum(x[..., 2:], axis=-2)
