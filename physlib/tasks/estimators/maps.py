"""Parameter of a map from noisy iterates: the nearest orbit, and orthogonal regression on pairs."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float

from physlib.tasks.estimators.rows import by_rows
from physlib.tasks.maps import IntervalMap

FULL, DAMPED = 20, 20  # rounds with whole Gauss-Newton steps, then with ever shorter ones
DAMPING = 0.8  # of each damped step to the one before: at a kink whole steps jump back and forth
CONVERGED = 1e-10  # largest move of any iterate
GAP = 1e3  # weight of squared gaps against squared distances, where rounds that did not converge are compared
PAIRS = 20  # rounds of the orthogonal regression
TINY = 1e-9  # keeps the difference quotient of pairs without error finite
CHUNK = 4_000  # trajectories worked on at once, which fit the processor's cache


def _solved(
    diagonal: Float[np.ndarray, "S N"], beside: Float[np.ndarray, "R N"], right: Float[np.ndarray, "K S N"]
) -> Float[np.ndarray, "K S N"]:
    """Solutions of symmetric tridiagonal systems, one a column, by elimination; overwrites `diagonal` and `right`."""
    steps = len(diagonal)
    for t in range(1, steps):
        share = beside[t - 1] / diagonal[t - 1]
        diagonal[t] -= share * beside[t - 1]
        right[:, t] -= share * right[:, t - 1]
    right[:, -1] /= diagonal[-1]
    for t in range(steps - 2, -1, -1):
        right[:, t] = (right[:, t] - beside[t] * right[:, t + 1]) / diagonal[t]
    return right


def _step(
    task: IntervalMap, x: Float[np.ndarray, "T N"], orbit: Float[np.ndarray, "T N"], q: Float[np.ndarray, " N"]
) -> tuple[Float[np.ndarray, " N"], Float[np.ndarray, "T N"], Float[np.ndarray, " N"]]:
    """Gauss-Newton step of parameter and orbit, and squared distance from `x` with the gaps as a penalty.

    The step minimises the distance from `x` under the linearised rule; its multipliers solve a tridiagonal system,
    which is well conditioned also where orbits part exponentially.
    """
    f, slope = task.f(orbit[:-1]), q * task.slope(orbit[:-1])
    gap, away = q * f - orbit[1:], x - orbit
    misfit = np.sum(away**2, axis=0) + GAP * np.sum(gap**2, axis=0)
    missing = away[1:] - slope * away[:-1] - gap
    force, per_q = _solved(1 + slope**2, -slope[1:], np.stack([missing, f]))
    dq = np.sum(f * force, axis=0) / np.sum(f * per_q, axis=0)
    force = force - dq * per_q
    move = away
    move[1:] -= force
    move[:-1] += slope * force
    return dq, move, misfit


def _nearest(task: IntervalMap, x: Float[np.ndarray, "N T"]) -> Float[np.ndarray, " N"]:
    found = task.measure(x[..., None])
    rows, x, q, least = np.arange(len(x)), x.T, found.copy(), np.full(len(x), np.inf)
    orbit, size = x, 1.0
    for turn in range(FULL + DAMPED):
        dq, move, misfit = _step(task, x, orbit, q)
        better = misfit < least[rows]
        found[rows[better]], least[rows[better]] = q[better], misfit[better]
        size *= DAMPING if turn >= FULL else 1
        q, orbit = q + size * dq, orbit + size * move
        going = np.abs(move).max(axis=0) > CONVERGED
        found[rows[~going & better]] = q[~going & better]
        rows, x, orbit, q = rows[going], x[:, going], orbit[:, going], q[going]
        if not rows.size:
            break
    return found


def best_orbit(task: IntervalMap, x: Float[Any, "N T 1"]) -> Float[np.ndarray, " N"]:
    """Parameter of the orbit of the map that lies nearest to `x` in least squares, with any first value.

    Maximum likelihood under white Gaussian error. As a function of parameter and first value the squared distance of a
    chaotic orbit has exponentially many minima, so all iterates are unknowns, the rule is a constraint, and the search
    starts at the iterates as they are (multiple shooting: H. G. Bock, in Progress in Scientific Computing 2 (1983),
    95-121). The minimum found is the one nearest to the data; where the error is large and iterates lie near the
    maximum of the map it is not always the least.

    In the chaotic range one orbit has to follow all iterates. Under error added to an orbit the estimate attains the
    Cramer-Rao bound there too, with a third to a quarter of the standard deviation of least squares on pairs
    (`task.measure`). Under errors that the map carries on from each iterate to the next it has up to three times that
    of least squares on pairs, which is then the best, and overestimates the parameter of the logistic map.
    """
    return by_rows(lambda part: _nearest(task, part[..., 0]), x, CHUNK)


def _pairs(task: IntervalMap, x: Float[np.ndarray, "N T"]) -> Float[np.ndarray, " N"]:
    q = task.measure(x[..., None])
    a, b = x.T[:-1], x.T[1:]
    foot = a  # first value of the point of the graph nearest to each pair
    for _ in range(PAIRS):
        f, slope = task.f(foot), q * task.slope(foot)
        weight = 1 / (1 + slope**2)
        away = b - q * f - slope * (a - foot)
        # the foot errs along the graph, whose curvature then shifts the residual by half the error's variance
        error = np.sqrt(weight * np.sum(weight * away**2, axis=0) / (len(a) - 1)) + TINY
        bend = q * (task.slope(foot + error) - task.slope(foot - error)) / (2 * error)
        straight = away + bend * error**2 / 2
        dq = np.sum(weight * f * straight, axis=0) / np.sum(weight * f**2, axis=0)
        foot = (foot + a + weight * slope * (away - dq * f)) / 2
        q = q + dq
    return q


def errors_in_variables(task: IntervalMap, x: Float[Any, "N T 1"]) -> Float[np.ndarray, " N"]:
    """Parameter by orthogonal regression on the pairs `(x_t, x_{t+1})`, both of which have errors of one variance.

    Gauss-Newton on the distance of the pairs from the graph of the map (W. A. Fuller, Measurement Error Models (1987),
    chapter 3), with the bias that the curvature of the graph makes taken off to second order.
    Pairs count as independent, though each iterate is in two of them: consistent, not efficient.
    Unlike `best_orbit` it looks one step ahead only, in the chaotic range too, and so also suits errors carried on.
    """
    return by_rows(lambda part: _pairs(task, part[..., 0]), x, CHUNK)
