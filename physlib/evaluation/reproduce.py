"""Retraining stored runs and comparing what comes out with what is stored."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from physlib.core.errors import PhyslibError
from physlib.core.rng import numpy_rng
from physlib.evaluation.claims import most_tv
from physlib.evaluation.shift import shares
from physlib.runs.config import Config
from physlib.runs.presets import changes
from physlib.runs.run import fetch, produce
from physlib.stats.distances import total_variation, tv_floor
from physlib.stats.histogram import flat_mass
from physlib.studies import catalogue


@dataclass(frozen=True)
class Verdict:
    """A retrained run beside its stored twin."""

    config: Config
    stored: float  # total variation from the flat law
    retrained: float
    tolerance: float  # three standard deviations between seeds of the group, plus the sampling floor
    apart: float  # total variation between the two histograms
    spread: float  # the largest between two seeds of the group, plus the floor of two samples
    noise: float  # total variation that a run without a shift hardly ever exceeds
    identical: bool  # quantity and residual of every sample equal to the last bit

    @property
    def agrees(self) -> bool:
        """Whether the shift is as large as the stored one and of the same shape.

        Where the stored run has shifted, the retrained one must also lie nearer to it than to the flat prior.
        """
        near = abs(self.retrained - self.stored) <= self.tolerance and self.apart <= self.spread
        return near and (self.stored <= self.noise or self.apart < self.retrained)

    @property
    def line(self) -> str:
        """The comparison as one line."""
        word = "identical" if self.identical else "agrees" if self.agrees else "DIFFERS"
        c = self.config
        variant = ", ".join(f"{name} {value}" for name, value in changes(c).items())
        return (
            f"{word:<9} {c.task} {c.model} {c.role} seed {c.seed}{variant and f' ({variant})'}: stored TV {self.stored:.4f}, "
            f"retrained {self.retrained:.4f}, tolerance {self.tolerance:.4f}; "
            f"histograms {self.apart:.4f} apart, allowed {self.spread:.4f}"
        )


def choose(
    profile: str,
    sample: int | None,
    seed: int,
    claim: str | None = None,
    task: str | None = None,
    model: str | None = None,
) -> list[Config]:
    """Runs of the catalogue, or those behind rows of the results table, by claim, task and model: `sample` at random.

    Without a `sample` all that are behind the rows, or three of the catalogue. Raises `PhyslibError` for a sample below 1
    and for a name without rows.
    """
    if sample is not None and sample < 1:
        raise PhyslibError(f"cannot verify {sample} runs: give --sample 1 or more.")
    if claim is task is model is None:
        found, sample = catalogue.runs(profile), sample or 3
    else:
        behind = catalogue.select(catalogue.evidence(profile), claim=claim, task=task, model=model)
        found = list(dict.fromkeys(c for e in behind for c in (*e.seen, *e.configs)))
    return [found[row] for row in numpy_rng(seed, "verify").permutation(len(found))[:sample]]


def compare(config: Config) -> Verdict:
    """Retrain a run in memory and compare it with the store. Raises where the stored run is missing or damaged.

    Where there is a single run there is no spread between seeds: only the sampling floor is allowed.
    """
    twins = [c for c in catalogue.runs(config.profile) if replace(c, seed=config.seed) == config]
    runs = fetch(twins)
    flat, index = flat_mass(), twins.index(config)
    again = produce(config, "cpu", None)
    masses = shares([*runs, again])
    shifts = [total_variation(share, flat) for share in masses]
    between = [total_variation(a, b) for a, b in combinations(masses[:-1], 2)]
    n = again.provenance["n"]
    return Verdict(
        config=config,
        stored=shifts[index],
        retrained=shifts[-1],
        tolerance=3 * float(np.std(shifts[:-1], ddof=1) if len(runs) > 1 else 0) + tv_floor(flat, n),
        apart=total_variation(masses[index], masses[-1]),
        spread=max(between, default=0.0) + tv_floor(masses[index], n, n),
        noise=most_tv(n),
        identical=runs[index].provenance["sha256"] == again.provenance["sha256"],
    )
