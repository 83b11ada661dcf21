"""Forecasts made from pilots alone, sealed with a digest before the evaluation runs exist."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float

from physlib import tasks
from physlib.core.errors import PhyslibError
from physlib.core.files import Damaged, Missing, write_atomic
from physlib.core.provenance import revision
from physlib.evaluation.benchmark import FITTED
from physlib.evaluation.decision import decision_curves
from physlib.evaluation.run_group import BUDGETS, gather, stored
from physlib.evaluation.shift import locality, shares
from physlib.forecasting.fit import Fit, MonteCarloBudget, fit, response
from physlib.forecasting.forecast import forecast
from physlib.kernels import FAMILIES
from physlib.models import PROBES
from physlib.runs.run import fetch
from physlib.runs.store import Result, Store
from physlib.stats.distances import shift_r2
from physlib.stats.histogram import flat_mass
from physlib.stats.intervals import misfit, predictive_interval
from physlib.studies import mechanism, sealed
from physlib.studies.forecasts import MODELS, TASKS

DIGITS = 6  # of every number that is sealed
NO_SHIFT, PILOT_SAMPLES = "no-shift", "pilot-samples"
RIVALS = ("blur", "shrink", "shrink-and-blur")
"""Kernels that speak of the quantity alone and know no trajectory."""
Mass = Float[np.ndarray, " M"]


@dataclass(frozen=True)
class SealedKernel:
    """What one kernel, or a baseline, says of one new run."""

    kernel: str
    parameters: dict[str, float]  # from pilots, made smaller by the root rule
    mass: list[float]
    noise: list[float]  # variance of `mass` from its draws
    low: list[float]  # ends of the 95 % interval of each bin's mass
    high: list[float]
    pilot_r2: (
        float | None
    )  # how well the kernel fits the pilots themselves, noise taken off; None where they have no shift
    at_bound: bool
    seconds: float


@dataclass(frozen=True)
class SealedForecast:
    """A forecast as it was before the runs it speaks of."""

    task: str
    model: str
    profile: str
    pilots: list[str]  # keys of the pilot runs
    runs: list[str]  # keys of the evaluation runs that will be scored
    locality: float  # share of the pilots' shift that they make below level `READ_AT`
    kernel: str  # of those with trajectories the one that fits the pilots best
    rival: str  # likewise of `RIVALS`
    expected: (
        str  # which of the two will have the higher R2 on inner bins: the former where locality is `LOCAL` or more
    )
    decision_levels: list[float | None]  # of the balanced quantity in each pilot, empty where they were not followed
    forecasts: list[SealedKernel]
    revision: str | None  # of the code that made it

    @property
    def digest(self) -> str:
        """SHA-256 of the content."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True, allow_nan=False).encode()).hexdigest()

    def of(self, kernel: str) -> SealedKernel:
        """What a kernel or baseline says."""
        return next(one for one in self.forecasts if one.kernel == kernel)


def make(task: str, model: str, profile: str) -> SealedForecast:
    """The forecast of a task and model from its pilots; evaluation runs are not looked at and need not exist."""
    system, configs = tasks.get_task(task), sealed.judged(task, model, profile)
    pilots = fetch(sealed.pilots(task, model, profile))
    smaller = float(np.sqrt(pilots[0].config.steps / configs[0].steps))
    made = [
        *(_by_kernel(system, family, pilots, smaller, configs[0].n_samples) for family in FITTED),
        *_by_baselines(system, model, profile, pilots, smaller, configs[0].n_samples),
    ]
    kernel = _best([one for one in made if one.kernel in FITTED and one.kernel not in RIVALS])
    rival = _best([one for one in made if one.kernel in RIVALS])
    local = float(np.mean(locality(pilots)[:, PROBES[model].levels.index(sealed.READ_AT)]))
    curve = next(iter(decision_curves(pilots).values())) if pilots[0].config.n_decision else None
    return SealedForecast(
        task=system.name,
        model=model,
        profile=profile,
        pilots=[run.config.key for run in pilots],
        runs=[config.key for config in configs],
        locality=round(local, DIGITS),
        kernel=kernel,
        rival=rival,
        expected=kernel if local >= sealed.LOCAL else rival,
        decision_levels=[] if curve is None else _rounded(curve.decision_levels),
        forecasts=made,
        revision=revision(),
    )


def _best(made: list[SealedKernel]) -> str:
    """The kernel that fits the pilots best, one at the end of its lattice or without a shift to fit coming last."""
    return max(made, key=lambda one: (not one.at_bound, -np.inf if one.pilot_r2 is None else one.pilot_r2)).kernel


def _by_kernel(task: tasks.Task, family: str, pilots: list[Result], smaller: float, n: int) -> SealedKernel:
    """A kernel with its numbers fitted to pilots and made smaller; its interval from pilots and from finished groups."""
    profile, model = pilots[0].config.profile, pilots[0].config.model
    budget = BUDGETS.get((profile, task.costly), MonteCarloBudget()).within(FAMILIES[family].most_draws)
    own, seen = response(task, family, budget.draws), shares(pilots)
    found = fit([(own, seen.mean(axis=0))])
    pushed = forecast(task, FAMILIES[family](**_times(found, smaller)), budget.final)
    members = np.array([own.mass(_times(fit([(own, mass)]), smaller))[0] for mass in seen])
    fitted, noise = own.mass(found.numbers)
    r2 = shift_r2(fitted, seen.mean(axis=0), _samples(pilots), noise)
    expected, observed = _elsewhere(task, model, profile, family, "scaled")
    seconds = found.seconds + pushed.seconds + sum(run.provenance["seconds_total"] for run in pilots)
    made = SealedKernel(
        family, _times(found, smaller), [], [], [], [], *_rounded(np.array([r2])), found.at_bound, round(seconds, 1)
    )
    return _with_interval(made, pushed.mass, pushed.noise, members, expected, observed, n)


