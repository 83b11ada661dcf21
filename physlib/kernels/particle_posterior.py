"""The posterior of a chaotic trajectory after noise, by particles that learn of one step at a time.

Where a step falls near the fold of a map, two pasts lead to nearly the same future: the posterior has modes that no
chain started at one of them finds. Particles drawn before the steps are known find them all.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.special import ndtr, ndtri

from physlib.tasks.maps import IntervalMap

PARTICLES = 128
FIRST = 30  # times as many, before the second step is known
MOVES = 2  # after each step
SWEEPS = 30  # moves once every step is known, of which the first third is not averaged
LOST = 12.0  # log likelihood below the truth's, from which on a set has missed the posterior
BLOCK = 1_000  # trajectories at once
Particles = Float[np.ndarray, "N J"]


def particle_mean(
    task: IntervalMap,
    noisy: Float[np.ndarray, "N T 1"],
    truth: tuple[Float[np.ndarray, " N"], Float[np.ndarray, "N 1"]],
    s: float,
    rng: np.random.Generator,
) -> Float[np.ndarray, "N T 1"]:
    """`E[x | x + s e]` for rows of `noisy`, by sequential Monte Carlo over the parameter and the first value.

    `s` in data units. Particles move by differences of two others (C. ter Braak, A Markov Chain Monte Carlo version of
    the genetic algorithm Differential Evolution, 2006). `truth` is what made each row, parameter and first value:
    itself a draw from the posterior, it joins the particles once every step is known, and where none of them fits
    nearly as well, a few rows in a hundred, the set is lost and the answer NaN.
    """
    parts = [slice(i, i + BLOCK) for i in range(0, len(noisy), BLOCK)]
    return np.concatenate([_block(task, noisy[p, :, 0], truth[0][p, None], truth[1][p], s, rng) for p in parts])


class _State(NamedTuple):
    """Particles, and how well what they make of the steps so far fits."""

    q: Particles
    z: Particles
    fit: Particles  # log likelihood


def _block(task: IntervalMap, y: np.ndarray, q0: np.ndarray, z0: np.ndarray, s: float, rng: np.random.Generator):
    ((low, high),) = task.NUISANCE
    ends = ndtr((np.array([low, high]) - y[:, :1]) / s)  # the first step is the first value with its noise
    share = ends[:, :1] + (ends[:, 1:] - ends[:, :1]) * rng.random((len(y), FIRST * PARTICLES))
    z = np.clip(y[:, :1] + s * ndtri(np.clip(share, 1e-12, 1 - 1e-12)), low, high)
    q = task.prior.quantile(rng.random(z.shape))
    for step in range(1, y.shape[1]):
        *_, x = _path(task, q, z, step + 1)
        q, z = _resampled(q, z, -np.square(y[:, step, None] - x) / (2 * s**2), rng)
        state = _state(task, y[:, : step + 1], q, z, s)
        for _ in range(MOVES):
            state = _moved(task, y[:, : step + 1], state, s, rng)
        q, z = state.q, state.z
    q[:, -1:], z[:, -1:] = q0, z0
    state, total = _state(task, y, q, z, s), np.zeros_like(y)
    lost = state.fit[:, :-1].max(axis=1) < state.fit[:, -1] - LOST
    for sweep in range(SWEEPS):
        state = _moved(task, y, state, s, rng)
        if sweep >= SWEEPS // 3:
            total += np.stack([x.mean(axis=1) for x in _path(task, state.q, state.z, y.shape[1])], axis=1)
    total[lost] = np.nan
    return (total / (SWEEPS - SWEEPS // 3))[..., None]


def _path(task: IntervalMap, q: Particles, z: Particles, steps: int) -> Iterator[Particles]:
    """As many steps as there are to be, the first value to begin with."""
    yield z
    for _ in range(steps - 1):
        z = q * task.f(z)
        yield z


def _state(task: IntervalMap, y: Float[np.ndarray, "N P"], q: Particles, z: Particles, s: float) -> _State:
    misfit = sum(np.square(seen[:, None] - x) for seen, x in zip(y.T, _path(task, q, z, y.shape[1]), strict=True))
    return _State(q, z, -misfit / (2 * s**2))


def _resampled(
    q: Float[np.ndarray, "N I"], z: Float[np.ndarray, "N I"], fit: Float[np.ndarray, "N I"], rng: np.random.Generator
) -> tuple[Particles, Particles]:
    """Of `I` particles each about as often as its weight says (systematic resampling)."""
    n, count = fit.shape
    weight = np.cumsum(np.exp(fit - fit.max(axis=1, keepdims=True)), axis=1)
    rows = np.arange(n)[:, None]  # all rows are searched as one increasing sequence
    drawn = (np.arange(PARTICLES) + rng.random((n, 1))) / PARTICLES + rows
    found = np.searchsorted((weight / weight[:, -1:] + rows).ravel(), drawn.ravel()).reshape(n, -1) - count * rows
    kept = np.clip(found, 0, count - 1)
    return np.take_along_axis(q, kept, axis=1), np.take_along_axis(z, kept, axis=1)


def _moved(task: IntervalMap, y: Float[np.ndarray, "N P"], now: _State, s: float, rng: np.random.Generator) -> _State:
    """Particles after one Metropolis step each: of either half, chosen at random, by differences within the other."""
    half = PARTICLES // 2
    mine, others = np.split(rng.permutation(PARTICLES), 2)
    for moving, still in ((mine, others), (others, mine)):
        before = _State(*(part[..., moving] for part in now))
        one, two = still, np.roll(still, 1 + rng.integers(half - 1))
        # a whole difference leaps from mode to mode
        length = np.where(rng.random(before.q.shape) < 0.2, 1.0, rng.uniform(0.2, 1.3, before.q.shape))
        q, z = (v[:, moving] + length * (v[:, one] - v[:, two]) for v in (now.q, now.z))
        ((low, high),) = task.NUISANCE
        inside = (q >= task.lo) & (q <= task.hi) & (z >= low) & (z <= high)
        new = _state(task, y, np.clip(q, task.lo, task.hi), np.clip(z, low, high), s)
        gain = new.fit - before.fit + task.prior.log_density(new.q) - task.prior.log_density(before.q)
        taken = inside & (np.log(rng.random(q.shape)) < gain)
        for part, a, b in zip(now, new, before, strict=True):
            part[..., moving] = np.where(taken, a, b)
    return now
