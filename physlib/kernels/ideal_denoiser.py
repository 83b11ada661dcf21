"""The posterior mean of a trajectory after noise: what an ideal denoiser says at one level (kernels layer).

A trajectory is a draw from its own posterior given a noisy copy, so a Markov chain that starts at it has nothing to
forget: where the posterior has one mode, the average over the chain is an estimate of the posterior mean from the
first step on. Chaotic maps have many modes and need particles, see `physlib.kernels.particle_posterior`. Where the rule is a
simulation the posterior is over a fixed set of trajectories instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float
from scipy.special import softmax

from physlib.core.errors import PhyslibError
from physlib.core.rng import numpy_rng
from physlib.kernels.base import Kernel
from physlib.kernels.particle_posterior import particle_mean
from physlib.tasks.base import RecurrenceTask, Task, Trajectories
from physlib.tasks.maps import IntervalMap

SWEEPS = 200  # steps of a chain
SIZES = (-0.5, 0.5)  # decimal logarithms of the least and largest step, in standard deviations of the posterior
MADE = 2  # steps of a window that the rule makes, besides those that it leaves free
STEP = 1e-6  # of the differences that say how wide a posterior is
COMPARED = 40_000_000  # pairs of a noisy and a known trajectory at once
FEW = 0.5  # noise, standard deviations, from which on the draws below serve better than particles
PRIOR = 300_000  # draws of the rule that stand for all that it can make
Parameters = Float[np.ndarray, "N P"]


def chain_mean(
    make: Callable[[Parameters], Float[np.ndarray, "N E"]],
    start: Parameters,
    bounds: Float[np.ndarray, "P 2"],
    noisy: Float[np.ndarray, "N E"],
    s: float,
    rng: np.random.Generator,
    log_prior: Callable[[Float[np.ndarray, " N"]], Float[np.ndarray, " N"]],
) -> Float[np.ndarray, "N E"]:
    """`E[y | y + s e]` for each row of `noisy`, with `y = make(parameters)` and parameters within `bounds`.

    The first parameter has density `exp(log_prior)`, the others are flat.

    Metropolis steps about the parameters that truly made each row, in the shape of the Gaussian posterior there and
    of random size, so that narrow and wide posteriors are both crossed.
    """
    known = make(start)
    slopes = np.stack([(make(start + STEP * row) - known) / STEP for row in np.eye(start.shape[1])], axis=-1)
    precision = np.einsum("nep,ner->npr", slopes, slopes) / s**2
    spans = np.diff(bounds)[:, 0]
    precision += np.diag(np.where(np.isfinite(spans), 12 / np.square(spans), 1e-9))  # a flat prior's own
    shape = np.linalg.cholesky(np.linalg.inv(precision))

    def log_density(parameters, y):
        return log_prior(parameters[:, 0]) - np.square(noisy - y).sum(axis=1) / (2 * s**2)

    at, y, total = start, known, np.zeros_like(known)
    density = log_density(at, y)
    for _ in range(SWEEPS):
        size = 10 ** rng.uniform(*SIZES, (len(start), 1))
        tried = at + size * np.einsum("npr,nr->np", shape, rng.standard_normal(start.shape))
        inside = np.all((tried >= bounds[:, 0]) & (tried <= bounds[:, 1]), axis=1)
        nearest = np.clip(tried, *bounds.T)
        made = make(nearest)
        new = log_density(nearest, made)
        taken = inside & (np.log(rng.random(len(start))) < new - density)
        at, y = (np.where(taken[:, None], a, b) for a, b in ((tried, at), (made, y)))
        density = np.where(taken, new, density)
        total += y
    return total / SWEEPS


def set_mean(known: Float[np.ndarray, "J E"], noisy: Float[np.ndarray, "N E"], s: float) -> Float[np.ndarray, "N E"]:
    """`E[y | y + s e]` over a set of `J` rows, each as likely as the others: an ideal denoiser of that very set."""
    squares, rows = np.square(known).sum(axis=1) / 2, max(1, COMPARED // len(known))
    blocks = np.split(noisy, range(rows, len(noisy), rows))
    return np.concatenate([softmax((block @ known.T - squares) / s**2, axis=1) @ known for block in blocks])


def ideal_denoiser(
    task: Task, data: Trajectories, noisy: Float[np.ndarray, "N T D"], s: float, rng: np.random.Generator
) -> Float[np.ndarray, "N T D"]:
    """`E[x | x + s e]` for data and their noisy copies; `s` in channel standard deviations.

    The posterior is that of the task's own rule: by a chain, or on maps by particles where there is little noise, with a
    chain for the few sets that are lost, and by weighing draws of the rule where there is more. Where the rule is a
    simulation it is over the trajectories of the task's bank, as many as are asked about.
    """
    if isinstance(task, IntervalMap) and s < FEW:
        mean = particle_mean(task, noisy, (data.q, data.z), s * float(task.scale[0]), rng)
        lost = np.isnan(mean[:, 0, 0])
        if lost.any():
            left = Trajectories(*(part[lost] for part in data))
            mean[lost] = _by_chain(task, left, noisy[lost], s, rng)
        return mean
    if task.can_regenerate and not isinstance(task, IntervalMap):
        return _by_chain(task, data, noisy, s, rng)
    unit = np.tile(task.scale, task.shape[0])
    known = _many(task) if task.can_regenerate else task.bank(len(noisy)).x
    mean = set_mean(known.reshape(len(known), -1) / unit, noisy.reshape(len(noisy), -1) / unit, s)
    return (mean * unit).reshape(noisy.shape)


@lru_cache(maxsize=1)
def _many(task: Task) -> Float[np.ndarray, "J T D"]:
    return task.sample(PRIOR, numpy_rng(0, f"prior of {task.name}")).x


def _by_chain(
    task: Task, data: Trajectories, noisy: Float[np.ndarray, "N T D"], s: float, rng: np.random.Generator
) -> Float[np.ndarray, "N T D"]:
    unit = np.tile(task.scale, task.shape[0])

    def make(parameters):
        return task.generate(parameters[:, 0], parameters[:, 1:]).reshape(len(parameters), -1) / unit

    bounds, start = np.array([(task.lo, task.hi), *task.NUISANCE]), np.column_stack([data.q, data.z])
    rows = noisy.reshape(len(noisy), -1) / unit
    return (chain_mean(make, start, bounds, rows, s, rng, task.prior.log_density) * unit).reshape(noisy.shape)


@lru_cache(maxsize=64)
def _answers(task: Task, s: float, *data: bytes) -> Float[np.ndarray, "N T D"]:
    """The ideal denoiser's answers about trajectories, kept because the same are asked about for every `t`."""
    x, q, z = (np.frombuffer(part) for part in data)
    known = Trajectories(x.reshape(-1, *task.shape), q, z.reshape(len(q), -1))
    rng = numpy_rng(0, f"ideal {task.name} {s:.9g}")
    noisy = known.x + s * task.scale * rng.standard_normal(known.x.shape)
    return ideal_denoiser(task, known, noisy, s, rng)


