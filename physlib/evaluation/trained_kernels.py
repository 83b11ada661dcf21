"""Kernels read off trained networks: the covariance of their deviations, and a pilot's own deviations."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from physlib.evaluation.entries import entry, forecast_entry
from physlib.evaluation.run_group import KernelForecast, RunGroup, others_mean
from physlib.evaluation.shift import resampled_mass
from physlib.forecasting.fit import Response, fit
from physlib.forecasting.forecast import forecast
from physlib.kernels import Covariance, Pilot
from physlib.kernels.additive import STRUCTURES, at_level, free_entries, structured
from physlib.models import PROBES, RENOISE
from physlib.runs.diagnostics import covariances
from physlib.runs.run import model_of

FAR = 0.5  # noise beyond which a network draws another trajectory rather than the same one again
DRAWS = 8_000  # behind each forecast that a covariance is fitted with; tables of several hundred are made


def trained_kernels(group: RunGroup) -> list[KernelForecast]:
    """Forecasts of the kernels that a network's own deviations supply."""
    whole = "probe_covariance" in group.judged[0].arrays
    structures = (None, *STRUCTURES) if whole else (None,)
    return [*(e for structure in structures for e in _covariances(group, structure)), *_pilot(group)]


def _covariances(group: RunGroup, structure: str | None) -> list[KernelForecast]:
    """Covariance kernels, whole or under an assumption: the probe level and an amplitude are fitted."""
    judged, pilots = (np.array([covariances(r) for r in runs]) for runs in (group.judged, group.pilots))
    matrices = {"oracle": judged, "pilot": pilots.mean(axis=0)[None]}
    if len(judged) > 1:
        matrices["seed"] = others_mean(judged)
    steps, dims = group.task.shape
    whole = "probe_covariance" in group.judged[0].arrays
    estimated = free_entries(structure if whole else "spectral", steps, dims)
    name, entries = f"covariance-{structure}" if structure else "covariance", []
    for source, masses in group.targets.items():
        fits, made = [], []
        for by_level, mass in zip(matrices[source], masses, strict=True):
            kept = [structured(m, structure, steps) for m in by_level] if structure else by_level
            build = _LevelKernel(np.array(kept), np.array(PROBES[group.model].levels))
            fits.append(fit([(Response(group.task, build, _axes(build.levels), min(group.budget.draws, DRAWS)), mass)]))
            made.append(forecast(group.task, build(**fits[-1].numbers), group.budget.final))
        entries.append(forecast_entry(group, name, source, fits, made, estimated))
        if source == "pilot" and not fits[0].at_bound:
            smaller = replace(fits[0], numbers=fits[0].numbers | {"s": group.shrinkage * fits[0].numbers["s"]})
            made = [forecast(group.task, build(**smaller.numbers), group.budget.final)]
            entries.append(forecast_entry(group, name, "scaled", [smaller], made, estimated))
    return entries


def _axes(levels: Float[np.ndarray, " L"]) -> dict[str, Float[np.ndarray, " J"]]:
    """Levels between the probed ones and amplitudes, eight to a doubling."""
    between = levels[0] * 2.0 ** (np.arange(np.log2(levels[-1] / levels[0]) * 8) / 8)
    return {"level": np.append(between, levels[-1]), "s": 2.0 ** (np.arange(-16, 25) / 8)}


@dataclass(frozen=True)
class _LevelKernel:
    """Builds the covariance kernel of one probe level."""

    covariances: Float[np.ndarray, "L TD TD"]
    levels: Float[np.ndarray, " L"]

    def __call__(self, level: float, s: float) -> Covariance:
        return Covariance(at_level(self.covariances, self.levels, level), s)


def _pilot(group: RunGroup) -> list[KernelForecast]:
    """What pilots make of data noised to the level that explains their own shift best: as it is, and made smaller.

    Models that do not denoise have no level, and a pilot that kept no weights cannot redraw.
    """
    kept = [run for run in group.pilots if run.weights]
    if PROBES[group.model] is not RENOISE or not kept:
        return []
    near = np.array(RENOISE.levels) <= FAR
    found = [resampled_mass(run) for run in group.pilots]
    masses, noise = (np.mean([pair[i] for pair in found], axis=0)[near] for i in (0, 1))
    errors = [float(np.sum((mass - group.targets["pilot"][0]) ** 2)) for mass in masses]
    best = int(np.argmin(errors))
    level, final = RENOISE.levels[best], group.budget.within(Pilot.most_draws).final
    made = forecast(group.task, Pilot(model_of(kept[0]), level, group.shrinkage), final)
    seen, numbers = sum(run.config.n_probe for run in group.pilots), [{"level": level}]
    return [
        entry(group, "pilot", "pilot", masses[best][None], noise[best][None] / len(found), seen, numbers),
        entry(group, "pilot", "scaled", made.mass[None], made.noise[None], final, numbers, made.seconds),
    ]
