"""Before training: what a deviation of a plausible size and spectrum would do to the quantity (pages layer)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from tqdm import tqdm

from physlib.audit.bins import Stretch, stretches
from physlib.audit.demonstrations import Demonstrations
from physlib.audit.deviations import Smooth
from physlib.core.rng import numpy_rng
from physlib.kernels import Kernel, TrajectoryKernel
from physlib.stats.distances import total_variation

SIZES = (0.01, 0.02, 0.05)
"""Deviations that trained models are seen to leave, as shares of each column's standard deviation."""
LENGTHS = (0.0, 1 / 32, 1 / 8)
"""Correlation lengths from white to smooth, as shares of the trajectory."""
TYPICAL = (0.02, 0.0)
"""Size and correlation length at which single numbers are given."""
ROWS = 2_500  # trajectories pushed at once
DRAWS = 20_000  # at each setting
WINDOWS = 32  # of time, for sensitivities
PROBED = 500  # trajectories behind them


@dataclass(frozen=True)
class Pushed:
    """What one kernel does to the quantity."""

    kernel: Kernel
    transition: Float[np.ndarray, "M M"]  # R[j, i]: share of the mass of row i that lands in row j
    mass: Float[np.ndarray, " M"]  # forecast
    drift: Float[np.ndarray, " M"]  # b(q) by row, in the quantity's unit
    noise: Float[np.ndarray, " M"]  # variance of `mass` from the number of draws
    mean_shift: float
    draws: int


def push(demos: Demonstrations, kernel: Kernel, rng: np.random.Generator, draws: int = DRAWS) -> Pushed:
    """Deviate kept demonstrations and measure again.

    The forecast is the intended mass plus what moved: the subset is compared with itself, so that its own sampling
    noise cancels. Pairs of forecasts from equal generators share their random numbers.
    """
    bins, q = demos.bins, demos.intake.kept_q
    rows_count, total = bins.count + 3, len(q)
    moves = np.zeros((rows_count, rows_count))
    first, finite = np.zeros((2, rows_count))
    for start in range(0, draws, ROWS):
        rows = np.arange(start, min(start + ROWS, draws)) % total
        after = pushed_quantity(demos, kernel, rows, rng)
        origin, good = bins.index(q[rows]), np.isfinite(after)
        np.add.at(moves, (bins.index(after), origin), 1)
        first += np.bincount(origin, np.where(good, after - q[rows], 0), rows_count)
        finite += np.bincount(origin, good, rows_count)
    change = (moves.sum(axis=1) - moves.sum(axis=0)) / draws
    mass = np.clip(bins.intended + change, 0, None)
    away = (moves.sum(axis=1) + moves.sum(axis=0) - 2 * np.diag(moves)) / draws
    return Pushed(
        kernel=kernel,
        transition=moves / np.maximum(moves.sum(axis=0), 1),
        mass=mass / mass.sum(),
        drift=first / np.maximum(finite, 1),
        noise=away / draws,
        mean_shift=float(first.sum() / max(finite.sum(), 1)),
        draws=draws,
    )


def pushed_quantity(
    demos: Demonstrations, kernel: Kernel, rows: np.ndarray, rng: np.random.Generator
) -> Float[np.ndarray, " N"]:
    """The quantity of one deviated copy of each of the kept trajectories `rows`."""
    if isinstance(kernel, TrajectoryKernel):
        return demos.measure_rows(kernel.deviate(demos, demos.kept.x[rows], rng), rows)
    return kernel.push(demos, demos.at(rows), rng)


@dataclass(frozen=True)
class Foreseen(Stretch):
    """A stretch that every setting of a forecast moves the same way, if at all."""

    range: tuple[float, float]  # least and largest over the settings: of what is not known, not of noise


@dataclass(frozen=True)
class Outlook:
    """The forecast: a typical setting, and what every plausible setting says."""

    typical: Pushed
    members: Sequence[Pushed]  # one a setting, the typical one among them
    gains: list[Foreseen]  # where no setting loses
    losses: list[Foreseen]

    @property
    def low(self) -> Float[np.ndarray, " M"]:
        """Least mass of each row over the settings, Monte Carlo noise included."""
        return np.clip(np.min([m.mass - 2 * np.sqrt(m.noise) for m in self.members], axis=0), 0, 1)

    @property
    def high(self) -> Float[np.ndarray, " M"]:
        """Largest mass, likewise."""
        return np.clip(np.max([m.mass + 2 * np.sqrt(m.noise) for m in self.members], axis=0), 0, 1)

    def tv(self, intended: Float[np.ndarray, " M"]) -> tuple[float, float, float]:
        """Total variation from the intended mass: at the typical setting, least, largest."""
        every = [total_variation(m.mass, intended) for m in self.members]
        return total_variation(self.typical.mass, intended), min(every), max(every)


