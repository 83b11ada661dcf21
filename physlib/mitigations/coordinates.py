"""Coordinates that the quantity depends on evenly, given by a formula (theory layer)."""

from __future__ import annotations

from physlib.mitigations.base import Change, Mitigation
from physlib.tasks.charts import analytic_chart, recoded


class Coordinates(Mitigation):
    """The model sees, and errs in, the task's analytic chart; it stays unconditional."""

    name = "coordinates"

    def change(self, task, data, seen, rng):
        return Change(task=recoded(task, analytic_chart(task)))
