"""Coordinates given by a formula, in which errors do less to the quantity."""

from __future__ import annotations

from physlib.mitigations.base import Change, Mitigation
from physlib.tasks.representations import Cosines, Increments, Recoded, analytic_chart


class Coordinates(Mitigation):
    """The model sees, and errs in, the task's analytic chart; it stays unconditional."""

    name = "coordinates"

    def change(self, task, data, seen, rng):
        return Change(task=Recoded(task, analytic_chart(task)))


class IncrementCoordinates(Mitigation):
    """The model sees the first step and each later one's difference from the one before; it stays unconditional."""

    name = "increments"

    def change(self, task, data, seen, rng):
        return Change(task=Recoded(task, Increments()))


class CosineCoordinates(Mitigation):
    """The model sees cosine coefficients over time, each in units of its own deviation; it stays unconditional."""

    name = "cosines"

    def change(self, task, data, seen, rng):
        return Change(task=Recoded(task, Cosines()))
