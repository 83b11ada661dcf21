"""A guard band: more is shown than is wanted, and samples are cut back to what is."""

from __future__ import annotations

from typing import ClassVar

from physlib.mitigations.base import Change, Mitigation
from physlib.tasks import Task


class GuardBand(Mitigation):
    """Demonstrations from a wider range, as far as the rule holds; samples outside the wanted one are thrown away.

    A smooth generator rounds the jump at the ends of a flat prior. Here it rounds the ends of the band instead. It costs
    demonstrations that nobody wanted and the samples that are thrown away.
    """

    name = "guard"
    WIDTH: ClassVar[float] = 0.1  # of the band on either side, share of the range

    def wider(self, task: Task) -> Task:
        """The task with its range and the band on either side."""
        band, (low, high) = self.WIDTH * (task.hi - task.lo), task.info.domain
        return type(task)(max(task.lo - band, low), min(task.hi + band, high), task.prior.name)

    def change(self, task, data, seen, rng):
        wider = self.wider(task)
        return Change(wider=wider, data=wider.draw(len(data.q), rng))
