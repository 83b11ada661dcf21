"""All runs of one task and model, and the stored forecasts of what they do.

`source` is what a kernel's free numbers were calibrated on:

- `oracle`: the very run that is scored (an upper bound, no forecast);
- `seed`: the other seeds of the group (repeatability, no forecast);
- `transferred`: the same model on the other synthetic tasks;
- `pilot`: pilot runs of the group, of a tenth of the training;
- `scaled`: the same pilot runs, every size multiplied by the root of the ratio of training lengths. Each step of
  training adds what it can learn from one batch, so an error that is estimated away shrinks as one over the square
  root of the steps.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from physlib import tasks
from physlib.core.files import read_sealed, seal, write_atomic
from physlib.evaluation.shift import counts, shares
from physlib.forecasting.fit import MonteCarloBudget
from physlib.runs.run import load_runs
from physlib.runs.store import Result, Store
from physlib.studies.forecasts import TASKS
from physlib.studies.mechanism import FLAT

SOURCES = ("oracle", "seed", "transferred", "pilot", "scaled")
"""In order of how much of the answer they have seen."""
FORECASTS = SOURCES[2:]
"""Those that have not seen it."""
VERSION = 4  # raise by hand when kernels, fits or intervals change meaning

BUDGETS = {  # by preset, and whether a task's trajectories are costly
    ("smoke", False): MonteCarloBudget(1_000, 1_000),
    ("smoke", True): MonteCarloBudget(1_000, 1_000),
    ("laptop", True): MonteCarloBudget(40_000, 50_000),
}


@dataclass(frozen=True)
class KernelForecast:
    """One kernel, its free numbers from one source; `S` evaluation seeds."""

    kernel: str
    source: str
    fitted_on: str
    parameters: list[dict[str, float]]  # per evaluation seed
    masses: Float[np.ndarray, "S M"]  # forecast for each evaluation seed
    noise: Float[np.ndarray, "S M"]  # variance of `masses` from the draws, or samples, behind them
    draws: int  # Monte Carlo size, or samples, behind each mass
    seconds: float  # all that one forecast required, training included
    n_estimated: int  # numbers taken from runs: those fitted, and the entries of a covariance
    at_bound: bool  # a fit ended at the end of its lattice: no part of medians, contests or rescaling
    revision: str | None  # of the code that made it
    interval: Float[np.ndarray, "2 M"] | None = None  # ends, 95 %, for each bin's mass in one new run


@dataclass(frozen=True)
class RunGroup:
    """The runs that forecasts of one task and model are made from and scored on."""

    task: tasks.Task
    model: str
    profile: str
    judged: list[Result]  # of the evaluation seeds
    pilots: list[Result]
    others: dict[str, list[Result]]  # evaluation runs of the same model on the other synthetic tasks
    other_pilots: dict[str, list[Result]]  # and their pilots

    @property
    def key(self) -> str:
        """Hash of the measured runs themselves, so that retrained runs ask for new forecasts."""
        digest = hashlib.sha256(json.dumps([VERSION, asdict(self.budget)]).encode())
        elsewhere = [run for group in (self.others, self.other_pilots) for runs in group.values() for run in runs]
        for result in (*self.judged, *self.pilots, *elsewhere):
            digest.update(result.config.key.encode() + counts([result]).tobytes())
        return digest.hexdigest()[:10]

    @property
    def budget(self) -> MonteCarloBudget:
        """How many draws this preset's forecasts are made from."""
        return BUDGETS.get((self.profile, self.task.costly), MonteCarloBudget())

    @property
    def path(self) -> Path:
        """Where the forecasts are stored."""
        folder = Store.of(self.profile).root / self.task.name / self.model
        return folder / f"{self.profile}-forecasts-{self.key}.safetensors"

    @cached_property
    def counts(self) -> Int[np.ndarray, "S M"]:
        """Measured histograms of the evaluation runs."""
        return counts(self.judged)

    @cached_property
    def shares(self) -> Float[np.ndarray, "S M"]:
        """Measured mass vectors of the evaluation runs."""
        return shares(self.judged)

    @property
    def shrinkage(self) -> float:
        """What sizes of errors are multiplied by from pilots to finished runs: one over the root of the steps."""
        return math.sqrt(self.pilots[0].config.steps / self.judged[0].config.steps)

    @cached_property
    def targets(self) -> dict[str, Float[np.ndarray, "F M"]]:
        """Mass vectors that numbers are fitted to, by source; one per evaluation seed, or one for all."""
        found = {"oracle": self.shares, "pilot": shares(self.pilots).mean(axis=0, keepdims=True)}
        return found | ({"seed": others_mean(self.shares)} if len(self.judged) > 1 else {})

    def seconds_training(self, source: str) -> float:
        """Seconds of the runs that a forecast must have seen; `oracle` has seen the answer itself."""
        needed = {
            "oracle": self.judged[:1],
            "seed": self.judged[1:],
            "transferred": [r for runs in self.others.values() for r in runs],
            "pilot": self.pilots,
            "scaled": self.pilots,
        }
        return float(sum(r.provenance["seconds_total"] for r in needed[source]))

    def fitted_on(self, source: str) -> str:
        """What a source is, in words."""
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


def gather(task: str, model: str, profile: str) -> RunGroup:
    """Collect the runs of a group from the store; under a smooth prior no other tasks."""
    elsewhere = [name for name in TASKS if name != task] if tasks.get_task(task).prior.name == FLAT else []
    others, other_pilots = (
        {name: load_runs(name, model, profile, pilot=short) for name in elsewhere} for short in (False, True)
    )
    judged, pilots = (load_runs(task, model, profile, pilot=short) for short in (False, True))
    return RunGroup(tasks.get_task(task), model, profile, judged, pilots, others, other_pilots)


_ARRAYS = ("masses", "noise", "interval")


def keep(group: RunGroup, entries: list[KernelForecast]) -> list[KernelForecast]:
    """Store the forecasts of a group in place of those of runs that have changed since."""
    record = {"entries": [{k: v for k, v in e.__dict__.items() if k not in _ARRAYS} for e in entries]}
    arrays = {}
    for i, one in enumerate(entries):
        for name in _ARRAYS:
            if (value := getattr(one, name)) is not None:
                same = name != "interval" and np.all(value == value[:1])
                arrays[f"{i}/{name}"] = (value[:1] if same else value).astype(np.float32)
    write_atomic(group.path, seal(arrays, record))
    for old in group.path.parent.glob(f"{group.profile}-forecasts-*.safetensors"):
        if old != group.path:
            old.unlink()
    return entries


def stored(group: RunGroup) -> list[KernelForecast]:
    """The stored forecasts of a group. Raises `Missing` or `Damaged`, with the command that makes them."""
    remedy = f"make them with: physlib benchmark '{group.task.name}' --profile {group.profile}"
    arrays, record = read_sealed(group.path, f"forecasts of {group.task.name} / {group.model}", remedy)
    whole = (len(group.judged), arrays["0/masses"].shape[1])

    def kept(i: int) -> dict[str, np.ndarray]:
        each = {name: np.broadcast_to(arrays[f"{i}/{name}"].astype(float), whole) for name in ("masses", "noise")}
        interval = arrays.get(f"{i}/interval")
        return each | {"interval": None if interval is None else interval.astype(float)}

    return [KernelForecast(**one, **kept(i)) for i, one in enumerate(record["entries"])]
