"""Setting a kernel's free numbers from an observed shift profile (theory layer).

The forecast is tabulated once per task on a grid of the numbers; a fit then minimises the squared
error of the interpolated profile, so that fitting to many profiles costs nothing more. One fit may
take profiles of several tasks: sizes are relative, so numbers carry over.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from jaxtyping import Float
from scipy.interpolate import RegularGridInterpolator
from scipy.optimize import minimize
from tqdm import tqdm

from physlib.core.errors import PhyslibError
from physlib.forecasting.forecast import forecast
from physlib.kernels import FAMILIES, Kernel
from physlib.stats.distances import shift_r2
from physlib.stats.histogram import flat_mass
from physlib.tasks import Task

AXES: dict[str, tuple[float, float]] = {  # smallest and largest value of each free number
    "s": (0.004, 1.0),
    "t": (0.004, 1.0),
    "a": (0.004, 1.0),
    "b": (0.002, 0.5),
}


@dataclass(frozen=True)
class MonteCarloBudget:
    """How finely forecasts are tabulated; the pages' smoke profile needs less than a published figure."""

    nodes: int = 13  # grid values per free number, besides 0
    draws: int = 100_000  # Monte Carlo size at each of them
    final: int = 1_000_000  # Monte Carlo size of the forecast that is scored

    def within(self, most: int) -> MonteCarloBudget:
        """The same with no forecast of more than `most` draws."""
        return dataclasses.replace(self, draws=min(self.draws, most), final=min(self.final, most))


@dataclass(frozen=True)
class Table:
    """Forecast masses of one kernel family on one task, over a grid of its free numbers."""

    names: tuple[str, ...]
    axes: tuple[Float[np.ndarray, " J"], ...]
    masses: Float[np.ndarray, "*grid M"]
    seconds: float  # what tabulating took

    @cached_property
    def _cubic(self) -> RegularGridInterpolator:
        grid = tuple(np.arange(len(axis), dtype=float) for axis in self.axes)
        return RegularGridInterpolator(grid, self.masses, method="cubic")

    def interpolate(self, positions: Float[np.ndarray, " P"]) -> Float[np.ndarray, " M"]:
        """Mass at fractional grid positions, one per free number, cubic between nodes."""
        return self._cubic(positions)[0]

    def at(self, numbers: dict[str, float]) -> Float[np.ndarray, " M"]:
        """Mass at given free numbers, those beyond the grid taken to its edge; a cubic may dip below 0, a mass not."""
        pairs = zip(self.names, self.axes, strict=True)
        at = np.array([np.interp(numbers[n], axis, np.arange(len(axis))) for n, axis in pairs])
        mass = np.maximum(self.interpolate(at), 0)
        return mass / mass.sum()

    def values(self, positions: Float[np.ndarray, " P"]) -> dict[str, float]:
        """The free numbers at fractional grid positions."""
        return {
            name: float(np.interp(p, np.arange(len(axis)), axis))
            for name, axis, p in zip(self.names, self.axes, positions, strict=True)
        }


def tabulate(
    task: Task, build: Callable[..., Kernel], axes: dict[str, Float[np.ndarray, " J"]], draws: int, title: str
) -> Table:
    """Tabulate forecasts of the kernels `build(number, ...)` over the product of `axes`.

    The same random numbers serve every node, so that neighbours differ by the kernel and not by noise.
    """
    started = time.perf_counter()
    shape = tuple(len(axis) for axis in axes.values())
    masses = np.empty((*shape, len(flat_mass())))
    for index in tqdm(list(np.ndindex(shape)), desc=f"tabulating {title} on {task.name}", leave=False):
        numbers = (float(axis[i]) for axis, i in zip(axes.values(), index, strict=True))
        masses[index] = forecast(task, build(*numbers), draws).mass
    return Table(tuple(axes), tuple(axes.values()), masses, time.perf_counter() - started)


@lru_cache(maxsize=64)
def family_table(task: Task, family: str, effort: MonteCarloBudget) -> Table:
    """The table of a kernel family on a task, over the ranges in `AXES` and 0.

    Raises `PhyslibError` for a family with numbers that have no range, such as a given covariance.
    """
    kernel = FAMILIES[family]
    names = [f.name for f in dataclasses.fields(kernel)]
    if not set(names) <= set(AXES):
        raise PhyslibError(f"kernel {family} cannot be tabulated: its fields are {', '.join(names)}.")
    axes = {name: np.concatenate([[0.0], np.geomspace(*AXES[name], effort.nodes)]) for name in names}
    return tabulate(task, kernel, axes, effort.draws, family)


def fit(profiles: Sequence[tuple[Table, Float[np.ndarray, " M"]]]) -> dict[str, float]:
    """Free numbers that best explain observed masses, each with the table of its task.

    Minimises the sum over profiles of the squared error relative to the squared shift, so each task
    weighs the same whatever the size of its shift.
    """
    table = profiles[0][0]

    def misfit(positions):
        return sum(1 - float(shift_r2(t.interpolate(positions), mass)) for t, mass in profiles)

    shape = table.masses.shape[:-1]
    start = min(np.ndindex(shape), key=lambda index: misfit(np.array(index, dtype=float)))
    bounds = [(0.0, n - 1.0) for n in shape]
    best = minimize(misfit, np.array(start, dtype=float), method="Nelder-Mead", bounds=bounds, options={"xatol": 1e-3})
    return table.values(best.x)
