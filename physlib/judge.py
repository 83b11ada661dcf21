"""Every kernel, from every source of its free numbers, against the stored runs of a cell (running layer).

`source` says what a kernel's numbers were fitted on:

- `oracle`: the very run it is scored on (an upper bound, no forecast);
- `seed`: the other seeds of the cell (repeatability, no forecast);
- `transferred`: the same model on the other synthetic tasks;
- `pilot`: pilot runs of the cell, of a tenth of the training;
- `scaled`: the same pilot runs, every number multiplied by the root of the ratio of training lengths. Each step of
  training adds what it can learn from one batch, so an error that is estimated away shrinks as one over the square
  root of the steps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from physlib import tasks
from physlib.calibrate import family_table, fit, tabulate
from physlib.cell import Cell, Entry, gather, stored
from physlib.density import flat_mass
from physlib.experiment import shares
from physlib.forecast import forecast
from physlib.kernels import FAMILIES, Covariance
from physlib.kernels.covariance import at_level
from physlib.models import PROBES
from physlib.probe import covariances
from physlib.provenance import revision
from physlib.store import seal, write_atomic

SOURCES = ("oracle", "seed", "transferred", "pilot", "scaled")
"""In order of how much of the answer they were told."""
FITTED = (
    *("blur", "shrink", "shrink-and-blur"),
    *("isotropic", "state-scale", "contract", "noise-contract-q", "noise-contract-x", "expansion"),
)
"""Kernels that every cell is judged by."""
OWN = {"autoregressive-transformer": ("rollout",), "vae-mlp": ("linear-vae",)}
"""Kernels that follow from what a model's objective leaves."""


def make(cell: Cell) -> list[Entry]:
    """Judge a cell and store the answer, replacing judgements of runs that have changed since."""
    families = (*FITTED, *OWN.get(cell.model, ()))
    entries = [*_baselines(cell), *(e for family in families for e in _fitted(cell, family)), *_covariances(cell)]
    record = {"entries": [{k: v for k, v in e.__dict__.items() if k != "masses"} for e in entries]}
    write_atomic(cell.path, seal({str(i): e.masses for i, e in enumerate(entries)}, record))
    for old in cell.path.parent.glob(f"{cell.profile}-judgement-*.safetensors"):
        if old != cell.path:
            old.unlink()
    return entries


def _others_mean(masses: Float[np.ndarray, "S M"]) -> Float[np.ndarray, "S M"]:
    """For each seed the mean over the other seeds."""
    return (masses.sum(axis=0) - masses) / (len(masses) - 1)


def _pilot_names(cell: Cell) -> str:
    return "pilot seeds " + ", ".join(str(r.config.seed) for r in cell.pilots)


def _baselines(cell: Cell) -> list[Entry]:
    """What needs no kernel: no shift, the pilot's own samples, other tasks' shifts, other seeds' histograms."""
    observed, count = cell.shares, len(cell.judged)
    blank: list[dict[str, float]] = [{}] * count
    flat = forecast(cell.task, FAMILIES["no-shift"](), 1_000)
    pilot = shares(cell.task, cell.pilots).mean(axis=0)
    other = np.mean([shares(tasks.get(name), runs).mean(axis=0) for name, runs in cell.others.items()], axis=0)
    entries = [Entry("no-shift", None, "nothing", blank, np.tile(flat.mass, (count, 1)), 0.0, 0, revision())]
    known = [
        ("pilot-samples", "pilot", pilot),
        ("pilot-samples", "scaled", flat_mass() + shrinkage(cell) * (pilot - flat_mass())),
        ("task-profile", "transferred", other),
    ]
    entries += [_entry(cell, name, source, blank[:1], mass[None], 0.0) for name, source, mass in known]
    return entries + ([_entry(cell, "seed-profile", "seed", blank, _others_mean(observed), 0.0)] if count > 1 else [])


def _targets(cell: Cell) -> dict[str, Float[np.ndarray, "F M"]]:
    """Profiles of this cell that numbers are fitted to, by source; one per judged seed, or one for all."""
    observed = cell.shares
    targets = {"oracle": observed, "pilot": shares(cell.task, cell.pilots).mean(axis=0, keepdims=True)}
    return targets | ({"seed": _others_mean(observed)} if len(observed) > 1 else {})


