"""The posterior mean of a trajectory after noise: what an ideal denoiser says at one level (kernels layer).

A trajectory is a draw from its own posterior given a noisy copy, so a Markov chain that starts at it has nothing to
forget: the average over the chain is an estimate of the posterior mean from the first step on, whatever the number
of modes near by. Where the rule is a simulation the posterior is over a fixed set of trajectories instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.special import softmax

from physlib.errors import PhyslibError
from physlib.kernels.base import Kernel
from physlib.tasks.base import Simulated, Stepwise, Task, Trajectories

SWEEPS = 200  # steps of a chain
SIZES = (-0.5, 0.5)  # decimal logarithms of the least and largest step, in standard deviations of the posterior
MADE = 2  # steps of a window that the rule makes, besides those that it leaves free
STEP = 1e-6  # of the differences that say how wide a posterior is
BLOCK = 2_000  # noisy trajectories compared with the whole set at once
Parameters = Float[np.ndarray, "N P"]


def chain_mean(
    make: Callable[[Parameters], Float[np.ndarray, "N E"]],
    start: Parameters,
    bounds: Float[np.ndarray, "P 2"],
    noisy: Float[np.ndarray, "N E"],
    s: float,
    rng: np.random.Generator,
) -> Float[np.ndarray, "N E"]:
    """`E[y | y + s e]` for each row of `noisy`, with `y = make(parameters)` and parameters flat within `bounds`.

    Metropolis steps about the parameters that truly made each row, in the shape of the Gaussian posterior there and
    of random size, so that narrow and wide posteriors are both crossed.
    """
    known = make(start)
    slopes = np.stack([(make(start + STEP * row) - known) / STEP for row in np.eye(start.shape[1])], axis=-1)
    precision = np.einsum("nep,ner->npr", slopes, slopes) / s**2
    spans = np.diff(bounds)[:, 0]
    precision += np.diag(np.where(np.isfinite(spans), 12 / np.square(spans), 1e-9))  # a flat prior's own
    shape = np.linalg.cholesky(np.linalg.inv(precision))

    def log_likelihood(y):
        return -np.square(noisy - y).sum(axis=1) / (2 * s**2)

    at, y, total = start, known, np.zeros_like(known)
    density = log_likelihood(y)
    for _ in range(SWEEPS):
        size = 10 ** rng.uniform(*SIZES, (len(start), 1))
        tried = at + size * np.einsum("npr,nr->np", shape, rng.standard_normal(start.shape))
        inside = np.all((tried >= bounds[:, 0]) & (tried <= bounds[:, 1]), axis=1)
        made = make(np.clip(tried, *bounds.T))
        new = log_likelihood(made)
        taken = inside & (np.log(rng.random(len(start))) < new - density)
        at, y = (np.where(taken[:, None], a, b) for a, b in ((tried, at), (made, y)))
        density = np.where(taken, new, density)
        total += y
    return total / SWEEPS


def set_mean(known: Float[np.ndarray, "J E"], noisy: Float[np.ndarray, "N E"], s: float) -> Float[np.ndarray, "N E"]:
    """`E[y | y + s e]` over a set of `J` rows, each as likely as the others: an ideal denoiser of that very set."""
    squares = np.square(known).sum(axis=1) / 2
    blocks = np.split(noisy, range(BLOCK, len(noisy), BLOCK))
    return np.concatenate([softmax((block @ known.T - squares) / s**2, axis=1) @ known for block in blocks])


@dataclass(frozen=True)
class NoiseContractX(Kernel):
    """Noise-contract-x: `x~ = E[x | x + s e] + s e'`, what is left of a denoiser that stops sharpening at level s.

    The posterior is that of the task's own rule; where the rule is a simulation, over the trajectories of the
    task's bank. It is not noise-contract-q: `E[q | m(x + s e)]` reads the quantity with the measurement, which on a
    chaotic trajectory knows far less of it than the whole trajectory does.
    """

    name = "noise-contract-x"
    most_draws = 20_000
    s: float  # noise at which sharpening stops, and what is left over, share of each channel's standard deviation

    def push(self, task, data, rng):
        noisy = data.x + self.s * task.scale * rng.standard_normal(data.x.shape)
        mean = data.x if self.s == 0 else self._mean(task, data, noisy, rng)
        with np.errstate(all="ignore"):  # what cannot be measured is counted as failed
            return task.measure(mean + self.s * task.scale * rng.standard_normal(data.x.shape))

    def _mean(
        self, task: Task, data: Trajectories, noisy: Float[np.ndarray, "N T D"], rng: np.random.Generator
    ) -> Float[np.ndarray, "N T D"]:
        unit = np.tile(task.scale, task.shape[0])
        flat = noisy.reshape(len(noisy), -1) / unit
        if isinstance(task, Simulated):
            known = task.bank(task.BANK).x.reshape(-1, flat.shape[1]) / unit
            mean = set_mean(known, flat, self.s)
        else:

            def make(parameters):
                return task.generate(parameters[:, 0], parameters[:, 1:]).reshape(len(parameters), -1) / unit

            start = np.column_stack([data.q, data.z])
            mean = chain_mean(make, start, np.array([(task.lo, task.hi), *task.NUISANCE]), flat, self.s, rng)
        return (mean * unit).reshape(noisy.shape)


@dataclass(frozen=True)
class Patch(Kernel):
    """Each step is the posterior mean given the noisy steps around it alone, plus `s e'`: a denoiser that looks locally.

    After the patches of M. Kamb and S. Ganguli, An analytic theory of creativity in convolutional diffusion models
    (2024), with the rule's own posterior in place of a training set's; windows at the ends lie inside the
    trajectory. Neighbouring steps need not agree on the quantity, and each draws it inward.
    Raises `PhyslibError` for a task whose rule makes no steps.
    """

    name = "patch"
    s: float  # noise at which sharpening stops, and what is left over, share of each channel's standard deviation

    def push(self, task, data, rng):
        if not isinstance(task, Stepwise):
            raise PhyslibError(f"kernel patch needs a rule that makes steps, which {task.name} has not.")
        noisy = data.x + self.s * task.scale * rng.standard_normal(data.x.shape)
        made = data.x.copy() if self.s == 0 else self._means(task, data, noisy, rng)
        with np.errstate(all="ignore"):
            return task.measure(made + self.s * task.scale * rng.standard_normal(made.shape))

    def _means(
        self, task: Stepwise, data: Trajectories, noisy: Float[np.ndarray, "N T D"], rng: np.random.Generator
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
            mean = chain_mean(make, start, bounds, seen, self.s, rng) * unit
            made[:, step] = mean.reshape(-1, width, dims)[:, step - first]
        return made
