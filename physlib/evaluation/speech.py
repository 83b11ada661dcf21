"""Speaking rates that models of speech make: what each part of a model does to them, and what pilots say beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from physlib.core.errors import PhyslibError
from physlib.core.provenance import revision
from physlib.core.records import read_record, write_record
from physlib.core.rng import numpy_rng
from physlib.evaluation.shift import shares
from physlib.models import get_model
from physlib.runs.store import Result, Store
from physlib.stats.distances import shift_r2
from physlib.stats.histogram import flat_mass
from physlib.studies import speech as study
from physlib.tasks import get_task

DRAWS = 100_000  # behind a forecast
DIGITS = 6  # of what is sealed
KERNELS = ("said-again", "shrink-and-blur", "pilot-samples", "no-shift")
"""The kernel that follows from the parts, and what it is compared with."""
Mass = Float[np.ndarray, " M"]


def scatter(rates: Float[np.ndarray, "N U"], true: Float[np.ndarray, " U"]) -> Float[np.ndarray, " N"]:
    """Standard deviation of rates as a share of that of the utterances said: below 1 where a model narrows them."""
    return np.nanstd(rates, axis=-1) / np.std(true)


def part_errors(run: Result) -> dict[str, float]:
    """Root-mean-square error of the log rate with each part of the model alone left to itself, `none` with all as they were."""
    true = run["spoken/true"].astype(float)
    error = np.sqrt(np.nanmean(np.log(run["spoken/parts"].astype(float) / true) ** 2, axis=1))
    return {"none": float(error[0])} | {
        name: float(error[1 << bit]) for bit, name in enumerate(get_model(run.config.model).parts)
    }


def part_shares(run: Result) -> dict[str, float]:
    """By how much each part narrows the scatter of rates; the sum is one less the scatter of what the model makes alone.

    Shapley values: the change when a part is left to itself, averaged over the orders in which parts can be. What is lost
    with all parts as they truly were, the error of a single step, is `none`.
    """
    kept = scatter(run["spoken/parts"].astype(float), run["spoken/true"].astype(float))
    names = get_model(run.config.model).parts
    orders, found = list(permutations(range(len(names)))), np.zeros(len(names))
    for order in orders:
        own = 0
        for bit in order:
            found[bit] += kept[own] - kept[own | 1 << bit]
            own |= 1 << bit
    return {"none": float(1 - kept[0])} | dict(zip(names, (found / len(orders)).tolist(), strict=True))


def redrawn_shares(run: Result) -> Float[np.ndarray, " L"]:
    """Share R2 of the shift of a run's samples that the model makes when it goes on from true beginnings, at each level."""
    bins = get_task(run.config.task).bins
    rates = run["spoken/redrawn"].astype(float)
    mass = np.array([bins.counts(row) for row in rates]) / rates.shape[1]
    n = run.provenance["n"]
    return shift_r2(mass, shares([run])[0], n, mass * (1 - mass) / rates.shape[1])


@dataclass(frozen=True)
class SaidAgain:
    """Rates as a model says them again: `log r' = a log r + b + s e`, e normal."""

    a: float  # how much of a deviation is kept
    b: float
    s: float  # deviation that it adds

    @classmethod
    def measured(cls, run: Result) -> SaidAgain:
        """Least squares over the utterances that a run said again by itself, in the style that it had heard."""
        parts = get_model(run.config.model).parts
        own = sum(1 << bit for bit, name in enumerate(parts) if name != "style")
        true, made = np.log(run["spoken/true"].astype(float)), np.log(run["spoken/parts"][own].astype(float))
        heard = np.isfinite(made)
        a, b = np.polyfit(true[heard], made[heard], 1)
        return cls(float(a), float(b), float(np.std(made[heard] - a * true[heard] - b)))

    def grown(self, factor: float) -> SaidAgain:
        """For a model whose errors are `factor` times as large."""
        return SaidAgain(1 - (1 - self.a) * factor, self.b * factor, self.s * factor)

    def mass(self, seed: int) -> Mass:
        """Mass of the rates in the bins of the task."""
        task, rng = get_task(study.TASK), numpy_rng(seed, "forecast of speech")
        rate = np.log(task.prior_draws(DRAWS, rng))
        return task.bins.counts(np.exp(self.a * rate + self.b + self.s * rng.standard_normal(DRAWS))) / DRAWS


def forecast_masses(pilots: Sequence[Result], factor: float) -> dict[str, Mass]:
    """What each kernel says of longer runs, from pilots whose errors are one over `factor` times as large; means over pilots.

    Both kernels keep the form that pilots show. `shrink-and-blur` is fitted to the histogram of their samples.
    """
    again = [SaidAgain.measured(run).grown(factor) for run in pilots]
    seen = shares(pilots)
    told = [_blurred(mass, run).grown(factor) for mass, run in zip(seen, pilots, strict=True)]
    flat = flat_mass(seen.shape[1] - 3)
    masses = {
        "said-again": np.mean(
            [kernel.mass(run.config.seed) for kernel, run in zip(again, pilots, strict=True)], axis=0
        ),
        "shrink-and-blur": np.mean([one.mass(run.config.seed) for one, run in zip(told, pilots, strict=True)], axis=0),
        "pilot-samples": flat + factor * (seen.mean(axis=0) - flat),
        "no-shift": flat,
    }
    return {name: masses[name] for name in KERNELS}


def _blurred(mass: Mass, run: Result) -> SaidAgain:
    """The kernel of that form whose rates come nearest to a histogram, in least squares, over a grid of shrinking and noise."""
    middle = float(np.log(run.provenance["q_mean"]))
    grid = [
        SaidAgain(float(a), float((1 - a) * middle), float(s))
        for a in np.linspace(0, 1, 21)
        for s in np.geomspace(0.01, 0.5, 15)
    ]
    return min(grid, key=lambda kernel: float(np.sum((kernel.mass(run.config.seed) - mass) ** 2)))


def sealed_path(profile: str) -> Path:
    """The file of the forecasts that were sealed before the runs."""
    return Store.of(profile).root / "sealed" / "speech.json"


def seal(profile: str) -> dict[str, Any]:
    """Make the forecasts of every reader from its pilots and write them with a digest. Raises `PhyslibError` where runs exist."""
    store = Store.of(profile)
    there = [c for model in study.READERS for c in study.judged(model, profile) if store.path(c).exists()]
    if there or sealed_path(profile).exists():
        raise PhyslibError("runs or a sealed forecast are there already: a forecast is sealed once, before its runs.")
    record: dict[str, Any] = {"revision": revision(), "models": {}}
    for model in study.READERS:
        pilots = [store.get(config) for config in study.pilots(model, profile)]
        factor = float(np.sqrt(pilots[0].config.steps / study.judged(model, profile)[0].steps))
        masses = forecast_masses(pilots, factor)
        record["models"][model] = {
            "pilots": [run.config.key for run in pilots],
            "measured": [asdict(SaidAgain.measured(run)) for run in pilots],
            "mass": {name: np.round(mass, DIGITS).tolist() for name, mass in masses.items()},
        }
    return write_record(sealed_path(profile), record)


def sealed(profile: str) -> dict[str, Any]:
    """The sealed forecasts. Raises `Missing` or `Damaged`."""
    return read_record(sealed_path(profile))


def scores(run: Result) -> dict[str, float]:
    """R2 of each sealed forecast of a run's rates."""
    said, mass = sealed(run.config.profile)["models"][run.config.model]["mass"], shares([run])[0]
    n = run.provenance["n"]
    return {name: float(shift_r2(np.array(said[name]), mass, n)) for name in KERNELS}
