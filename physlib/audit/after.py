"""After training: how much of the shift the best of the candidate kernels explains, and at what size.

Whatever is chosen to explain one half of the samples (kernel, size, correlation length, the sizes tried) is chosen
without the other half, which judges it, by its bins and by its mean. Intervals are of resampled demonstrations and
samples, or groups of them, each fitted anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from tqdm import tqdm

from physlib.audit.candidates import BASELINE, WHITE, candidates
from physlib.audit.demonstrations import Demonstrations
from physlib.audit.groups import groups_of
from physlib.audit.io.episodes import Episodes
from physlib.audit.io.read import Loaded
from physlib.audit.resampled_fit import KernelResponse, as_measured, resampled
from physlib.audit.skill import Estimate, Part, SkillEstimator
from physlib.audit.spectrum import read_spectrum
from physlib.core.rng import numpy_rng
from physlib.kernels import Blur
from physlib.stats.clusters import GroupedCounts, merged
from physlib.stats.distances import total_variation, tv_floor

CROWDED = 0.9  # share of samples in one bin beyond which any large error would do
RESAMPLED = 200  # pairs of demonstrations and samples behind the intervals
TIED = 0.05  # share of resamplings in which another kernel does as well that makes a tie
CLOSE = 0.03  # of skill within which the simplest of tied kernels is named
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
    mean_shift: float  # change of the mean by the kernel alone, at `size`
    tied: bool  # whether resampling makes it as good as the best


@dataclass(frozen=True)
class Explanation:
    """What the candidates make of a shift. All None where it is under twice its floor, or nearly all samples share a bin."""

    kernel: str | None = None  # the best-fitting one
    skill: float | None = None  # of the kernel that each half chooses, tested on the other
    skill_interval: Interval | None = None
    advantage: float | None = None  # skill less that of the baseline
    advantage_interval: Interval | None = None
    mass: Float[np.ndarray, " M"] | None = None  # what the best-fitting kernel makes of the demonstrations
    ladder: tuple[KernelFit, ...] = ()  # from the best to the worst

    def fit_of(self, kernel: str | None) -> KernelFit | None:
        """The fit of that kernel."""
        return next((fit for fit in self.ladder if fit.kernel == kernel), None)

    @property
    def ties(self) -> list[str]:
        """Kernels that do as well as the best-fitting one."""
        return [fit.kernel for fit in self.ladder if fit.tied and fit.kernel != self.kernel]

    @property
    def white(self) -> KernelFit | None:
        """White error with the nearest effect on the quantity, None where that is none at all."""
        fit = self.fit_of(WHITE)
        return fit if fit is not None and fit.size > 0 else None


def explain(
    demos: Demonstrations, drawn: Loaded, only: str | None, seed: int, floor: float | None = None
) -> Explanation:
    """Fit every candidate kernel, or `only` one, to the samples' quantity and judge it on samples it has not seen.

    `floor` is the total variation that is no shift: by default what sampling alone gives.
    """
    bins, rng = demos.bins, numpy_rng(seed, "audit halves")
    mass, groups = bins.mass(drawn.q), groups_of(drawn)
    units = np.arange(len(drawn.q)) if groups is None else merged(groups, rng)
    count = int(units.max()) + 1
    first = (rng.permutation(count) < count // 2)[units]
    units = None if groups is None else units
    if floor is None:
        floor = tv_floor(bins.reference, demos.counted.effective, len(drawn.q))
    if total_variation(mass, bins.reference) < 2 * floor or mass.max() > CROWDED:
        return Explanation()
    parts = _parts(demos, drawn, units, (np.ones_like(first), first, ~first), only, seed)
    names = [response.name for response in parts[0].responses]
    tried = [i for i, name in enumerate(names) if name in candidates(demos, None, only)]
    estimator = SkillEstimator(demos, drawn, parts, tried, names.index(BASELINE))
    found = estimator.estimate([part.sampled.mass for part in parts[1:]], as_measured(demos), 1)
    again = [
        # resampling doubles the noise of a skill
        estimator.estimate([part.sampled.redrawn(rng, 1)[0] for part in parts[1:]], resampled(demos, rng), 2)
        for _ in tqdm(range(RESAMPLED), desc="resampling", leave=False, delay=2, disable=None)
    ]
    return _explanation(names, tried, parts[0].responses, found, again)


def _explanation(
    names: list[str], tried: list[int], responses: list[KernelResponse], found: Estimate, again: list[Estimate]
) -> Explanation:
    """Estimates of the data and of resamplings, put together."""
    sizes, skills = _intervals([[fit.size for fit in a.fits] for a in again]), _intervals([a.skills for a in again])
    top = max(tried, key=lambda i: found.skills[i])
    tied = [i for i in tried if np.mean([a.skills[i] >= a.skills[top] for a in again]) > TIED or i == top]
    best = next(i for i in tied if found.skills[i] > found.skills[top] - CLOSE)  # the simplest, which come first
    fits = [
        KernelFit(
            kernel=name,
            size=found.fits[i].size,
            size_interval=sizes[i],
            length=responses[i].length,
            skill=found.skills[i],
            skill_interval=skills[i],
            misfit=found.fits[i].misfit,
            mean_shift=found.fits[i].change,
            tied=i in tied,
        )
        for i, name in enumerate(names)
    ]
    return Explanation(
        kernel=names[best],
        skill=found.skills[-2],
        skill_interval=skills[-2],
        advantage=found.skills[-1],
        advantage_interval=skills[-1],
        mass=found.fits[best].mass,
        ladder=tuple(sorted(fits, key=lambda fit: (fit.kernel != names[best], -fit.skill))),
    )


def _parts(
    demos: Demonstrations,
    drawn: Loaded,
    units: Int[np.ndarray, " N"] | None,
    chosen: Sequence[Bool[np.ndarray, " N"]],
    only: str | None,
    seed: int,
) -> list[Part]:
    """Parts of the samples, each with the kernels that suit it by itself, tabulated."""
    known: dict[tuple[str, float | None], KernelResponse] = {}
    parts, row = [], demos.bins.index(drawn.q)
    for rows in tqdm(chosen, desc="trying kernels", leave=False, delay=2, disable=None):
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
        part = None if units is None else np.unique(units[rows], return_inverse=True)[1]
        sampled = GroupedCounts.of(row[rows], demos.bins.count + 3, part)
        variance = _variance(sampled, demos.bins.reference, demos.counted.effective)
        places = [one.about(sampled.mass, variance) for one in responses]
        parts.append(Part(sampled, variance, responses, places))
    wanted = [pair for part in parts for pair in zip(part.responses, part.places, strict=True)]
    for one in tqdm(known.values(), desc="fitting kernels", leave=False, delay=2, disable=None):
        one.tabulate(np.concatenate([places for response, places in wanted if response is one]))
    return parts


def _variance(sampled: GroupedCounts, intended: Float[np.ndarray, " M"], n: float) -> Float[np.ndarray, " M"]:
    """Of each row's share, with a count added so that an empty row has an error as well."""
    total = sampled.effective
    share = (sampled.mass * total + 1) / (total + len(sampled.mass))
    return share * (1 - share) / total + intended * (1 - intended) / n


def _intervals(values: Sequence[Sequence[float]]) -> list[Interval]:
    """The middle 95 % of each column."""
    return list(map(tuple, np.quantile(values, [0.025, 0.975], axis=0).T.tolist()))
