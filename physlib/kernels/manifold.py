"""Contraction on the data's manifold: a consistent reading of the noisy trajectory, its posterior mean, the rule again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from physlib.core.errors import PhyslibError
from physlib.kernels.base import Kernel
from physlib.kernels.contraction import posterior_mean
from physlib.tasks.base import Task
from physlib.tasks.estimators import Reread, estimators_of, read_by


def consistent(task: Task) -> Reread:
    """The task read by the first of its estimators that small errors do not bias. Raises `PhyslibError` for none."""
    known = estimators_of(task)[1:]
    if not known or not task.can_regenerate:
        raise PhyslibError(
            f"kernel manifold needs a rule that regenerates and a second estimator: {task.name} has not."
        )
    return read_by(task, known[0])


@dataclass(frozen=True)
class Manifold(Kernel):
    """`x~ = x_g + t e'`, with `x_g` the rule's trajectory at `g(u) = E[q | u]` and `u` the best fit to `x + s e`.

    A model that sees trajectories only through noise of level s, reads them as well as can be, and stops sharpening
    there. `NoiseContract` reads with the measurement, whose own bias it takes for the model's; and it has to be rough to
    contract, where samples are smooth: here s contracts and t is the roughness that samples show.
    """

    name = "manifold"
    s: float  # noise through which the quantity is read, share of each channel's standard deviation
    t: float  # white deviation left over, likewise

    def trajectories(self, task, data, rng):
        read = consistent(task)
        with np.errstate(all="ignore"):
            u = read.measure(data.x + self.s * task.scale * rng.standard_normal(data.x.shape))
        contracted = task.generate(np.interp(u, *posterior_mean(read, self.s)), data.z)
        return contracted + self.t * task.scale * rng.standard_normal(data.x.shape)

    def push(self, task, data, rng):
        with np.errstate(all="ignore"):  # what cannot be measured is counted as failed
            return task.measure(self.trajectories(task, data, rng))
