"""Energy of the trajectory of the equations of motion that fits a double pendulum best."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from physlib.tasks.estimators.rows import by_rows
from physlib.tasks.pendulum import DT, Pendulum, energy, rate
from physlib.tasks.rk8 import integrate

REACHES = (6, 12, 22)  # steps to either side of the middle that are fitted before the whole path is
ROUNDS = 15  # of the Levenberg-Marquardt method in each window
NUDGE = 1e-6  # rad and rad/s: finite difference behind the sensitivities
ROUGH, FINE = 1e-2, 1e-6  # rad and rad/s: a smaller move ends the fit of a window, of the whole path
CHUNK = 500  # trajectories fitted at once; with their four nudged copies they fit the processor's cache


class _Misfit(NamedTuple):
    """Squared error in units of the scale, and its normal equations, linearised in the state in the middle."""

    cost: Float[np.ndarray, " N"]
    matrix: Float[np.ndarray, "N 4 4"]
    right: Float[np.ndarray, "N 4"]


def _misfit(task: Pendulum, state: Float[np.ndarray, "4 N"], x: Float[np.ndarray, "N T D"], reach: int) -> _Misfit:
    """Misfit over the steps within `reach` of the middle; NaN for a state so wild that it cannot be integrated."""
    n, middle = len(x), x.shape[1] // 2
    back, ahead = min(reach, middle), min(reach, x.shape[1] - 1 - middle)
    nudged = np.concatenate([state, *(state + NUDGE * unit[:, None] for unit in np.eye(4))], axis=1)
    substeps = 2 if task.circular else 1  # relative energy error below 1e-5 in either band
    before, after = (integrate(rate, nudged, h, k + 1, substeps) for h, k in ((-DT, back), (DT, ahead)))
    path = np.moveaxis(np.concatenate([before[:0:-1], after]), (0, 1, 2), (1, 2, 0))
    seen = (task._seen(path) / task.scale).reshape(5, n, -1)
    slopes = (seen[1:] - seen[0]) / NUDGE
    error = (x[:, middle - back : middle + ahead + 1] / task.scale).reshape(n, -1) - seen[0]
    matrix = slopes.transpose(1, 0, 2) @ slopes.transpose(1, 2, 0)
    solvable = np.isfinite(matrix).all(axis=(1, 2)) & (np.einsum("nii->ni", matrix) > 0).all(axis=1)
    cost = np.where(solvable, np.sum(error**2, axis=1), np.nan)
    return _Misfit(cost, matrix, np.einsum("anm,nm->na", slopes, error))


def _refined(
    task: Pendulum, state: Float[np.ndarray, "4 N"], x: Float[np.ndarray, "N T D"], reach: int, least: float
) -> Float[np.ndarray, "4 N"]:
    """States in the middle after Levenberg-Marquardt rounds, a trajectory dropping out where it moves by `least`."""
    now = _misfit(task, state, x, reach)
    going = np.isfinite(now.cost)
    state = np.where(going, state, np.nan)
    rows, damping, now = np.flatnonzero(going), np.full(len(x), 1e-3)[going], _Misfit(*(part[going] for part in now))
    for _ in range(ROUNDS):
        if not rows.size:
            break
        diagonal = damping[:, None, None] * now.matrix * np.eye(4)
        move = np.linalg.solve(now.matrix + diagonal, now.right[..., None])[..., 0].T
        then = _misfit(task, state[:, rows] + move, x[rows], reach)
        better = then.cost <= now.cost
        state[:, rows[better]] += move[:, better]
        now = _Misfit(*(np.where(better, b.T, a.T).T for a, b in zip(now, then, strict=True)))
        damping = damping * np.where(better, 0.1, 10)
        going = np.abs(move).max(axis=0) > least
        rows, damping, now = rows[going], damping[going], _Misfit(*(part[going] for part in now))
    return state


def _energy(task: Pendulum, x: Float[np.ndarray, "N T D"]) -> Float[np.ndarray, " N"]:
    measured, middle = task.states(x), x.shape[1] // 2
    state = measured[:, :, middle - (x.shape[1] - measured.shape[2]) // 2]
    for reach in REACHES:
        state = _refined(task, state, x, reach, ROUGH)
    return energy(_refined(task, state, x, x.shape[1], FINE))


def best_trajectory(task: Pendulum, x: Float[Any, "N T D"]) -> Float[np.ndarray, " N"]:
    """Energy of the trajectory of the equations of motion with the least squared error in units of `task.scale`, J.

    Maximum likelihood under white error of equal relative size in each channel. The unknown is the state in the middle:
    first as measured there, then fitted over 13, 25 and 45 steps and over all, so that errors grow over half the path
    only, by a factor of eight at most in the chaotic band, and each fit starts near its minimum. The minimum may be a
    local one where a path is far from any trajectory, or in a few of a thousand chaotic paths seen as positions with
    an error of a tenth of the scale. NaN where a path is not finite or too wild to be integrated.
    """
    return by_rows(lambda part: _energy(task, part), x, CHUNK)
