"""After training: how much of the shift the best of the ladder's kernels explains, and at what size (pages layer).

Whatever is chosen to explain one half of the samples (kernel, size, correlation length, the sizes tried) is chosen
without the other half, which judges it. Intervals are of resampled demonstrations and samples, each fitted anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from tqdm import tqdm

from physlib.audit.demonstrations import Demonstrations
from physlib.audit.io.read import Intake
from physlib.audit.ladder import BASELINE, WHITE, families
from physlib.audit.laws import DRAWS, Fit, Law, Population, as_measured, resampled
from physlib.audit.quantities import Episodes
from physlib.audit.spectrum import read_spectrum
from physlib.core.rng import numpy_rng
from physlib.kernels import Blur, Kernel
from physlib.stats.distances import total_variation, tv_floor

CROWDED = 0.9  # share of samples in one bin beyond which any large error would do
RESAMPLED = 200  # pairs of demonstrations and samples behind the intervals
Interval = tuple[float, float]


@dataclass(frozen=True)
class Rung:
    """One kernel of the ladder against the samples; intervals of 95 %."""

    kernel: str
    size: float  # fitted to all samples
    size_interval: Interval
    length: float | None  # correlation length, steps, where the kernel has one
    skill: float  # fitted to one half of the samples, judged on the other, both ways
    skill_interval: Interval
    misfit: float  # chi squared of all samples at `size`, per row


@dataclass(frozen=True)
class Explanation:
    """What the ladder makes of a shift. All None where it is under twice its floor, or nearly all samples share a bin."""

    kernel: str | None = None  # the best-fitting one
    skill: float | None = None  # of the kernel that each half chooses, judged on the other
    skill_interval: Interval | None = None
    advantage: float | None = None  # skill less that of the baseline
    advantage_interval: Interval | None = None
    mass: Float[np.ndarray, " M"] | None = None  # what the best-fitting kernel makes of the demonstrations
    ladder: tuple[Rung, ...] = ()  # from the best fit to the worst

    def rung(self, kernel: str) -> Rung | None:
        """The rung of that kernel."""
        return next((rung for rung in self.ladder if rung.kernel == kernel), None)

    @property
    def white(self) -> Rung | None:
        """White error with the nearest effect on the quantity, None where that is none at all."""
        rung = self.rung(WHITE)
        return rung if rung is not None and rung.size > 0 else None


class _Part(NamedTuple):
    """Samples, and for each law the places on its grid that suit them."""

    counts: Int[np.ndarray, " M"]
    variance: Float[np.ndarray, " M"]  # of each row's share
    laws: list[Law]
    places: list[Int[np.ndarray, " S"]]

    def fits(self, counts: Int[np.ndarray, " M"], population: Population) -> list[Fit]:
        """Every law fitted to counts like these."""
        pairs = zip(self.laws, self.places, strict=True)
        return [law.fit(counts, self.variance, population, places) for law, places in pairs]


class _Judged(NamedTuple):
    """One estimate: of the data, or of a resampling."""

    fits: list[Fit]  # to all samples, by law
    skills: list[float]  # by law
    skill: float  # of the law that each half chooses


def explain(demos: Demonstrations, drawn: Intake, only: str | None, seed: int) -> Explanation:
    """Fit every kernel of the ladder, or `only` one, to the samples' quantity and judge it on samples it has not seen."""
    bins, n, rng = demos.bins, len(demos.intake.q), numpy_rng(seed, "audit halves")
    mass = bins.counts(drawn.q) / len(drawn.q)
    small = total_variation(mass, bins.intended) < 2 * tv_floor(bins.intended, n, len(drawn.q))
    if small or mass.max() > CROWDED:
        return Explanation()
    first = rng.permutation(len(drawn.q)) < len(drawn.q) // 2
    parts = _parts(demos, drawn, (np.ones_like(first), first, ~first), only, seed)
    names = [law.name for law in parts[0].laws]
    asked = [i for i, name in enumerate(names) if name in families(demos, None, only)]
    found = _judge(parts, [part.counts for part in parts[1:]], as_measured(demos), asked, n)
    again = [
        _judge(parts, [_redrawn(part.counts, rng) for part in parts[1:]], resampled(demos, rng), asked, n, noise=2)
        for _ in tqdm(range(RESAMPLED), desc="resampling", leave=False, delay=2)
    ]
    rungs = [
        Rung(
            kernel=names[i],
            size=fit.size,
            size_interval=_interval([a.fits[i].size for a in again]),
            length=parts[0].laws[i].length,
            skill=found.skills[i],
            skill_interval=_interval([a.skills[i] for a in again]),
            misfit=fit.misfit,
        )
        for i, fit in enumerate(found.fits)
    ]
    best, base = min(asked, key=lambda i: found.fits[i].misfit), names.index(BASELINE)
    return Explanation(
        kernel=names[best],
        skill=found.skill,
        skill_interval=_interval([a.skill for a in again]),
        advantage=found.skill - found.skills[base],
        advantage_interval=_interval([a.skill - a.skills[base] for a in again]),
        mass=found.fits[best].mass,
        ladder=tuple(sorted(rungs, key=lambda rung: rung.misfit)),
    )