@dataclass(frozen=True)
class NoiseContractX(Kernel):
    """Noise-contract-x: `x~ = E[x | x + s e] + t e'`, what is left of an ideal denoiser that stops sharpening at level s.

    It is not noise-contract-q: `E[q | m(x + s e)]` reads the quantity with the measurement, which on a chaotic
    trajectory knows far less of it than the whole trajectory does. The noise is the same for every forecast, so that
    the answers can be kept while `t` changes.
    """

    name = "noise-contract-x"
    most_draws = 5_000
    s: float  # noise at which sharpening stops, share of each channel's standard deviation
    t: float  # white deviation left over, likewise

    def push(self, task, data, rng):
        with np.errstate(all="ignore"):  # what cannot be measured is counted as failed
            return task.measure(self.trajectories(task, data, rng))

    def trajectories(self, task, data, rng):
        left_over = self.t * task.scale * rng.standard_normal(data.x.shape)
        mean = _answers(task, self.s, *(part.tobytes() for part in data)) if self.s else data.x
        return mean + left_over


@dataclass(frozen=True)
class Patch(Kernel):
    """Each step is the posterior mean given the noisy steps around it alone, plus `s e'`: a denoiser that looks locally.

    After the patches of M. Kamb and S. Ganguli, An analytic theory of creativity in convolutional diffusion models
    (2024), with the rule's steps and a flat prior for where a window begins in place of a training set; windows at the ends lie inside the
    trajectory. Neighbouring steps need not agree on the quantity, and each draws it inward.
    Raises `PhyslibError` for a task whose rule makes no steps.
    """

    name = "patch"
    most_draws = 10_000
    s: float  # noise at which sharpening stops, and what is left over, share of each channel's standard deviation

    def push(self, task, data, rng):
        with np.errstate(all="ignore"):
            return task.measure(self.trajectories(task, data, rng))

    def trajectories(self, task, data, rng):
        if not isinstance(task, RecurrenceTask):
            raise PhyslibError(f"kernel patch needs a rule that makes steps, which {task.name} has not.")
        noisy = data.x + self.s * task.scale * rng.standard_normal(data.x.shape)
        made = data.x.copy() if self.s == 0 else self._means(task, data, noisy, rng)
        return made + self.s * task.scale * rng.standard_normal(made.shape)

    def _means(
        self, task: RecurrenceTask, data: Trajectories, noisy: Float[np.ndarray, "N T D"], rng: np.random.Generator
    ) -> Float[np.ndarray, "N T D"]:
        head, (steps, dims) = task.HEAD, task.shape
        width, made = head + MADE, np.empty_like(noisy)
        unit = np.tile(task.scale, width)
        bounds = np.array([(task.lo, task.hi), *[task.SPAN] * (head * dims)])

        def make(parameters):
            window = np.empty((len(parameters), width, dims))
            window[:, :head] = parameters[:, 1:].reshape(-1, head, dims)
            for step in range(head, width):
                window[:, step] = task.advance(window[:, :step], parameters[:, 0])
            return window.reshape(len(parameters), -1) / unit

        for step in range(steps):
            first = min(max(0, step - width // 2), steps - width)
            start = np.column_stack([data.q, data.x[:, first : first + head].reshape(len(noisy), -1)])
            seen = noisy[:, first : first + width].reshape(len(noisy), -1) / unit
            mean = chain_mean(make, start, bounds, seen, self.s, rng, task.prior.log_density) * unit
            made[:, step] = mean.reshape(-1, width, dims)[:, step - first]
        return made
