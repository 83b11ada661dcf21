"""After training: how much of the shift the best of the ladder's kernels explains, and at what size (pages layer)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.interpolate import PchipInterpolator
from scipy.optimize import minimize_scalar
from tqdm import tqdm

from physlib.audit.before import ROWS, pushed_quantity
from physlib.audit.demonstrations import Demonstrations
from physlib.audit.deviations import Smooth
from physlib.audit.ladder import BASELINE, WHITE, families
from physlib.density import total_variation, tv_floor
from physlib.kernels import Blur, Kernel, TrajectoryKernel
from physlib.rng import numpy_rng

SIZES = np.concatenate([[0.0], np.geomspace(0.001, 0.5, 14)])
"""Sizes that forecasts are first tabulated at, as shares of each column's standard deviation."""
FINE = 9  # sizes between the neighbours of the best of those
DRAWS = 20_000  # trajectories at each of them, an eighth at first
RESAMPLED = 200  # histograms behind an interval of the skill


@dataclass(frozen=True)
class Rung:
    """One kernel of the ladder against the samples."""

    kernel: str
    size: float  # fitted to all samples
    length: float | None  # correlation length, steps, where the kernel has one
    skill: float | None  # fitted to one half of the samples, judged on the other, both ways
    misfit: float  # chi squared of all samples at `size`, per row


@dataclass(frozen=True)
class Explanation:
    """What the ladder makes of a shift. All None where the shift is under twice its floor."""

    kernel: str | None  # the best-fitting one
    skill: float | None  # of the kernel that each half chooses, judged on the other
    skill_interval: tuple[float, float] | None
    scale: float | None  # white-equivalent size: of the white error with the nearest effect on the quantity
    mass: Float[np.ndarray, " M"] | None  # what the best-fitting kernel makes of the demonstrations
    ladder: tuple[Rung, ...]


class _Law:
    """Mass vectors of one kernel family between tabulated sizes."""

    def __init__(
        self, name: str, length: float | None, sizes: Float[np.ndarray, " S"], masses: Float[np.ndarray, "S M"]
    ):
        self.name, self.length, self.sizes = name, length, sizes
        self._curve = PchipInterpolator(np.arange(len(sizes)), masses, axis=0)

    def at(self, place: float) -> Float[np.ndarray, " M"]:
        """Mass between tabulated sizes, counted from 0."""
        mass = np.clip(self._curve(place), 0, None)
        return mass / mass.sum()

    def size(self, place: float) -> float:
        """The size there."""
        return float(np.interp(place, np.arange(len(self.sizes)), self.sizes))

    def fit(self, counts: Int[np.ndarray, " M"], variance: Float[np.ndarray, " M"]) -> tuple[float, float]:
        """Place between the tabulated sizes with the least chi squared, and that chi squared per row."""
        share = counts / counts.sum()

        def misfit(place: float) -> float:
            return float(np.mean((share - self.at(place)) ** 2 / variance))

        start = int(np.argmin([misfit(float(i)) for i in range(len(self.sizes))]))
        bounds = max(0, start - 1), min(len(self.sizes) - 1, start + 1)
        best = minimize_scalar(misfit, bounds=bounds, method="bounded", options={"xatol": 1e-3})
        return float(best.x), float(best.fun)


def explain(
    demos: Demonstrations,
    sampled: Float[np.ndarray, " N"],
    length: float | None,
    only: str | None,
    seed: int,
) -> Explanation:
    """Fit every kernel of the ladder, or `only` one, to the samples' quantity and judge it on samples it has not seen.

    `length` is the correlation length of the error that was read from the samples' differences, if any could be.
    """
    bins, n, rng = demos.bins, len(demos.intake.q), numpy_rng(seed, "audit halves")
    counts = bins.counts(sampled)
    floor = tv_floor(bins.intended, n, len(sampled))
    distance = total_variation(counts / len(sampled), bins.intended)
    if distance < 2 * floor:
        return Explanation(None, None, None, None, None, ())
    first = rng.permutation(len(sampled)) < len(sampled) // 2
    halves = [bins.counts(sampled[part]) for part in (first, ~first)]
    laws = _laws(demos, length, only, counts, seed)
    fits = [[law.fit(c, _variance(c, bins.intended, n)) for law in laws] for c in (counts, *halves)]
    rungs = []
    for i, law in enumerate(laws):
        judged = _skill(halves, [law.at(fits[2][i][0]), law.at(fits[1][i][0])], bins.intended, n)
        rungs.append(Rung(law.name, law.size(fits[0][i][0]), law.length, judged, fits[0][i][1]))
    own = [i for i, law in enumerate(laws) if law.name in families(demos, length, only)]
    chosen = [min(own, key=lambda i: fit[i][1]) for fit in fits]
    crossed = [laws[chosen[k]].at(fits[k][chosen[k]][0]) for k in (2, 1)]  # each half judges the other's choice
    white = next(rung.size for rung in rungs if rung.kernel == WHITE)
    return Explanation(
        kernel=rungs[chosen[0]].kernel,
        skill=_skill(halves, crossed, bins.intended, n),
        skill_interval=_skill_interval(halves, crossed, bins.intended, n, rng),
        scale=white if white > 0 else None,
        mass=laws[chosen[0]].at(fits[0][chosen[0]][0]),
        ladder=tuple(sorted(rungs, key=lambda rung: rung.misfit)),
    )


