"""A training penalty on drift: denoised trajectories should have the quantity of the clean ones, bin by bin (theory layer)."""

from __future__ import annotations

from physlib.mitigations.base import Change, Mitigation
from physlib.tasks import Task

STRENGTH = 1.0  # chosen on seed 100: 10 costs most of the plausible samples, .1 changes nothing
GROUPS = 5  # of the range: a batch has some seventy trajectories with little noise


class Penalty(Mitigation):
    """The mean drift in each fifth of the range, squared and relative to the range, is added to the loss."""

    name = "penalty"

    def change(self, task, data, seen, rng):
        return Change(penalty=drift_penalty(task))

    def expected(self, kernel):
        """The kernel knows nothing of losses."""


def drift_penalty(task: Task):
    """`STRENGTH` times the mean over groups of the squared mean drift, a function of denoised and clean trajectories.

    Trajectories whose measurement has left the range by more than its width are passed over: there the
    measurement may have no gradient.
    """
    import torch

    width = task.hi - task.lo

    def penalty(denoised, clean):
        with torch.no_grad():
            intended, found = task.measure(clean), task.measure(denoised)
            good = (found - intended).abs() < width
            group = ((intended[good] - task.lo) / width * GROUPS).long().clamp(0, GROUPS - 1)
            counts = torch.bincount(group, minlength=GROUPS).clamp(min=1)
        drift = (task.measure(denoised[good]) - intended[good]) / width
        mean = torch.zeros(GROUPS, dtype=drift.dtype, device=drift.device).index_add(0, group, drift) / counts
        return STRENGTH * mean.square().mean()

    return penalty