def _by_baselines(
    task: tasks.Task, model: str, profile: str, pilots: list[Result], smaller: float, n: int
) -> list[SealedKernel]:
    """No shift, give or take what other tasks do; and the pilots' own samples, their shift made smaller."""
    flat, seen = flat_mass(), shares(pilots)
    seconds = round(sum(run.provenance["seconds_total"] for run in pilots), 1)
    expected, observed = _elsewhere(task, model, profile, PILOT_SAMPLES, "scaled")
    still = SealedKernel(NO_SHIFT, {}, [], [], [], [], 0.0, False, 0.0)
    moved = SealedKernel(PILOT_SAMPLES, {}, [], [], [], [], 1.0, False, seconds)
    members = flat + smaller * (seen - flat)
    mass, noise = members.mean(axis=0), smaller**2 * seen.mean(axis=0) * (1 - seen.mean(axis=0)) / _samples(pilots)
    return [
        _with_interval(
            still, flat, np.zeros_like(flat), flat[None], np.repeat(flat[None], len(observed), 0), observed, n
        ),
        _with_interval(moved, mass, noise, members, expected, observed, n),
    ]


def _elsewhere(
    task: tasks.Task, model: str, profile: str, kernel: str, source: str
) -> tuple[Float[np.ndarray, "G M"], Float[np.ndarray, "G M"]]:
    """What the same kernel said of finished groups of the same model and prior, and what came of those."""
    pairs = []
    for name in _finished(task, model, profile):
        group = gather(name, model, profile)
        found = [e for e in stored(group) if (e.kernel, e.source) == (kernel, source)]
        pairs += [(found[0].masses.mean(axis=0), group.shares.mean(axis=0))] if found else []
    expected, observed = np.reshape(pairs, (len(pairs), 2, len(flat_mass()))).transpose(1, 0, 2)
    return expected, observed


def _finished(task: tasks.Task, model: str, profile: str) -> list[str]:
    """Tasks whose forecasts were scored before, of the same prior and model, but for those of the same family."""
    if profile == "smoke":  # where nothing was scored before
        return []
    if task.prior.name == mechanism.FLAT:
        names = [name for name in TASKS if model in MODELS]
    else:
        names = [name for name, kind in mechanism.groups(profile) if kind == model]
    same = [name for name in names if tasks.get_task(name).prior.name == task.prior.name]
    return [name for name in same if tasks.get_task(name).family != task.family] or same


def _with_interval(
    made: SealedKernel,
    mass: Mass,
    noise: Mass,
    members: Float[np.ndarray, "J M"],
    expected: Float[np.ndarray, "G M"],
    observed: Float[np.ndarray, "G M"],
    n: int,
) -> SealedKernel:
    off = misfit(mass, expected, observed) if len(observed) else np.zeros_like(mass)
    low, high = predictive_interval(mass, n, noise, members, off, len(observed))
    exact = [float(v) for v in noise]  # variances are smaller than the digits kept of masses
    return replace(made, mass=_rounded(mass), noise=exact, low=_rounded(low), high=_rounded(high))


def _times(found: Fit, factor: float) -> dict[str, float]:
    return {name: round(factor * value, DIGITS) for name, value in found.numbers.items()}


def _rounded(values: Float[np.ndarray, " N"]) -> list[float | None]:
    """Numbers as they are sealed; None, which JSON has, for NaN, which it has not."""
    return [round(float(value), DIGITS) if np.isfinite(value) else None for value in values]


def _samples(runs: list[Result]) -> int:
    return sum(run.provenance["n"] for run in runs)


def check_new(path: Path, task: str, model: str, profile: str) -> None:
    """Raise `PhyslibError` where a forecast would be no forecast: it is sealed already, or its runs exist."""
    if path.exists():
        raise PhyslibError(f"{path} is there already, and a forecast is sealed once: give another file.")
    store = Store.of(profile)
    if there := [config for config in sealed.judged(task, model, profile) if store.path(config).exists()]:
        raise PhyslibError(
            f"{len(there)} of the runs that this would forecast exist already: seal a forecast before its runs."
        )


def write(path: Path, made: SealedForecast) -> None:
    """Seal a forecast in a file. Raises as `check_new` does."""
    check_new(path, made.task, made.model, made.profile)
    text = json.dumps(asdict(made) | {"digest": made.digest}, indent=1)
    write_atomic(path, text.encode())


def read(path: Path) -> SealedForecast:
    """A sealed forecast. Raises `Missing`, or `Damaged` where the content does not match its digest."""
    try:
        record = json.loads(path.read_text())
        digest = record.pop("digest")
        forecasts = [SealedKernel(**one) for one in record.pop("forecasts")]
        made = SealedForecast(**record, forecasts=forecasts)
    except (FileNotFoundError, IsADirectoryError):
        raise Missing(
            f"no sealed forecast {path}; make one with: physlib forecast TASK --from-pilots --seal FILE"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError, UnicodeDecodeError):
        raise Damaged(
            f"{path} is not a sealed forecast: give a file that physlib forecast --seal has written."
        ) from None
    if made.digest != digest:
        raise Damaged(f"{path} was altered after it was sealed: its content does not match its digest.")
    return made
