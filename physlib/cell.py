"""A cell, all runs of one task and model that judge each other, and its stored judgement (running layer).

Forecast masses are kept in the store beside the runs, under a name that changes with them.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from physlib import experiment, tasks
from physlib.calibrate import Effort
from physlib.catalogue import TASKS
from physlib.experiment import counts, shares
from physlib.store import Result, Store, read_sealed

JUDGEMENT_VERSION = 2  # raise by hand when kernels, fits or scores change meaning

_EFFORTS = {  # by profile, and whether the task is simulated
    ("smoke", False): Effort(nodes=5, draws=10_000, final=50_000),
    ("smoke", True): Effort(nodes=3, draws=1_000, final=2_000),
    ("laptop", True): Effort(nodes=9, draws=40_000, final=200_000),
}


@dataclass(frozen=True)
class Entry:
    """One kernel with numbers from one source; `S` judged seeds."""

    kernel: str
    source: str | None
    fitted_on: str
    parameters: list[dict[str, float]]  # per judged seed
    masses: Float[np.ndarray, "S M"]  # forecast for each judged seed
    seconds: float  # all that one forecast required, training included
    n_estimated: int  # numbers taken from runs: those fitted, and the entries of a covariance
    revision: str | None  # of the code that made it


@dataclass(frozen=True)
class Cell:
    """The runs that a judgement is made from."""

    task: tasks.Task
    model: str
    profile: str
    judged: list[Result]
    pilots: list[Result]
    others: dict[str, list[Result]]  # judged runs of the same model on the other tasks

    @property
    def key(self) -> str:
        """Hash of the measured runs themselves, so that retrained runs ask for a new judgement."""
        digest = hashlib.sha256(json.dumps([JUDGEMENT_VERSION, self.effort.__dict__]).encode())
        for result in (*self.judged, *self.pilots, *(r for runs in self.others.values() for r in runs)):
            digest.update(result.config.key.encode() + result["q"].tobytes())
        return digest.hexdigest()[:10]

    @property
    def effort(self) -> Effort:
        """How finely this profile's forecasts are made."""
        return _EFFORTS.get((self.profile, isinstance(self.task, tasks.Simulated)), Effort())

    @property
    def path(self) -> Path:
        """Where the judgement is stored."""
        folder = Store.of(self.profile).root / self.task.name / self.model
        return folder / f"{self.profile}-judgement-{self.key}.safetensors"

    @property
    def counts(self) -> Int[np.ndarray, "S M"]:
        """Measured histograms of the judged runs."""
        return counts(self.task, self.judged)

    @property
    def shares(self) -> Float[np.ndarray, "S M"]:
        """Measured mass vectors of the judged runs."""
        return shares(self.task, self.judged)


def stored(cell: Cell) -> list[Entry]:
    """The stored judgement of a cell. Raises `Missing` or `Damaged`, with the command that makes it."""
    remedy = f"make it with: physlib judge --profile {cell.profile}"
    arrays, record = read_sealed(cell.path, f"judgement of {cell.task.name} / {cell.model}", remedy)
    return [Entry(**entry, masses=arrays[str(i)]) for i, entry in enumerate(record["entries"])]


def gather(task: str, model: str, profile: str) -> Cell:
    """Collect the runs of a cell from the store."""
    others = {name: experiment.load(name, model, profile) for name in TASKS if name != task}
    judged, pilots = experiment.load(task, model, profile), experiment.load(task, model, profile, pilot=True)
    return Cell(tasks.get(task), model, profile, judged, pilots, others)
