"""What remedies did: outcomes of the runs before and after."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, cached_property
from typing import NamedTuple

import numpy as np

from physlib import tasks
from physlib.evaluation.shift import clean_shift, observed
from physlib.runs.config import Config
from physlib.runs.run import fetch
from physlib.runs.store import Result
from physlib.studies.remedies import RemedyExperiment, experiments


class Outcome(NamedTuple):
    """What was measured of one run."""

    shift: float  # total variation from the intended law
    beyond: float  # the same with its sampling noise taken off in quadrature
    plausible: float
    other: float  # shift of the first quantity that nobody balanced, noise taken off; NaN where none varies


@dataclass(frozen=True)
class RemedyEffect:
    """What one remedy did on one task."""

    experiment: RemedyExperiment

    @cached_property
    def runs(self) -> tuple[list[Result], list[Result]]:
        """Runs before and after, as stored; at smoke missing ones are made."""
        return fetch(self.experiment.before), fetch(self.experiment.after)

    @cached_property
    def outcomes(self) -> tuple[list[Outcome], list[Outcome]]:
        """What they did, seed by seed."""
        pairs = (self.experiment.before, self.experiment.after)
        before, after = ([_outcome(config) for config in configs] for configs in pairs)
        return before, after

    @property
    def seconds_extra(self) -> float:
        """Wall time beyond a run without the remedy, earlier runs that it must have seen included; mean over seeds."""
        extra = [_seconds(after) - _seconds(before) for before, after in zip(*self.runs, strict=True)]
        return float(np.mean(extra) + np.mean([sum(map(_seconds, fetch(runs))) for runs in self.experiment.earlier]))


def effects(profile: str) -> list[RemedyEffect]:
    """The effect of every remedy on every task that it is tried on at a profile."""
    return [RemedyEffect(experiment) for experiment in experiments(profile)]


@cache  # the runs before are those of many experiments
def _outcome(config: Config) -> Outcome:
    task, (run,) = tasks.get_task(config.task), fetch([config])
    (beyond,), seen = clean_shift([run]), observed(task, run)
    return Outcome(seen.shift, beyond, seen.plausible, float(run["other_shift"][0]) if task.others else math.nan)


def _seconds(run: Result) -> float:
    return run.provenance["seconds_total"]