def _fitted(cell: Cell, family: str) -> list[Entry]:
    """Entries of a tabulated kernel family from all four sources."""
    own = family_table(cell.task, family, cell.effort)
    fits = {source: [fit([(own, mass)]) for mass in masses] for source, masses in _targets(cell).items()}
    tables = {name: family_table(tasks.get(name), family, cell.effort) for name in cell.others}
    means = {name: shares(tasks.get(name), runs).mean(axis=0) for name, runs in cell.others.items()}
    fits["transferred"] = [fit([(tables[name], means[name]) for name in cell.others])]
    fits["scaled"] = [{name: shrinkage(cell) * value for name, value in fits["pilot"][0].items()}]
    entries = []
    for source, numbers in fits.items():
        forecasts = [forecast(cell.task, FAMILIES[family](**n), cell.effort.final) for n in numbers]
        fitted = tables.values() if source == "transferred" else [own]
        seconds = forecasts[0].seconds + sum(table.seconds for table in fitted)
        masses = np.array([f.mass for f in forecasts])
        entries.append(_entry(cell, family, source, numbers, masses, seconds))
    return entries


def shrinkage(cell: Cell) -> float:
    """What the size of an error is multiplied by from the pilots to the judged runs, one over the root of their steps."""
    return math.sqrt(cell.pilots[0].config.steps / cell.judged[0].config.steps)


def _training_seconds(cell: Cell, source: str) -> float:
    """Seconds of the runs that a forecast from this source must have seen; `oracle` has seen the answer itself."""
    needed = {
        "oracle": cell.judged[:1],
        "seed": cell.judged[1:],
        "transferred": [r for runs in cell.others.values() for r in runs],
        "pilot": cell.pilots,
        "scaled": cell.pilots,
    }
    return float(sum(r.provenance["seconds_total"] for r in needed[source]))


def _entry(cell: Cell, kernel: str, source: str, numbers: list[dict], masses: np.ndarray, seconds: float) -> Entry:
    count = len(cell.judged)
    fitted_on = {
        "oracle": "the same run",
        "seed": "other seeds",
        "transferred": ", ".join(cell.others),
        "pilot": _pilot_names(cell),
        "scaled": f"{_pilot_names(cell)}, times {shrinkage(cell):.3f}",
    }[source]
    seconds += _training_seconds(cell, source)
    if len(numbers) == 1:  # one fit serves all judged seeds
        numbers, masses = numbers * count, np.tile(masses[0], (count, 1))
    estimated = len(numbers[0])
    if kernel == "covariance":  # a symmetric matrix, or a spectrum, was read off a network as well
        entries = int(np.prod(cell.task.shape))
        estimated += entries * (entries + 1) // 2 if "probe_covariance" in cell.judged[0].arrays else entries
    return Entry(kernel, source, fitted_on, numbers, masses, seconds, estimated, revision())


def _covariances(cell: Cell) -> list[Entry]:
    """Covariance kernels estimated from a network's own deviations at the probe level that fits best."""
    judged = np.array([covariances(r) for r in cell.judged])
    matrices = {"oracle": judged, "pilot": np.mean([covariances(r) for r in cell.pilots], axis=0)[None]}
    if len(judged) > 1:
        matrices["seed"] = _others_mean(judged)
    entries = []
    for source, masses in _targets(cell).items():
        numbers, forecasts, seconds = [], [], 0.0
        for by_level, mass in zip(matrices[source], masses, strict=True):
            levels = np.array(PROBES[cell.model].levels)
            build = _LevelKernel(by_level, levels)
            table = tabulate(cell.task, build, {"level": levels}, cell.effort.draws, "covariance")
            numbers.append(fit([(table, mass)]))
            forecasts.append(forecast(cell.task, build(**numbers[-1]), cell.effort.final))
            seconds = table.seconds + forecasts[-1].seconds
        entries.append(_entry(cell, "covariance", source, numbers, np.array([f.mass for f in forecasts]), seconds))
        if source == "pilot":
            smaller = replace(build, amplitude=shrinkage(cell))(**numbers[0])
            mass = forecast(cell.task, smaller, cell.effort.final).mass[None]
            entries.append(_entry(cell, "covariance", "scaled", numbers, mass, seconds))
    return entries


@dataclass(frozen=True)
class _LevelKernel:
    """Builds the covariance kernel of one probe level."""

    covariances: Float[np.ndarray, "L TD TD"]
    levels: Float[np.ndarray, " L"]
    amplitude: float = 1.0

    def __call__(self, level: float) -> Covariance:
        return Covariance(at_level(self.covariances, self.levels, level), self.amplitude)


def load(task: str, model: str, profile: str) -> tuple[Cell, list[Entry]]:
    """A cell and its stored judgement; at `smoke` a missing one is made on the spot."""
    cell = gather(task, model, profile)
    if profile == "smoke" and not cell.path.exists():
        return cell, make(cell)
    return cell, stored(cell)
