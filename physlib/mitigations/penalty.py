"""A training penalty on drift: denoised trajectories should have the quantity of the clean ones, bin by bin."""

from __future__ import annotations

from physlib.mitigations.base import Change, Mitigation
from physlib.tasks import Task

STRENGTH = 1.0  # chosen on seed 100, the largest of powers of ten that left samples plausible
GROUPS = 5  # of the range: a batch has some seventy trajectories with little noise


class Penalty(Mitigation):
    """The mean drift in each fifth of the range, squared and relative to the range, is added to the loss."""

    name = "penalty"

    def change(self, task, data, seen, rng):
        return Change(penalty=drift_penalty(task))

    def expected(self, kernel) -> None:
        """Nothing: a kernel knows no losses."""


def drift_penalty(task: Task):
    """`STRENGTH` times the mean over groups of the squared mean drift, a function of denoised and clean trajectories.

    Trajectories whose measurement has moved by more than the range are passed over: there it may have no gradient.
    A mean over the few of a batch has a variance of its own, so that spread is penalised a little as well.
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
