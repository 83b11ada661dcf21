"""Setting a kernel's free numbers from an observed shift profile (theory layer).

The forecast is tabulated once per task on a grid of the numbers; a fit then minimises the squared
error of the interpolated profile, so that fitting to many profiles costs nothing more. One fit may
take profiles of several tasks: sizes are relative, so numbers carry over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float
from scipy.interpolate import RegularGridInterpolator
from scipy.optimize import minimize
from tqdm import tqdm

from physlib.density import flat_mass
from physlib.errors import PhyslibError
from physlib.forecast import forecast
from physlib.kernels import FAMILIES
from physlib.tasks import Task

AXES: dict[str, tuple[float, float]] = {  # smallest and largest value of each free number
    "s": (0.002, 1.5),
    "t": (0.002, 1.5),
    "a": (0.002, 1.5),
    "b": (0.002, 0.5),
}


@dataclass(frozen=True)
class Effort:
    """How finely forecasts are tabulated; the pages' smoke profile needs less than a published figure."""

    nodes: int = 14  # grid values per free number, besides 0
    draws: int = 200_000  # Monte Carlo size at each


@dataclass(frozen=True)
class Table:
    """Forecast masses of one kernel family on one task, over a grid of its free numbers."""

    names: tuple[str, ...]
    axes: tuple[Float[np.ndarray, " J"], ...]
    masses: Float[np.ndarray, "*grid K+3"]

    def interpolate(self, positions: Float[np.ndarray, " P"]) -> Float[np.ndarray, " K+3"]:
        """Mass at fractional grid positions, one per free number, linear between nodes."""
        grid = tuple(np.arange(len(axis), dtype=float) for axis in self.axes)
        return RegularGridInterpolator(grid, self.masses)(positions)[0]

    def values(self, positions: Float[np.ndarray, " P"]) -> dict[str, float]:
        """The free numbers at fractional grid positions."""
        return {
            name: float(np.interp(p, np.arange(len(axis)), axis))
            for name, axis, p in zip(self.names, self.axes, positions, strict=True)
        }


@lru_cache(maxsize=64)
def tabulate(task: Task, family: str, effort: Effort = Effort()) -> Table:  # noqa: B008  (frozen)
    """Tabulate a kernel family's forecasts on a task.

    The same random numbers serve every node, so that neighbours differ by the kernel and not by noise.
    """
    kernel = FAMILIES[family]
    names = tuple(kernel.__dataclass_fields__)
    if not set(names) <= set(AXES):
        raise PhyslibError(f"kernel {family} cannot be tabulated: its numbers are {', '.join(names)}.")
    axes = tuple(np.concatenate([[0.0], np.geomspace(*AXES[name], effort.nodes)]) for name in names)
    shape = tuple(len(axis) for axis in axes)
    masses = np.empty((*shape, len(flat_mass())))
    for index in tqdm(list(np.ndindex(shape)), desc=f"tabulating {family} on {task.name}", leave=False):
        numbers = (float(axis[i]) for axis, i in zip(axes, index, strict=True))
        masses[index] = forecast(task, kernel(*numbers), effort.draws).mass
    return Table(names, axes, masses)


def fit(profiles: Sequence[tuple[Table, Float[np.ndarray, " K+3"]]]) -> dict[str, float]:
    """Free numbers that best explain observed masses, each with the table of its task.

    Minimises the sum over profiles of the squared error relative to the squared shift, so each task
    weighs the same whatever the size of its shift.
    """
    flat = flat_mass()
    table = profiles[0][0]

    def misfit(positions):
        return sum(
            float(np.sum((t.interpolate(positions) - mass) ** 2) / np.sum((mass - flat) ** 2)) for t, mass in profiles
        )

    shape = table.masses.shape[:-1]
    start = min(np.ndindex(shape), key=lambda index: misfit(np.array(index, dtype=float)))
    bounds = [(0.0, n - 1.0) for n in shape]
    best = minimize(misfit, np.array(start, dtype=float), method="Nelder-Mead", bounds=bounds, options={"xatol": 1e-3})
    return table.values(best.x)
