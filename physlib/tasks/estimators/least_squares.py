"""Levenberg and Marquardt's method for many small least-squares problems at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

ROUNDS = 15


class Misfit(NamedTuple):
    """Squared error of each of `N` problems, and its normal equations, linearised in their `P` unknowns."""

    cost: Float[np.ndarray, " N"]  # NaN where the model cannot be evaluated
    matrix: Float[np.ndarray, "N P P"]
    right: Float[np.ndarray, "N P"]


def linearised(
    model: Callable[[Float[np.ndarray, "P M"]], Float[np.ndarray, "M E"]],
    unknowns: Float[np.ndarray, "P N"],
    seen: Float[np.ndarray, "N E"],
    nudge: float,
) -> Misfit:
    """The misfit of `model` from what was seen, with derivatives by differences of `nudge` in each unknown."""
    count, n = unknowns.shape
    nudged = np.concatenate([unknowns, *(unknowns + nudge * unit[:, None] for unit in np.eye(count))], axis=1)
    made = model(nudged).reshape(count + 1, n, -1)
    slopes, error = (made[1:] - made[0]) / nudge, seen - made[0]
    matrix = slopes.transpose(1, 0, 2) @ slopes.transpose(1, 2, 0)
    solvable = np.isfinite(matrix).all(axis=(1, 2)) & (np.einsum("nii->ni", matrix) > 0).all(axis=1)
    cost = np.where(solvable, np.sum(error**2, axis=1), np.nan)
    return Misfit(cost, matrix, np.einsum("anm,nm->na", slopes, error))


def refined(
    misfit: Callable[[Float[np.ndarray, "P M"], Int[np.ndarray, " M"]], Misfit],
    unknowns: Float[np.ndarray, "P N"],
    least: float,
) -> Float[np.ndarray, "P N"]:
    """Unknowns after at most `ROUNDS` rounds, a problem dropping out where none of them moves by more than `least`.

    `misfit` takes unknowns and the rows of the problems that they belong to. NaN where it is NaN at the start.
    """
    now = misfit(unknowns, np.arange(unknowns.shape[1]))
    going = np.isfinite(now.cost)
    unknowns = np.where(going, unknowns, np.nan)
    rows, damping = np.flatnonzero(going), np.full(len(going), 1e-3)[going]
    now = Misfit(*(part[going] for part in now))
    for _ in range(ROUNDS):
        if not rows.size:
            break
        diagonal = damping[:, None, None] * now.matrix * np.eye(len(unknowns))
        move = np.linalg.solve(now.matrix + diagonal, now.right[..., None])[..., 0].T
        then = misfit(unknowns[:, rows] + move, rows)
        better = then.cost <= now.cost
        unknowns[:, rows[better]] += move[:, better]
        now = Misfit(*(np.where(better, b.T, a.T).T for a, b in zip(now, then, strict=True)))
        damping = damping * np.where(better, 0.1, 10)
        going = np.abs(move).max(axis=0) > least
        rows, damping, now = rows[going], damping[going], Misfit(*(part[going] for part in now))
    return unknowns
