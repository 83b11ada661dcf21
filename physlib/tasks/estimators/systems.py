"""Parameters of the Henon map and of Van der Pol's oscillator from the motion that fits best."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float

from physlib.tasks.estimators.least_squares import linearised, refined
from physlib.tasks.estimators.rows import by_rows
from physlib.tasks.henon import FOLD, Henon
from physlib.tasks.van_der_pol import VanDerPol, swing

ROUNDS = 12  # of Gauss and Newton's method on an orbit
NUDGE = 1e-6  # finite difference behind the sensitivities of a motion
LEAST = 1e-6  # a smaller move ends the fit of a motion
CHUNK = 2_000  # trajectories fitted at once


def _orbit(task: Henon, x: Float[np.ndarray, "N T"]) -> Float[np.ndarray, " N"]:
    q, orbit, inner = task.measure(x[..., None]), x.copy(), np.arange(x.shape[1] - 2)
    slopes = np.zeros((len(x), len(inner), x.shape[1]))  # of each gap in each value
    slopes[:, inner, inner], slopes[:, inner, inner + 2] = -FOLD, 1.0
    for _ in range(ROUNDS):
        square, rest = task._triples(orbit[..., None])
        slopes[:, inner, inner + 1] = 2 * q[:, None] * orbit[:, 1:-1]
        gap, away = q[:, None] * square - rest, x - orbit
        missing = gap + np.einsum("nij,nj->ni", slopes, away)
        force, per_q = np.moveaxis(np.linalg.solve(slopes @ slopes.mT, np.stack([missing, square], axis=-1)), -1, 0)
        dq = -np.sum(square * force, axis=1) / np.sum(square * per_q, axis=1)
        orbit = x - np.einsum("nij,ni->nj", slopes, force + dq[:, None] * per_q)
        q = q + dq
    return q


def best_henon_orbit(task: Henon, x: Float[Any, "N T 1"]) -> Float[np.ndarray, " N"]:
    """Parameter of the orbit of the Henon map that lies nearest to `x` in least squares, with any first two values.

    Maximum likelihood under white Gaussian error. All values are unknowns and the rule is a constraint on each three of
    them, linearised in every round (multiple shooting: H. G. Bock, in Progress in Scientific Computing 2 (1983), 95-121).
    """
    return by_rows(lambda part: _orbit(task, part[..., 0]), x, CHUNK)


def _damping(task: VanDerPol, x: Float[np.ndarray, "N T 2"]) -> Float[np.ndarray, " N"]:
    def misfit(unknowns, rows):
        def seen(nudged):
            return (swing(nudged[0], nudged[1:], x.shape[1]) / task.scale).reshape(nudged.shape[1], -1)

        return linearised(seen, unknowns, (x[rows] / task.scale).reshape(len(rows), -1), NUDGE)

    return refined(misfit, np.stack([task.measure(x), *x[:, 0].T]), LEAST)[0]


def best_motion(task: VanDerPol, x: Float[Any, "N T 2"]) -> Float[np.ndarray, " N"]:
    """Damping of the solution of Van der Pol's equation with the least squared error in units of `task.scale`.

    Maximum likelihood under white error of equal relative size in each channel, the first state being unknown too. NaN
    where a path is not finite or too wild to be integrated.
    """
    return by_rows(lambda part: _damping(task, part), x, CHUNK)
