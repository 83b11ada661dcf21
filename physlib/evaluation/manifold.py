"""Forecasts of contraction on the manifold: its noise fitted to histograms, its roughness read off residuals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from physlib.core.rng import numpy_rng
from physlib.evaluation.entries import forecast_entry
from physlib.evaluation.run_group import KernelForecast, RunGroup
from physlib.forecasting.fit import Fit, Response, fit, lattice
from physlib.forecasting.forecast import forecast
from physlib.kernels import Manifold
from physlib.runs.store import Result
from physlib.tasks import Task

DRAWS, FINAL = 40_000, 100_000
PROBED, SIZE = 10_000, 0.02  # trajectories, and white error, that say how residuals grow with error


def roughness(task: Task, runs: Sequence[Result]) -> float:
    """Size of the white error, share of each channel's deviation, whose median residual is that of the runs' samples."""
    rng = numpy_rng(0, f"roughness {task.name}")
    x = task.sample(PROBED, rng).x
    of_error = np.median(task.residual(x + SIZE * task.scale * rng.standard_normal(x.shape)))
    seen = np.mean([run["residual_quantiles"][50] for run in runs])  # the median
    return float(SIZE * seen / of_error)


def manifold_kernel(group: RunGroup) -> list[KernelForecast]:
    """Forecasts with the noise from every source but other tasks."""
    found = {"oracle": group.judged, "seed": group.judged, "pilot": group.pilots}
    rough = {source: roughness(group.task, runs) for source, runs in found.items()}
    entries, responses = [], {t: _response(group, t) for t in set(rough.values())}
    for source, masses in group.targets.items():
        fits = [fit([(responses[rough[source]], mass)]) for mass in masses]
        fits = [replace(one, numbers=one.numbers | {"t": rough[source]}) for one in fits]
        entries.append(_entry(group, source, fits))
        if source == "pilot" and not fits[0].at_bound:
            smaller = {name: group.shrinkage * value for name, value in fits[0].numbers.items()}
            entries.append(_entry(group, "scaled", [replace(fits[0], numbers=smaller)]))
    return entries


def _response(group: RunGroup, t: float) -> Response:
    return Response(group.task, partial(Manifold, t=t), {"s": lattice("s")}, min(DRAWS, group.budget.draws))


def _entry(group: RunGroup, source: str, fits: list[Fit]) -> KernelForecast:
    made = [forecast(group.task, Manifold(**one.numbers), min(FINAL, group.budget.final)) for one in fits]
    return forecast_entry(group, Manifold.name, source, fits, made)
