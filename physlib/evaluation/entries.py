"""Makers of a group's forecasts: from masses, from fitted numbers, from finished forecasts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from physlib.core.provenance import revision
from physlib.evaluation.run_group import KernelForecast, RunGroup
from physlib.forecasting.fit import Fit
from physlib.forecasting.forecast import Forecast


def entry(
    group: RunGroup,
    kernel: str,
    source: str,
    masses: Float[np.ndarray, "F M"],
    noise: Float[np.ndarray, "F M"],
    draws: int,
    numbers: Sequence[dict[str, float]] = ({},),
    seconds: float = 0.0,
    estimated: int = 0,
    at_bound: bool = False,
) -> KernelForecast:
    """A kernel's forecast of a group; one mass serves all evaluation seeds. `seconds` without the runs it has seen."""
    shape = (len(group.judged), masses.shape[1])
    return KernelForecast(
        kernel=kernel,
        source=source,
        fitted_on=group.fitted_on(source),
        parameters=list(numbers) * (len(group.judged) // len(numbers)),
        masses=np.broadcast_to(masses, shape),
        noise=np.broadcast_to(noise, shape),
        draws=draws,
        seconds=group.seconds_training(source) + seconds,
        n_estimated=len(numbers[0]) + estimated,
        at_bound=at_bound,
        revision=revision(),
    )


def fitted_entry(
    group: RunGroup,
    name: str,
    source: str,
    fits: Sequence[Fit],
    masses: Float[np.ndarray, "F M"],
    noise: Float[np.ndarray, "F M"],
    draws: int,
    seconds: float,
    estimated: int = 0,
) -> KernelForecast:
    """An entry from fitted numbers, one fit for each evaluation seed or one for all."""
    return entry(
        group,
        name,
        source,
        masses,
        noise,
        draws,
        numbers=[found.numbers for found in fits],
        seconds=fits[0].seconds + seconds,
        estimated=estimated,
        at_bound=any(found.at_bound for found in fits),
    )


def forecast_entry(
    group: RunGroup, name: str, source: str, fits: Sequence[Fit], made: Sequence[Forecast], estimated: int = 0
) -> KernelForecast:
    """The same from the forecasts that the fitted numbers lead to."""
    masses, noise = np.stack([(one.mass, one.noise) for one in made], axis=1)
    return fitted_entry(group, name, source, fits, masses, noise, made[0].draws, made[0].seconds, estimated)
