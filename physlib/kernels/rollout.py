"""Errors fed back through the rollout: what a model of the next step leaves (kernels layer)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.special import ndtr, ndtri

from physlib.core.errors import PhyslibError
from physlib.kernels.base import TrajectoryKernel
from physlib.tasks.base import RecurrenceTask, Task
from physlib.tasks.priors import DEFAULT

FAINT = 1e-12  # keeps a quantile inside (0, 1)
VAGUE = 100.0  # ranges of the prior: a reading no better than this says nothing


@dataclass(frozen=True)
class Rollout(TrajectoryKernel):
    """A reader of the past with relative error `s`, otherwise ideal, makes every step and misses it by `t e`.

    Before each step the past is read afresh: `u = m(x~) + s sigma e / sqrt(I)`, `I` the information in the steps so
    far. The quantity is drawn from its posterior given u, a Gaussian cut off at the ends of the prior, and the
    rule makes the next step with it, from what the model itself made. With exact readings (`s = 0`) nothing but
    noise in the dynamics is left, within the prior's range. A single draw from a posterior keeps the flat law; but
    the steps of one trajectory are made with different draws, and the quantity measured on them is their average,
    which lies further inside. The steps up to the first that the rule makes are the data's own. Raises
    `PhyslibError` for a task whose rule makes no steps or whose prior is not flat.
    """

    name = "rollout"
    s: float  # error of reading the past, share of the channel's standard deviation
    t: float  # error of making a step, likewise

    def deviate(self, task, x, rng):
        if not isinstance(task, RecurrenceTask):
            raise PhyslibError(f"kernel rollout needs a rule that makes steps, which {task.name} has not.")
        if task.prior.name != DEFAULT:
            raise PhyslibError(f"kernel rollout knows the posterior under a flat prior alone: {task.name} has another.")
        made = x.copy()
        with np.errstate(all="ignore"):  # what cannot be measured is counted as failed
            for step in range(task.HEAD + 1, x.shape[1]):
                past = made[:, :step]
                fresh = task.advance(past, self._believed(task, past, rng))
                fresh += self.t * task.scale * rng.standard_normal(fresh.shape)
                made[:, step] = np.clip(fresh, *task.SPAN)
        return made

    def _believed(
        self, task: Task, past: Float[np.ndarray, "N P D"], rng: np.random.Generator
    ) -> Float[np.ndarray, " N"]:
        """A draw from the posterior of the quantity given a reading of the past."""
        told, span = task.measure(past), task.hi - task.lo
        if self.s == 0:
            return np.clip(told, task.lo, task.hi)
        # a past that tells nothing leaves the prior; an error of many ranges does the same and stays finite
        error = np.minimum(self.s * float(task.scale[0]) / np.sqrt(task.information(past)), VAGUE * span)
        read = told + error * rng.standard_normal(told.shape)
        low, high = ndtr((task.lo - read) / error), ndtr((task.hi - read) / error)
        drawn = read + error * ndtri(np.clip(low + (high - low) * rng.random(read.shape), FAINT, 1 - FAINT))
        return np.clip(drawn, task.lo, task.hi)