def _variance(counts: Int[np.ndarray, " M"], intended: Float[np.ndarray, " M"], n: int) -> Float[np.ndarray, " M"]:
    """Of each row's share, with a count added so that an empty row has an error as well."""
    total = counts.sum()
    share = (counts + 1) / (total + len(counts))
    return share * (1 - share) / total + intended * (1 - intended) / n


def _skill(halves, forecasts, intended: Float[np.ndarray, " M"], n: int, noise: int = 1) -> float:
    """`1 - left / shift`, sampling noise taken off both in quadrature, `noise` times that of the counts' sizes."""
    counts = np.sum(halves, axis=0)
    total = int(counts.sum())
    floor = tv_floor(intended, n, total // noise)
    shift = total_variation(counts / total, intended) ** 2 - floor**2
    left = [
        total_variation(c / c.sum(), mass) ** 2 - tv_floor(mass, n, int(c.sum()) // noise, DRAWS) ** 2
        for c, mass in zip(halves, forecasts, strict=True)
    ]
    return 1 - float(np.sqrt(max(0.0, float(np.mean(left))) / max(shift, floor**2)))


def _skill_interval(halves, forecasts, intended, n: int, rng: np.random.Generator) -> tuple[float, float]:
    """95 % over resampled histograms; resampling doubles their noise, which is taken off."""
    draws = [rng.multinomial(int(c.sum()), c / c.sum(), RESAMPLED) for c in halves]
    every = [_skill(pair, forecasts, intended, n, noise=2) for pair in zip(*draws, strict=True)]
    low, high = np.quantile(every, [0.025, 0.975])
    return float(low), float(high)


def _laws(
    demos: Demonstrations, length: float | None, only: str | None, counts: Int[np.ndarray, " M"], seed: int
) -> list[_Law]:
    """Laws of every kernel about the size that suits the counts; white error and the baseline are always among them."""
    built = families(demos, length, only) | families(demos, length, WHITE) | {BASELINE: Blur}
    laws, variance = [], _variance(counts, demos.bins.intended, len(demos.intake.q))
    for name, build in tqdm(built.items(), desc="fitting kernels", leave=False, delay=2):
        unit = build(1.0)
        law, sizes = None, SIZES
        for rows in (_rows(demos, DRAWS // 8), _rows(demos, DRAWS)):
            if law is not None:  # again, finely, about the best
                place = float(np.round(law.fit(counts, variance)[0]))
                sizes = np.linspace(law.size(max(0.0, place - 1)), law.size(place + 1), FINE)
            if isinstance(unit, TrajectoryKernel):
                masses = _linear_masses(demos, unit, sizes, rows, seed)
            else:
                masses = _masses(demos, build, sizes, rows, seed)
            law = _Law(name, unit.length if isinstance(unit, Smooth) else None, sizes, masses)
        laws.append(law)
    return laws


def _rows(demos: Demonstrations, draws: int) -> np.ndarray:
    return np.arange(draws) % len(demos.kept.x)


def _linear_masses(
    demos: Demonstrations, unit: TrajectoryKernel, sizes: Float[np.ndarray, " S"], rows: np.ndarray, seed: int
) -> Float[np.ndarray, "S M"]:
    """Masses at every size of a kernel whose deviation is proportional to it: one draw serves all sizes."""
    rng = numpy_rng(seed, "audit ladder")
    counts = np.zeros((len(sizes), demos.bins.count + 3))
    for part in np.array_split(rows, -(-len(rows) // ROWS)):
        x = demos.kept.x[part]
        error = unit.deviate(demos, x, rng) - x
        for i, size in enumerate(sizes):
            counts[i] += demos.bins.counts(demos.measure_rows(x + size * error, part))
    return _from_counts(demos, rows, counts)


def _masses(
    demos: Demonstrations,
    build: Callable[[float], Kernel],
    sizes: Float[np.ndarray, " S"],
    rows: np.ndarray,
    seed: int,
) -> Float[np.ndarray, "S M"]:
    """Masses at every size of a kernel of another kind, from equal random numbers."""
    counts = []
    for size in sizes:
        rng = numpy_rng(seed, "audit ladder")
        moved = pushed_quantity(demos, build(float(size)), rows, rng) if size else demos.intake.kept_q[rows]
        counts.append(demos.bins.counts(moved))
    return _from_counts(demos, rows, np.array(counts, dtype=float))


def _from_counts(demos: Demonstrations, rows: np.ndarray, counts: Float[np.ndarray, "S M"]) -> Float[np.ndarray, "S M"]:
    """Intended mass plus what moved, so that the subset's own sampling noise cancels."""
    before = demos.bins.counts(demos.intake.kept_q[rows])
    masses = np.clip(demos.bins.intended + (counts - before) / len(rows), 0, None)
    return masses / masses.sum(axis=1, keepdims=True)
