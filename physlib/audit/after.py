"""After training: how much of the shift the best of the candidate kernels explains, and at what size.

Whatever is chosen to explain one half of the samples (kernel, size, correlation length, the sizes tried) is chosen
without the other half, which judges it. Intervals are of resampled demonstrations and samples, each fitted anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from tqdm import tqdm

from physlib.audit.candidates import BASELINE, WHITE, candidates
from physlib.audit.demonstrations import DRAWS, Demonstrations
from physlib.audit.io.read import Episodes, Loaded
from physlib.audit.resampled_fit import KernelResponse, SizeFit, Weights, as_measured, resampled
from physlib.audit.spectrum import read_spectrum
from physlib.core.rng import numpy_rng
from physlib.kernels import Blur
from physlib.stats.distances import total_variation, tv_beyond, tv_floor, tv_noise

CROWDED = 0.9  # share of samples in one bin beyond which any large error would do
RESAMPLED = 200  # pairs of demonstrations and samples behind the intervals
Interval = tuple[float, float]


@dataclass(frozen=True)
class KernelFit:
    """One candidate kernel against the samples; intervals of 95 %."""

    kernel: str
    size: float  # fitted to all samples
    size_interval: Interval
    length: float | None  # correlation length, steps, where the kernel has one
    skill: float  # fitted to one half of the samples, tested on the other, both ways
    skill_interval: Interval
    misfit: float  # chi squared of all samples at `size`, per row


@dataclass(frozen=True)
class Explanation:
    """What the candidates make of a shift. All None where it is under twice its floor, or nearly all samples share a bin."""

    kernel: str | None = None  # the best-fitting one
    skill: float | None = None  # of the kernel that each half chooses, tested on the other
    skill_interval: Interval | None = None
    advantage: float | None = None  # skill less that of the baseline
    advantage_interval: Interval | None = None
    mass: Float[np.ndarray, " M"] | None = None  # what the best-fitting kernel makes of the demonstrations
    ladder: tuple[KernelFit, ...] = ()  # from the best fit to the worst

    def fit_of(self, kernel: str) -> KernelFit | None:
        """The fit of that kernel."""
        return next((fit for fit in self.ladder if fit.kernel == kernel), None)

    @property
    def white(self) -> KernelFit | None:
        """White error with the nearest effect on the quantity, None where that is none at all."""
        fit = self.fit_of(WHITE)
        return fit if fit is not None and fit.size > 0 else None


class _Part(NamedTuple):
    """Samples, and for each kernel the places on the grid of sizes that suit them."""

    counts: Int[np.ndarray, " M"]
    variance: Float[np.ndarray, " M"]  # of each row's share
    responses: list[KernelResponse]
    places: list[Int[np.ndarray, " S"]]


class _Estimate(NamedTuple):
    """One estimate: of the data, or of a resampling."""

    fits: list[SizeFit]  # to all samples, by kernel
    skills: list[float]  # by kernel; behind these that of the kernels that the halves choose, and its advantage


def explain(demos: Demonstrations, drawn: Loaded, only: str | None, seed: int) -> Explanation:
    """Fit every candidate kernel, or `only` one, to the samples' quantity and judge it on samples it has not seen."""
    bins, n, rng = demos.bins, len(demos.loaded.q), numpy_rng(seed, "audit halves")
    mass = bins.mass(drawn.q)
    small = total_variation(mass, bins.reference) < 2 * tv_floor(bins.reference, n, len(drawn.q))
    if small or mass.max() > CROWDED:
        return Explanation()
    first = rng.permutation(len(drawn.q)) < len(drawn.q) // 2
    parts = _parts(demos, drawn, (np.ones_like(first), first, ~first), only, seed)
    names = [response.name for response in parts[0].responses]
    tried = [i for i, name in enumerate(names) if name in candidates(demos, None, only)]

    def estimate(halves: list[Int[np.ndarray, " M"]], weights: Weights, noise: int = 1) -> _Estimate:
        return _estimate(parts, halves, weights, tried, names.index(BASELINE), n, noise)

    found = estimate([part.counts for part in parts[1:]], as_measured(demos))
    again = [
        # resampling doubles the noise of a skill
        estimate([_redrawn(part.counts, rng) for part in parts[1:]], resampled(demos, rng), noise=2)
        for _ in tqdm(range(RESAMPLED), desc="resampling", leave=False, delay=2)
    ]
    sizes, skills = _intervals([[fit.size for fit in a.fits] for a in again]), _intervals([a.skills for a in again])
    fits = [
        KernelFit(
            kernel=name,
            size=found.fits[i].size,
            size_interval=sizes[i],
            length=parts[0].responses[i].length,
            skill=found.skills[i],
            skill_interval=skills[i],
            misfit=found.fits[i].misfit,
        )
        for i, name in enumerate(names)
    ]
    best = min(tried, key=lambda i: found.fits[i].misfit)
    return Explanation(
        kernel=names[best],
        skill=found.skills[-2],
        skill_interval=skills[-2],
        advantage=found.skills[-1],
        advantage_interval=skills[-1],
        mass=found.fits[best].mass,
        ladder=tuple(sorted(fits, key=lambda fit: fit.misfit)),
    )


