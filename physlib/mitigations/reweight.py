"""Reweighting: demonstrations are trained on more often where samples are too rare."""

from __future__ import annotations

import numpy as np

from physlib.mitigations.base import Change, Mitigation, drawn, inside


class Reweight(Mitigation):
    """Weights inverse to the share that each bin had among samples: the first thing one would try."""

    name = "reweight"
    after = ("",)

    def change(self, task, data, seen, rng):
        weights = np.prod([1 / inside(task, q) for q in seen], axis=0)
        weights /= weights.mean()
        return Change(train_rows=drawn(task, data.q, weights, rng), arrays={"bin_weights": weights})


class ReweightTwice(Reweight):
    """The same once more: weights are multiplied by what reweighting once left to be done."""

    name = "reweight-twice"
    after = ("", "reweight")
