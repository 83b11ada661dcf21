"""Importance resampling: samples are thrown away where there are too many."""

from __future__ import annotations

import numpy as np

from physlib.mitigations.base import Change, Mitigation, inside


class Resample(Mitigation):
    """Half of the samples say how often each bin comes out; of the other half as many are kept as the rarest bin allows.

    Samples outside the range are dropped. Nothing is trained; it is sampling that costs more.
    """

    name = "resample"
    after = ("",)

    def change(self, task, data, seen, rng):
        half = len(seen[0]) // 2
        share = inside(task, seen[0][:half])
        bins = task.bins.index(seen[0][half:])
        accepted = np.concatenate([[0.0], share.min() / share, [0.0, 0.0]])[bins]
        return Change(selected=half + np.flatnonzero(rng.random(len(bins)) < accepted))
