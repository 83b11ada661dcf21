"""Energy of the trajectory of the equations of motion that fits a double pendulum best."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float

from physlib.tasks.estimators.least_squares import Misfit, linearised, refined
from physlib.tasks.estimators.rows import by_rows
from physlib.tasks.pendulum import DT, Pendulum, energy, rate
from physlib.tasks.rk8 import integrate

REACHES = (6, 12, 22)  # steps to either side of the middle that are fitted before the whole path is
NUDGE = 1e-6  # rad and rad/s: finite difference behind the sensitivities
ROUGH, FINE = 1e-2, 1e-6  # rad and rad/s: a smaller move ends the fit of a window, of the whole path
CHUNK = 500  # trajectories fitted at once; with their four nudged copies they fit the processor's cache


def _misfit(task: Pendulum, state: Float[np.ndarray, "4 N"], x: Float[np.ndarray, "N T D"], reach: int) -> Misfit:
    """Misfit over the steps within `reach` of the middle, in units of the scale."""
    middle = x.shape[1] // 2
    back, ahead = min(reach, middle), min(reach, x.shape[1] - 1 - middle)
    substeps = 2 if task.circular else 1  # relative energy error below 1e-5 in either band

    def seen(nudged):
        before, after = (integrate(rate, nudged, h, k + 1, substeps) for h, k in ((-DT, back), (DT, ahead)))
        path = np.moveaxis(np.concatenate([before[:0:-1], after]), (0, 1, 2), (1, 2, 0))
        return (task._seen(path) / task.scale).reshape(nudged.shape[1], -1)

    window = (x[:, middle - back : middle + ahead + 1] / task.scale).reshape(len(x), -1)
    return linearised(seen, state, window, NUDGE)


def _energy(task: Pendulum, x: Float[np.ndarray, "N T D"]) -> Float[np.ndarray, " N"]:
    measured, middle = task.states(x), x.shape[1] // 2
    state = measured[:, :, middle - (x.shape[1] - measured.shape[2]) // 2]
    for reach, least in (*((reach, ROUGH) for reach in REACHES), (x.shape[1], FINE)):
        state = refined(lambda state, rows, reach=reach: _misfit(task, state, x[rows], reach), state, least)
    return energy(state)


def best_trajectory(task: Pendulum, x: Float[Any, "N T D"]) -> Float[np.ndarray, " N"]:
    """Energy of the trajectory of the equations of motion with the least squared error in units of `task.scale`, J.

    Maximum likelihood under white error of equal relative size in each channel. The unknown is the state in the middle:
    first as measured there, then fitted over 13, 25 and 45 steps and over all, so that errors grow over half the path
    only, by a factor of eight at most in the chaotic band, and each fit starts near its minimum. The minimum may be a
    local one where a path is far from any trajectory, or in a few of a thousand chaotic paths seen as positions with
    an error of a tenth of the scale. NaN where a path is not finite or too wild to be integrated.
    """
    return by_rows(lambda part: _energy(task, part), x, CHUNK)
