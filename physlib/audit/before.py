"""Before training: what a deviation of a plausible size and spectrum would do to the quantity."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from tqdm import tqdm

from physlib.audit.demonstrations import Demonstrations
from physlib.forecasting.forecast import Forecast, forecast
from physlib.kernels import Kernel, Smooth
from physlib.stats.distances import total_variation
from physlib.stats.stretches import stretches

SIZES = (0.01, 0.02, 0.05)
"""Deviations that trained models are seen to leave, as shares of each column's standard deviation."""
LENGTHS = (0.0, 1 / 32, 1 / 8)
"""Correlation lengths from white to smooth, as shares of the trajectory."""
TYPICAL = (0.02, 0.0)
"""Size and correlation length at which single numbers are given."""


@dataclass(frozen=True)
class AgreedStretch:
    """Neighbouring bins that every setting of a forecast moves the same way, if at all."""

    lo: float | None  # None: open
    hi: float | None
    mass: float  # change of the share of all trajectories by the typical setting, negative for a loss
    range: tuple[float, float]  # least and largest over the settings: of what is not known, not of noise


@dataclass(frozen=True)
class ForecastRange:
    """Forecasts of a typical setting, and of every plausible one."""

    typical: Forecast
    members: Sequence[Forecast]  # one a setting, the typical one among them
    gains: list[AgreedStretch]  # where no setting loses
    losses: list[AgreedStretch]

    @property
    def low(self) -> Float[np.ndarray, " M"]:
        """Least mass of each row over the settings, Monte Carlo noise included."""
        return np.clip(np.min([m.mass - 2 * np.sqrt(m.noise) for m in self.members], axis=0), 0, 1)

    @property
    def high(self) -> Float[np.ndarray, " M"]:
        """Largest mass, likewise."""
        return np.clip(np.max([m.mass + 2 * np.sqrt(m.noise) for m in self.members], axis=0), 0, 1)

    @property
    def tv(self) -> tuple[float, float, float]:
        """Total variation from the intended mass: at the typical setting, least, largest."""
        every = [total_variation(m.mass, m.bins.reference) for m in self.members]
        return total_variation(self.typical.mass, self.typical.bins.reference), min(every), max(every)


def plausible_kernels(demos: Demonstrations, build: Callable[[float], Kernel] | None) -> list[Kernel]:
    """Kernels of every plausible size, of one family or of spectra from white to smooth, the typical one first."""
    settings = [TYPICAL, *((s, r) for s in SIZES for r in LENGTHS if (s, r) != TYPICAL)]
    if build is None:
        return [Smooth(size, share * demos.shape[0]) for size, share in settings]
    return [build(size) for size in dict.fromkeys(size for size, _ in settings)]


def forecast_range(demos: Demonstrations, kernels: Sequence[Kernel], seed: int) -> ForecastRange:
    """Forecast with given kernels, the first of them typical; those of one name share their random numbers."""
    members = [
        forecast(demos, kernel, demos.draws, seed)
        for kernel in tqdm(kernels, desc="forecasting", leave=False, delay=2, disable=None)
    ]
    agreed = _agreed(members)
    return ForecastRange(members[0], members, [s for s in agreed if s.mass > 0], [s for s in agreed if s.mass < 0])


def _agreed(members: Sequence[Forecast]) -> list[AgreedStretch]:
    """Stretches of the typical forecast in which no setting moves mass the other way."""
    typical, found = members[0], []
    for rows in stretches(typical.shift, typical.noise):
        mass, every = float(typical.shift[rows].sum()), [float(m.shift[rows].sum()) for m in members]
        # a setting so small that it does nothing does not object
        against = [-np.sign(mass) * v > 2 * np.sqrt(m.noise[rows].sum()) for v, m in zip(every, members, strict=True)]
        if not any(against):
            found.append(AgreedStretch(*typical.bins.span(rows.start, rows.stop - 1), mass, (min(every), max(every))))
    return found
