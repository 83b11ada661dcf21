"""Deconvolution: demonstrations are weighted so that what a kernel makes of them comes out flat."""

from __future__ import annotations

import numpy as np
from scipy.optimize import nnls

from physlib.forecasting.fit import fit, response
from physlib.forecasting.forecast import forecast
from physlib.kernels import FAMILIES
from physlib.mitigations.base import Change, Mitigation, drawn
from physlib.stats.histogram import flat_mass

FAMILY = "contract"
DRAWS = 50_000
FINAL = 200_000


class Deconvolve(Mitigation):
    """Weights that solve `R w = p`, `w >= 0`, in least squares, with R of `contract` fitted to the plain run.

    The distribution of the trajectories in a bin is taken to stay as it is; R contracts towards the middle of the *old*
    range of values, which a model trained on new weights has no reason to do.
    """

    name = "deconvolve"
    version = 2  # fitted coarse to fine
    after = ("",)

    def change(self, task, data, seen, rng):
        counts = task.bins.counts(seen[0])
        numbers = fit([(response(task, FAMILY, DRAWS), counts / counts.sum())]).numbers
        transition = forecast(task, FAMILIES[FAMILY](**numbers), FINAL).transition[:, 1:-2]
        weights = nnls(transition, flat_mass() * transition.shape[1])[0]
        return Change(train_rows=drawn(task, data.q, weights, rng), arrays={"bin_weights": weights / np.mean(weights)})
