"""A cell, all runs of one task and model that judge each other, and its stored judgement (running layer).

Forecast masses are kept in the store beside the runs, under a name that changes with them.

`source` says what a kernel's numbers were fitted on:

- `oracle`: the very run it is scored on (an upper bound, no forecast);
- `seed`: the other seeds of the cell (repeatability, no forecast);
- `transferred`: the same model on the other synthetic tasks;
- `pilot`: pilot runs of the cell, of a tenth of the training;
- `scaled`: the same pilot runs, every size multiplied by the root of the ratio of training lengths (of kernels with a
  level, the amplitude of what pilots do at theirs). Each step of training adds what it can learn from one batch, so an error that is estimated away shrinks as one over the square
  root of the steps.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from physlib import tasks
from physlib.core.files import read_sealed
from physlib.core.provenance import revision
from physlib.evaluation.shift import counts, shares
from physlib.forecasting.fit import MonteCarloBudget
from physlib.runs.run import load_runs
from physlib.runs.store import Result, Store
from physlib.studies.catalogue import TASKS

SOURCES = ("oracle", "seed", "transferred", "pilot", "scaled")
"""In order of how much of the answer they were told."""
FORECASTS = SOURCES[2:]
"""Those that were not told the answer."""
JUDGEMENT_VERSION = 3  # raise by hand when kernels, fits or scores change meaning

_EFFORTS = {  # by profile, and whether the task is simulated
    ("smoke", False): MonteCarloBudget(nodes=3, draws=1_000, final=1_000),
    ("smoke", True): MonteCarloBudget(nodes=3, draws=1_000, final=1_000),
    ("laptop", True): MonteCarloBudget(nodes=9, draws=40_000, final=200_000),
}


@dataclass(frozen=True)
class KernelForecast:
    """One kernel with numbers from one source; `S` judged seeds."""

    kernel: str
    source: str | None
    fitted_on: str
    parameters: list[dict[str, float]]  # per judged seed
    masses: Float[np.ndarray, "S M"]  # forecast for each judged seed
    draws: int  # Monte Carlo size, or samples, behind each mass
    seconds: float  # all that one forecast required, training included
    n_estimated: int  # numbers taken from runs: those fitted, and the entries of a covariance
    revision: str | None  # of the code that made it
    interval: Float[np.ndarray, "2 M"] | None = None  # ends, 95 %, for each bin's mass in one new run


@dataclass(frozen=True)
class RunGroup:
    """The runs that a judgement is made from."""

    task: tasks.Task
    model: str
    profile: str
    judged: list[Result]
    pilots: list[Result]
    others: dict[str, list[Result]]  # judged runs of the same model on the other synthetic tasks
    other_pilots: dict[str, list[Result]]  # and their pilots

    @property
    def key(self) -> str:
        """Hash of the measured runs themselves, so that retrained runs ask for a new judgement."""
        digest = hashlib.sha256(json.dumps([JUDGEMENT_VERSION, self.effort.__dict__]).encode())
        elsewhere = [run for group in (self.others, self.other_pilots) for runs in group.values() for run in runs]
        for result in (*self.judged, *self.pilots, *elsewhere):
            digest.update(result.config.key.encode() + result["q"].tobytes())
        return digest.hexdigest()[:10]

    @property
    def effort(self) -> MonteCarloBudget:
        """How finely this profile's forecasts are made."""
        return _EFFORTS.get((self.profile, isinstance(self.task, tasks.FiniteBankTask)), MonteCarloBudget())

    @property
    def path(self) -> Path:
        """Where the judgement is stored."""
        folder = Store.of(self.profile).root / self.task.name / self.model
        return folder / f"{self.profile}-judgement-{self.key}.safetensors"

    @cached_property
    def counts(self) -> Int[np.ndarray, "S M"]:
        """Measured histograms of the judged runs."""
        return counts(self.task, self.judged)

    @cached_property
    def shares(self) -> Float[np.ndarray, "S M"]:
        """Measured mass vectors of the judged runs."""
        return shares(self.task, self.judged)

    @property
    def shrinkage(self) -> float:
        """What sizes of errors are multiplied by from the pilots to the judged runs: one over the root of the steps."""
        return math.sqrt(self.pilots[0].config.steps / self.judged[0].config.steps)

    @cached_property
    def profiles(self) -> dict[str, Float[np.ndarray, "F M"]]:
        """Mass vectors that numbers are fitted to, by source; one per judged seed, or one for all."""
        found = {"oracle": self.shares, "pilot": shares(self.task, self.pilots).mean(axis=0, keepdims=True)}
        return found | ({"seed": others_mean(self.shares)} if len(self.judged) > 1 else {})

    def entry(
        self, kernel: str, source: str, numbers: list[dict[str, float]], masses: np.ndarray, draws: int, seconds: float
    ) -> KernelForecast:
        """An entry with what the source required; a single mass serves all judged seeds. `seconds` without training."""
        if len(masses) == 1:
            numbers, masses = numbers * len(self.judged), np.tile(masses[0], (len(self.judged), 1))
        seconds += self._training_seconds(source)
        words, estimated = self._fitted_on(source), len(numbers[0])
        return KernelForecast(kernel, source, words, numbers, masses, draws, seconds, estimated, revision())

    def _training_seconds(self, source: str) -> float:
        """Seconds of the runs that a forecast must have seen; `oracle` has seen the answer itself."""
        needed = {
            "oracle": self.judged[:1],
            "seed": self.judged[1:],
            "transferred": [r for runs in self.others.values() for r in runs],
            "pilot": self.pilots,
            "scaled": self.pilots,
        }
        return float(sum(r.provenance["seconds_total"] for r in needed[source]))

    def _fitted_on(self, source: str) -> str:
        pilots = "pilot seeds " + ", ".join(str(r.config.seed) for r in self.pilots)
        return {
            "oracle": "the same run",
            "seed": "other seeds",
            "transferred": ", ".join(self.others),
            "pilot": pilots,
            "scaled": f"{pilots}, times {self.shrinkage:.3f}",
        }[source]


def others_mean(values: Float[np.ndarray, "S ..."]) -> Float[np.ndarray, S * M]:
    """For each seed the mean over the other seeds."""
    return (values.sum(axis=0) - values) / (len(values) - 1)


def stored(cell: RunGroup) -> list[KernelForecast]:
    """The stored judgement of a cell. Raises `Missing` or `Damaged`, with the command that makes it."""
    remedy = f"make it with: physlib judge --profile {cell.profile}"
    arrays, record = read_sealed(cell.path, f"judgement of {cell.task.name} / {cell.model}", remedy)
    return [
        KernelForecast(**entry, masses=arrays[str(i)], interval=arrays.get(f"{i}/interval"))
        for i, entry in enumerate(record["entries"])
    ]


def gather(task: str, model: str, profile: str) -> RunGroup:
    """Collect the runs of a cell from the store."""
    others, other_pilots = (
        {name: load_runs(name, model, profile, pilot=short) for name in TASKS if name != task}
        for short in (False, True)
    )
    judged, pilots = (load_runs(task, model, profile, pilot=short) for short in (False, True))
    return RunGroup(tasks.get_task(task), model, profile, judged, pilots, others, other_pilots)