def _parts(
    demos: Demonstrations, drawn: Intake, chosen: Sequence[Bool[np.ndarray, " N"]], only: str | None, seed: int
) -> list[_Part]:
    """Parts of the samples, each with the laws that it asks for by itself, tabulated."""
    shelf: dict[tuple[str, float | None], Law] = {}
    parts = []
    for rows in tqdm(chosen, desc="trying kernels", leave=False, delay=2):
        kept = Episodes(*(array[rows[drawn.rows]] for array in drawn.kept))
        built = _built(demos, read_spectrum(demos.kept, kept, demos.scale).length, only)
        laws = []
        for name, build in built.items():
            key = name, build(1.0).parameters.get("length")
            if key not in shelf:
                shelf[key] = Law(demos, name, build, seed)
            laws.append(shelf[key])
        counts = demos.bins.counts(drawn.q[rows])
        variance = _variance(counts, demos.bins.intended, len(demos.intake.q))
        parts.append(_Part(counts, variance, laws, [law.about(counts, variance) for law in laws]))
    for law in tqdm(shelf.values(), desc="fitting kernels", leave=False, delay=2):
        wanted = [
            places for part in parts for other, places in zip(part.laws, part.places, strict=True) if other is law
        ]
        law.tabulate(np.concatenate(wanted))
    return parts


def _built(demos: Demonstrations, length: float | None, only: str | None) -> dict[str, Callable[[float], Kernel]]:
    """The kernels asked for; white error and the baseline are always among them."""
    return families(demos, length, only) | families(demos, length, WHITE) | {BASELINE: Blur}


def _judge(
    parts: Sequence[_Part],
    halves: Sequence[Int[np.ndarray, " M"]],
    population: Population,
    asked: Sequence[int],
    n: int,
    noise: int = 1,
) -> _Judged:
    """Fit to all samples and to both halves of them, and judge each half's fits on the other.

    `noise` times the sampling noise of `n` demonstrations and of these counts is taken off.
    """
    whole, *fits = [part.fits(counts, population) for part, counts in zip(parts, (sum(halves), *halves), strict=True)]
    chosen = [min(asked, key=lambda i: fit[i].misfit) for fit in fits]

    def skill(left: int, right: int) -> float:
        crossed = fits[1][right].mass, fits[0][left].mass  # each half judges what the other chose
        return _skill(halves, crossed, population.intended, n, noise)

    return _Judged(whole, [skill(i, i) for i in range(len(whole))], skill(*chosen))


def _variance(counts: Int[np.ndarray, " M"], intended: Float[np.ndarray, " M"], n: int) -> Float[np.ndarray, " M"]:
    """Of each row's share, with a count added so that an empty row has an error as well."""
    total = counts.sum()
    share = (counts + 1) / (total + len(counts))
    return share * (1 - share) / total + intended * (1 - intended) / n


def _skill(halves, forecasts, intended: Float[np.ndarray, " M"], n: int, noise: int) -> float:
    """`1 - left / shift`, sampling noise taken off both in quadrature, `noise` times that of the counts' sizes."""
    counts = sum(halves)
    total = int(counts.sum())
    floor = tv_floor(intended, n // noise, total // noise)
    shift = total_variation(counts / total, intended) ** 2 - floor**2
    left = [
        total_variation(c / c.sum(), mass) ** 2 - tv_floor(mass, n // noise, int(c.sum()) // noise, DRAWS) ** 2
        for c, mass in zip(halves, forecasts, strict=True)
    ]
    return 1 - float(np.sqrt(max(0.0, float(np.mean(left))) / max(shift, floor**2)))


def _redrawn(counts: Int[np.ndarray, " M"], rng: np.random.Generator) -> Int[np.ndarray, " M"]:
    return rng.multinomial(int(counts.sum()), counts / counts.sum())


def _interval(values: Sequence[float]) -> Interval:
    """The middle 95 %; resampling doubles the noise of a skill, which has been taken off."""
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)
