"""Kernels read off trained networks: the covariance of their deviations, and a pilot's own deviations (running layer)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from physlib.evaluation.run_group import KernelForecast, RunGroup, others_mean
from physlib.evaluation.shift import redrawn
from physlib.forecasting.fit import fit, tabulate
from physlib.forecasting.forecast import forecast
from physlib.kernels import Covariance, Pilot
from physlib.kernels.additive import STRUCTURES, at_level, free_entries, structured
from physlib.models import PROBES, RENOISE
from physlib.runs.diagnostics import covariances
from physlib.runs.run import model_of
from physlib.runs.store import Result
from physlib.stats.distances import shift_r2

FAR = 0.5  # noise beyond which a network draws another trajectory rather than the same one again


def read_off(cell: RunGroup) -> list[KernelForecast]:
    """Entries of the kernels that a network's own deviations supply."""
    whole = "probe_covariance" in cell.judged[0].arrays
    entries = [e for structure in (None, *STRUCTURES) if whole for e in _covariances(cell, structure)]
    return [*(entries or _covariances(cell, None)), *_pilot(cell)]


def _covariances(cell: RunGroup, structure: str | None) -> list[KernelForecast]:
    """Covariance kernels estimated at the probe level that fits best, whole or under an assumption."""
    judged, pilots = (np.array([covariances(r) for r in runs]) for runs in (cell.judged, cell.pilots))
    matrices = {"oracle": judged, "pilot": pilots.mean(axis=0)[None]}
    if len(judged) > 1:
        matrices["seed"] = others_mean(judged)
    steps, dims = cell.task.shape
    whole = "probe_covariance" in cell.judged[0].arrays
    estimated = free_entries(structure if whole else "spectral", steps, dims)
    name = f"covariance-{structure}" if structure else "covariance"
    levels, final, entries = np.array(PROBES[cell.model].levels), cell.effort.final, []

    def entry(source: str, numbers: list[dict[str, float]], masses: list[np.ndarray], seconds: float) -> None:
        made = cell.entry(name, source, numbers, np.array(masses), final, seconds)
        entries.append(replace(made, n_estimated=made.n_estimated + estimated))

    for source, profiles in cell.profiles.items():
        numbers, forecasts = [], []
        for by_level, mass in zip(matrices[source], profiles, strict=True):
            kept = [structured(m, structure, steps) for m in by_level] if structure else by_level
            build = _LevelKernel(np.array(kept), levels)
            table = tabulate(cell.task, build, {"level": levels}, cell.effort.draws, name)
            numbers.append(fit([(table, mass)]))
            forecasts.append(forecast(cell.task, build(**numbers[-1]), final))
        seconds = table.seconds + forecasts[-1].seconds
        entry(source, numbers, [f.mass for f in forecasts], seconds)
        if source == "pilot":
            smaller = replace(build, amplitude=cell.shrinkage)(**numbers[0])
            entry("scaled", numbers, [forecast(cell.task, smaller, final).mass], seconds)
    return entries


@dataclass(frozen=True)
class _LevelKernel:
    """Builds the covariance kernel of one probe level."""

    covariances: Float[np.ndarray, "L TD TD"]
    levels: Float[np.ndarray, " L"]
    amplitude: float = 1.0

    def __call__(self, level: float) -> Covariance:
        return Covariance(at_level(self.covariances, self.levels, level), self.amplitude)


def _pilot(cell: RunGroup) -> list[KernelForecast]:
    """What pilots make of data noised to the level that explains their own shift best: as it is, and made smaller.

    Models that do not denoise have no level, and a pilot that kept no weights cannot redraw.
    """
    kept = [run for run in cell.pilots if run.weights]
    if PROBES[cell.model] is not RENOISE or not kept:
        return []
    masses = np.mean([redrawn(run)[0] for run in cell.pilots], axis=0)[np.array(RENOISE.levels) <= FAR]
    best = int(np.argmax([shift_r2(mass, cell.profiles["pilot"][0]) for mass in masses]))
    level, seen = RENOISE.levels[best], sum(_probes(run) for run in cell.pilots)
    made = forecast(
        cell.task, Pilot(model_of(kept[0]), level, cell.shrinkage), min(cell.effort.final, Pilot.most_draws)
    )
    return [
        cell.entry("pilot", "pilot", [{"level": level}], masses[best][None], seen, 0.0),
        cell.entry("pilot", "scaled", [{"level": level}], made.mass[None], made.draws, made.seconds),
    ]


def _probes(run: Result) -> int:
    return int(run["probe_counts"][0].sum())
