"""Setting a kernel's free numbers from an observed histogram, coarse to fine with common random numbers.

Forecasts stand on a lattice of the free numbers, each made when it is first asked for and kept, so that fitting to
many histograms costs little more than fitting to one. One fit may take histograms of several tasks: sizes are
relative, so numbers carry over.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np
from jaxtyping import Float

from physlib.core.errors import PhyslibError
from physlib.forecasting.forecast import forecast
from physlib.kernels import FAMILIES, Kernel
from physlib.stats.histogram import Bins
from physlib.tasks import Population, Task

STRIDE = 8  # lattice steps between the places that are tried first: a factor of two
BETWEEN = 16  # places tried between neighbours of the lattice at the end, where masses are linear
OCTAVES = {"s": (0.004, 10), "t": (0.004, 8), "a": (0.004, 10), "b": (0.002, 10)}
"""Smallest value of each free number, and how many doublings the lattice spans."""


def lattice(name: str) -> Float[np.ndarray, " J"]:
    """Values of a free number that forecasts are tabulated at: 0, then eight to a doubling."""
    least, octaves = OCTAVES[name]
    return np.concatenate([[0.0], least * 2.0 ** (np.arange(STRIDE * octaves + 1) / STRIDE)])


@dataclass(frozen=True)
class MonteCarloBudget:
    """How many draws forecasts are made from."""

    draws: int = 100_000  # on the lattice
    final: int = 200_000  # of the forecast that is scored

    def within(self, most: int) -> MonteCarloBudget:
        """The same with no forecast of more than `most` draws."""
        return MonteCarloBudget(min(self.draws, most), min(self.final, most))


class Response:
    """Forecast masses of the kernels `build(*numbers)` on a task, as a function of their free numbers.

    All forecasts share their random numbers: neighbours differ by the kernel and not by noise.
    """

    def __init__(
        self,
        task: Population,
        build: Callable[..., Kernel],
        axes: dict[str, Float[np.ndarray, " J"]],
        draws: int,
        bins: Bins | None = None,
    ):
        """`axes` are the values of each number that forecasts may be made at, rising."""
        self.task, self.axes, self.bins = task, axes, bins or task.bins
        self._build, self._draws = build, draws
        self._made: dict[tuple[int, ...], Float[np.ndarray, "2 M"]] = {}
        self._seconds = 0.0  # of all forecasts so far
        self._visited: set[tuple[int, ...]] = set()

    def at(self, place: tuple[int, ...]) -> Float[np.ndarray, "2 M"]:
        """Mass, and its variance from the number of draws, at a place of the lattice."""
        if place not in self._made:
            numbers = (float(axis[i]) for axis, i in zip(self.axes.values(), place, strict=True))
            found = forecast(self.task, self._build(*numbers), self._draws, bins=self.bins)
            self._made[place], self._seconds = np.stack([found.mass, found.noise]), self._seconds + found.seconds
        self._visited.add(place)
        return self._made[place]

    def seconds(self) -> float:
        """How long the forecasts take that were asked for since this was called last, made then or before."""
        asked, self._visited = len(self._visited), set()
        return asked * self._seconds / max(1, len(self._made))

    def interpolate(self, position: Iterable[float | int]) -> Float[np.ndarray, "2 M"]:
        """Mass and variance at a fractional place, linear between neighbours along each axis."""
        position = list(position)
        below = [min(int(p), len(axis) - 2) for p, axis in zip(position, self.axes.values(), strict=True)]
        total = np.zeros((2, len(self.bins.reference)))
        for corner in product((0, 1), repeat=len(below)):
            parts = [abs(1 - c - (p - b)) for c, p, b in zip(corner, position, below, strict=True)]
            if weight := float(np.prod(parts)):
                total += weight * self.at(tuple(b + c for b, c in zip(below, corner, strict=True)))
        return total

    def mass(self, numbers: dict[str, float]) -> Float[np.ndarray, "2 M"]:
        """Mass and variance at given free numbers; those beyond the lattice are taken to its end."""
        return self.interpolate([np.interp(numbers[n], a, np.arange(len(a))) for n, a in self.axes.items()])


@lru_cache(maxsize=64)
def response(task: Task, family: str, draws: int) -> Response:
    """The response of a kernel family on a task. Raises `PhyslibError` for a family with numbers that have no range."""
    kernel = FAMILIES[family]
    names = [f.name for f in dataclasses.fields(kernel)]
    if not set(names) <= set(OCTAVES):
        raise PhyslibError(f"kernel {family} cannot be tabulated: its fields are {', '.join(names)}.")
    axes = {name: lattice(name) for name in names}
    axes = {name: axis[axis <= kernel.most.get(name, np.inf)] for name, axis in axes.items()}
    return Response(task, kernel, axes, draws)


@dataclass(frozen=True)
class Fit:
    """The free numbers that suit histograms best."""

    numbers: dict[str, float]
    misfit: float  # what was minimised: squared errors over squared shifts, summed over histograms
    at_bound: bool  # a number lies at the end of its lattice, and a better one may lie beyond
    seconds: float  # of the forecasts behind it


def fit(targets: Sequence[tuple[Response, Float[np.ndarray, " M"]]]) -> Fit:
    """Free numbers that best explain observed masses, each with the response of its task; axes must agree.

    Minimises the sum over histograms of the squared error relative to the squared shift, so that each task weighs the
    same whatever the size of its shift: every eighth place of the lattice first, then downhill in steps that are
    halved, at last between neighbours.
    """
    axes = targets[0][0].axes
    sizes = [len(axis) for axis in axes.values()]
    shifts = [float(np.sum((mass - r.bins.reference) ** 2)) for r, mass in targets]

    for one, _ in targets:
        one.seconds()

    def misfit(position) -> float:
        return sum(
            float(np.sum((r.interpolate(position)[0] - mass) ** 2)) / max(shift, 1e-12)
            for (r, mass), shift in zip(targets, shifts, strict=True)
        )

    place = min(product(*map(_coarse, sizes)), key=misfit)
    step = STRIDE // 2
    while step:
        better = min(_around(place, sizes, step), key=misfit)
        place, step = (better, step) if misfit(better) < misfit(place) else (place, step // 2)
    position = _between(place, sizes, misfit)
    numbers = {
        name: float(np.interp(p, np.arange(len(axis)), axis))
        for (name, axis), p in zip(axes.items(), position, strict=True)
    }
    at_bound = bool(np.any(position > np.array(sizes) - 1.5))
    return Fit(numbers, misfit(position), at_bound, sum(one.seconds() for one, _ in targets))


def _coarse(size: int) -> list[int]:
    """Places that are tried first: none of the error, every factor of two, the end."""
    return sorted({0, *range(1, size, STRIDE), size - 1})


def _around(place: tuple[int, ...], sizes: list[int], step: int) -> list[tuple[int, ...]]:
    """A place and its neighbours at a distance of `step`, diagonal ones too."""
    near = [sorted({max(0, i - step), i, min(n - 1, i + step)}) for i, n in zip(place, sizes, strict=True)]
    return list(product(*near))


def _between(place: tuple[int, ...], sizes: list[int], misfit: Callable) -> Float[np.ndarray, " P"]:
    """The best of the places between a place and its neighbours, one number after the other until none moves."""
    best = np.array(place, dtype=float)
    for _ in range(3):
        before = best.copy()
        for axis, size in enumerate(sizes):
            reach = np.arange(-BETWEEN, BETWEEN + 1) / BETWEEN
            tried = [best + step * (np.arange(len(best)) == axis) for step in reach]
            tried = [t for t in tried if 0 <= t[axis] <= size - 1 and abs(t[axis] - place[axis]) <= 1]
            best = min(tried, key=misfit)
        if np.array_equal(best, before):
            break
    return best
