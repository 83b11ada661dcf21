"""In which representation would an error of one relative size do the least to the quantity?

A model leaves errors in proportion to what it is given: white error of relative size `s` in the channels of each
representation, turned back into positions. Spreads of channels are those of all kept demonstrations.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from physlib.audit.before import TYPICAL
from physlib.audit.demonstrations import Demonstrations
from physlib.forecasting.forecast import forecast
from physlib.kernels import InRepresentation, Isotropic, Kernel
from physlib.stats.distances import total_variation
from physlib.tasks.representations import Chart, Increments, SineCosine, StateWithVelocities, StepsAndHeadings


@dataclass(frozen=True)
class RankedRepresentation:
    """What an error of the typical relative size would do in one representation."""

    name: str
    tv: float  # forecast total variation from the intended distribution
    mean_shift: float  # forecast change of the mean, in the quantity's unit
    spread: float  # standard error of `tv` from Monte Carlo, roughly


class Centred(Chart):
    """The first point as it is, every later one as seen from it."""

    name, unlike = "relative to the first point", 1

    def encode(self, x):
        return np.concatenate([x[:, :1], x[:, 1:] - x[:, :1]], axis=1)

    def decode(self, codes):
        return np.concatenate([codes[:, :1], codes[:, 1:] + codes[:, :1]], axis=1)


def rank(
    demos: Demonstrations, angles: tuple[int, ...], seed: int, size: float = TYPICAL[0]
) -> list[RankedRepresentation]:
    """Representations from the least forecast shift to the largest, "as given" among them."""
    x, ranked = demos.kept.x, []
    kernels: dict[str, Kernel] = {"as given": Isotropic(size)}
    kernels |= {name: InRepresentation(chart, chart.spread(x), size) for name, chart in _charts(demos, angles).items()}
    for name, kernel in kernels.items():
        found = forecast(demos, kernel, demos.draws, seed)
        noise = float(np.sqrt(found.noise.sum()) / 2)
        ranked.append(
            RankedRepresentation(name, total_variation(found.mass, demos.bins.reference), found.mean_shift, noise)
        )
    return sorted(ranked, key=lambda r: (r.tv, abs(r.mean_shift)))


def _charts(demos: Demonstrations, angles: tuple[int, ...]) -> dict[str, Chart]:
    """Representations to try, by name."""
    step = np.diff(demos.kept.x, axis=1)
    charts: dict[str, Chart] = {"increments": Increments(), Centred.name: Centred()}
    if demos.shape[1] > 1:  # one column has no heading
        typical = float(np.median(np.linalg.norm(step, axis=2)))
        charts["log-increments"] = StepsAndHeadings(1e-3 * max(typical, 1e-300), vectors=True)
    if angles:
        charts["sin/cos"] = SineCosine(angles)
    charts["state with velocities"] = StateWithVelocities(demos.scale, step.std(axis=(0, 1)))
    return charts