def _parts(
    demos: Demonstrations, drawn: Loaded, chosen: Sequence[Bool[np.ndarray, " N"]], only: str | None, seed: int
) -> list[_Part]:
    """Parts of the samples, each with the kernels that suit it by itself, tabulated."""
    known: dict[tuple[str, float | None], KernelResponse] = {}
    parts = []
    for rows in tqdm(chosen, desc="trying kernels", leave=False, delay=2):
        kept = Episodes(*(array[rows[drawn.rows]] for array in drawn.kept))
        length = read_spectrum(demos.kept, kept, demos.scale).length
        # white error and the baseline are always among them
        built = candidates(demos, length, only) | candidates(demos, length, WHITE) | {BASELINE: Blur}
        responses = []
        for name, build in built.items():
            key = name, build(1.0).parameters.get("length")
            if key not in known:
                known[key] = KernelResponse(demos, name, build, seed)
            responses.append(known[key])
        counts = demos.bins.counts(drawn.q[rows])
        variance = _variance(counts, demos.bins.reference, len(demos.loaded.q))
        parts.append(_Part(counts, variance, responses, [one.about(counts, variance) for one in responses]))
    wanted = [pair for part in parts for pair in zip(part.responses, part.places, strict=True)]
    for one in tqdm(known.values(), desc="fitting kernels", leave=False, delay=2):
        one.tabulate(np.concatenate([places for response, places in wanted if response is one]))
    return parts


def _estimate(
    parts: Sequence[_Part],
    halves: Sequence[Int[np.ndarray, " M"]],
    weights: Weights,
    tried: Sequence[int],
    base: int,
    n: int,
    noise: int,
) -> _Estimate:
    """Fit to all samples and to both halves of them, and judge each half's fits on the other.

    `noise` times the sampling noise of `n` demonstrations and of these counts is taken off.
    """
    whole, *fits = [
        [r.fit(counts, part.variance, weights, places) for r, places in zip(part.responses, part.places, strict=True)]
        for part, counts in zip(parts, (sum(halves), *halves), strict=True)
    ]
    chosen = [min(tried, key=lambda i: fit[i].misfit) for fit in fits]

    def skill(left: int, right: int) -> float:
        crossed = fits[1][right].mass, fits[0][left].mass  # each half judges what the other chose
        return _skill(halves, crossed, weights.mass, n / noise, noise)

    skills, own = [skill(i, i) for i in range(len(whole))], skill(*chosen)
    return _Estimate(whole, [*skills, own, own - skills[base]])


def _variance(counts: Int[np.ndarray, " M"], intended: Float[np.ndarray, " M"], n: int) -> Float[np.ndarray, " M"]:
    """Of each row's share, with a count added so that an empty row has an error as well."""
    total = counts.sum()
    share = (counts + 1) / (total + len(counts))
    return share * (1 - share) / total + intended * (1 - intended) / n


def _skill(halves, forecasts, intended: Float[np.ndarray, " M"], n: float, noise: int) -> float:
    """`1 - left / shift`, noise taken off the squares of both: of `n` demonstrations, and `noise` times the samples'."""
    counts = sum(halves)
    sampling = intended * (1 - intended) * (1 / n + noise / counts.sum())
    shift = max(tv_beyond(counts / counts.sum(), intended, sampling), tv_noise(sampling) ** 2)
    left = [
        tv_beyond(c / c.sum(), mass, mass * (1 - mass) * (1 / n + noise / c.sum() + 1 / DRAWS))
        for c, mass in zip(halves, forecasts, strict=True)
    ]
    return 1 - float(np.sqrt(max(0.0, float(np.mean(left))) / shift))


def _redrawn(counts: Int[np.ndarray, " M"], rng: np.random.Generator) -> Int[np.ndarray, " M"]:
    return rng.multinomial(int(counts.sum()), counts / counts.sum())


def _intervals(values: Sequence[Sequence[float]]) -> list[Interval]:
    """The middle 95 % of each column."""
    return list(map(tuple, np.quantile(values, [0.025, 0.975], axis=0).T.tolist()))