def plausible(demos: Demonstrations, build: Callable[[float], Kernel] | None) -> list[Kernel]:
    """Kernels of every plausible size, of one family or of spectra from white to smooth, the typical one first."""
    settings = [TYPICAL, *((s, r) for s in SIZES for r in LENGTHS if (s, r) != TYPICAL)]
    if build is None:
        return [Smooth(size, share * demos.shape[0]) for size, share in settings]
    return [build(size) for size in dict.fromkeys(size for size, _ in settings)]


def outlook(demos: Demonstrations, seed: int, kernels: Sequence[Kernel]) -> Outlook:
    """Forecast with given kernels, the first of them typical."""
    draws = int(min(DRAWS, max(2_000, len(demos.kept.x))))
    members = [
        push(demos, kernel, numpy_rng(seed, "audit forecast"), draws)
        for kernel in tqdm(kernels, desc="forecasting", leave=False, delay=2)
    ]
    agreed = _agreed(demos, members)
    return Outlook(members[0], members, [s for s in agreed if s.mass > 0], [s for s in agreed if s.mass < 0])


def _agreed(demos: Demonstrations, members: Sequence[Pushed]) -> list[Foreseen]:
    """Stretches of the typical forecast in which no setting moves mass the other way."""
    intended = demos.bins.intended
    found = []
    for stretch in stretches(demos.bins, members[0].mass - intended, members[0].noise):
        inside = _within(demos.bins.edges, stretch)
        every = [float((m.mass - intended)[inside].sum()) for m in members]
        # a setting so small that it does nothing does not object
        against = [
            -np.sign(stretch.mass) * v > 2 * np.sqrt(m.noise[inside].sum()) for v, m in zip(every, members, strict=True)
        ]
        if not any(against):
            found.append(Foreseen(stretch.lo, stretch.hi, stretch.mass, (min(every), max(every))))
    return found


def _within(edges: Float[np.ndarray, " E"], stretch: Stretch) -> np.ndarray:
    """Rows that a stretch covers."""
    low = np.concatenate([[-np.inf], edges, [np.nan]])
    high = np.concatenate([edges, [np.inf, np.nan]])
    first = -np.inf if stretch.lo is None else stretch.lo
    last = np.inf if stretch.hi is None else stretch.hi
    return (low >= first) & (high <= last)


@dataclass(frozen=True)
class Sensitivity:
    """How much a small error at each time and column does to the quantity."""

    windows: np.ndarray  # first step of each window of time `(W,)`
    slope: Float[np.ndarray, "W D"]  # root mean square change, per unit of relative error in one step, in its unit
    drift: Float[np.ndarray, "W D"]  # mean change by errors of the typical size there, in its unit


def sensitivities(demos: Demonstrations, seed: int, size: float = TYPICAL[0]) -> Sensitivity:
    """Deviate one column in one window of time, in pairs of opposite sign, and measure."""
    rng = numpy_rng(seed, "audit sensitivity")
    rows = np.sort(rng.choice(len(demos.kept.x), min(PROBED, len(demos.kept.x)), replace=False))
    x, q = demos.kept.x[rows], demos.intake.kept_q[rows]
    parts = np.array_split(np.arange(x.shape[1]), min(WINDOWS, x.shape[1]))
    slope, drift = np.zeros((2, len(parts), x.shape[2]))
    cells = [(w, d) for w in range(len(parts)) for d in range(x.shape[2])]
    for w, d in tqdm(cells, desc="sensitivities", leave=False, delay=2):
        error = np.zeros_like(x)
        error[:, parts[w], d] = size * demos.scale[d] * rng.standard_normal((len(rows), len(parts[w])))
        up, down = demos.measure_rows(x + error, rows), demos.measure_rows(x - error, rows)
        slope[w, d] = np.sqrt(np.nanmean(((up - down) / 2) ** 2) / len(parts[w])) / size
        drift[w, d] = np.nanmean((up + down) / 2 - q)
    return Sensitivity(np.array([part[0] for part in parts]), slope, drift)
