"""Every run that the book reads, and which of them stand behind each claim."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import cache
from typing import NamedTuple

from physlib import mitigations
from physlib.core.errors import unknown
from physlib.models import PROBES, RENOISE
from physlib.runs.config import JUDGED_SEEDS, PILOT_SEEDS, Config
from physlib.runs.presets import resolve, seeds_of
from physlib.runs.summary import Keep
from physlib.studies import confounds, mechanism, sealed, speech, video
from physlib.studies.confounds import HALF, factors
from physlib.studies.forecasts import (
    APPLIED,
    DIFFUSIONS,
    GROUPS,
    MAZES,
    MODELS,
    PENDULUMS,
    POINT_MAZE,
    SPEED_MAZE,
    SYNTHETIC,
    TASKS,
    fresh,
    groups,
)
from physlib.studies.remedies import CLAIMS, STATES_ASKED, experiments
from physlib.tasks import get_task

__all__ = ["GROUPS", "MAZES", "MODELS", "PENDULUMS", "POINT_MAZE", "SPEED_MAZE", "TASKS", "fresh", "groups"]

DIAL = (
    *("tent[0.7,0.9]", "tent[1.05,1.25]", "tent[1.3,1.5]", "tent[1.55,1.75]", "tent[1.8,2]"),
    *("logistic[2.6,2.8]", "logistic[3.1,3.3]", "logistic[3.4,3.6]", "logistic[3.6,3.8]", "logistic[3.8,4]"),
)
"""Ranges of equal width from regular to chaotic."""
TOYS = ("ring", "ring-polar")
"""The system solved in closed form, in the plane and in the coordinates that mend it."""
PLANNER = "planner-unet"
"""Trained on the first maze to plan between end points."""
ARMS = ("arm-positions", "arm-steps")
"""A reaching arm as motion capture stores it, and in the steps that an audit recommends."""
WIDEST = 128
"""Width of the largest networks whose weights are stored."""
FEW, PICTURED, COMPARED, AUDITED = 4, 30, 48, 1_000
"""Trajectories stored: of most runs, for pictures, for distances to other trajectories, for an audit."""
CONFIRMING = "seeds that no rule was found on"


class Evidence(NamedTuple):
    """The runs behind the rows that a claim has for one task and model."""

    claim: str
    task: str
    model: str
    variant: str | None  # the changed choice, strategy or kind of run, where there is one
    configs: tuple[Config, ...]  # runs that are measured, evaluation seeds in order
    seen: tuple[
        Config, ...
    ] = ()  # further runs that the rows use: pilots, or runs before a remedy and what it must have seen


def families(profile: str) -> tuple[tuple[str, str], ...]:
    """Every synthetic task and model; at smoke most models on one task only."""
    return tuple(p for p in SYNTHETIC if profile != "smoke" or p[1] in DIFFUSIONS or p[0] == TASKS[-1])


def dial(profile: str) -> dict[str, list[Config]]:
    """The runs of each range from regular to chaotic, at half the training; at smoke of the two last."""
    usual = {} if profile == "smoke" else HALF
    ranges = DIAL[-2:] if profile == "smoke" else DIAL
    return {name: [resolve(name, MODELS[0], profile, seed, **usual) for seed in seeds_of(profile)] for name in ranges}


def toys(profile: str) -> dict[str, list[Config]]:
    """The runs on the system solved in closed form."""
    return {toy: [resolve(toy, MODELS[0], profile, seed) for seed in seeds_of(profile)] for toy in TOYS}


def seeds(task: str, model: str, profile: str, pilot: bool = False) -> tuple[Config, ...]:
    """The evaluation runs, or the pilots, of a task and model."""
    return tuple(resolve(task, model, profile, seed, pilot) for seed in seeds_of(profile, pilot))


def evidence(profile: str) -> list[Evidence]:
    """The runs behind every claim, in the order of the results table. Raises `PhyslibError` at paper."""
    found = [e for pair in groups(profile) for e in _of_group(*pair, profile)]
    found += [e for prior in (mechanism.FLAT, *mechanism.SMOOTH) for e in _of_prior(prior, profile)]
    found += [Evidence("C5", *cell, sealed.SEALED, *_sealed(*cell, profile)) for cell in sealed.trained(profile)]
    found += [Evidence("C2", *pair, None, seeds(*pair, profile)) for pair in families(profile)]
    if profile != "smoke":
        found += [Evidence("C3", *pair, None, seeds(*pair, profile)) for pair in APPLIED]
        found += [
            Evidence("C6", maze, MODELS[1], None, seeds(maze, MODELS[1], profile)) for maze in (*MAZES, POINT_MAZE)
        ]
        found.append(Evidence("C6", MAZES[0], PLANNER, None, seeds(MAZES[0], PLANNER, profile)))
    for factor in factors(profile):
        for level in factor.levels:
            configs = factor.configs(level, profile)
            found.append(Evidence("C10", configs[0].task, configs[0].model, f"{factor.field}={level}", tuple(configs)))
    found += [Evidence("C11", name, MODELS[0], f"steps={c[0].steps}", tuple(c)) for name, c in dial(profile).items()]
    found += [Evidence("C12", name, MODELS[0], None, tuple(c)) for name, c in toys(profile).items()]
    for e in experiments(profile):
        seen = tuple(c for c in e.configs if c not in e.after)
        found.append(Evidence(CLAIMS[e.strategy], e.task, e.after[0].model, e.strategy, e.after, seen))
    return sorted([*found, *_of_video(profile), *_of_speech(profile)], key=lambda e: (e.claim[0], int(e.claim[1:])))


def _sealed(task: str, model: str, profile: str) -> tuple[tuple[Config, ...], tuple[Config, ...]]:
    """Evaluation runs and pilots of a forecast that was sealed."""
    return tuple(sealed.judged(task, model, profile)), tuple(sealed.pilots(task, model, profile))


def _of_group(task: str, model: str, profile: str) -> Iterator[Evidence]:
    configs, pilots = (seeds(task, model, profile, short) for short in (False, True))
    yield Evidence("C1", task, model, None, configs)
    yield Evidence("C4", task, model, None, configs)
    yield Evidence("C5", task, model, None, configs, pilots)
    if confirming := fresh(task, model, profile):
        yield Evidence("C5", task, model, CONFIRMING, tuple(confirming), pilots)


def _of_video(profile: str) -> Iterator[Evidence]:
    """What the page on video states, none at smoke, where nothing is sealed."""
    if profile != "laptop":
        return
    for name, configs in video.ranges(profile).items():
        yield Evidence("V1", name, video.MODEL, None, tuple(configs))
        yield Evidence("V2", name, video.MODEL, None, tuple(configs))
        yield Evidence("V5", name, video.MODEL, None, tuple(configs))
    for name, configs in video.pairs(profile).items():
        yield Evidence("V4", name, video.MODEL, None, tuple(configs))


def _of_speech(profile: str) -> Iterator[Evidence]:
    """What the page on speech states of its models."""
    for model in speech.models(profile):
        configs = tuple(speech.judged(model, profile))
        for claim in ("C1", "C2", "C3", "S1", "S2", "S3"):
            yield Evidence(claim, speech.TASK, model, None, configs)
        if profile == "laptop":  # elsewhere nothing is sealed
            yield Evidence("S4", speech.TASK, model, None, configs, tuple(speech.pilots(model, profile)))
    if profile != "smoke":  # a remedy by coordinates: durations in place of frames after frames
        _, before, after = (tuple(speech.judged(model, profile)) for model in speech.READERS)
        yield Evidence("C9", speech.TASK, speech.READERS[2], "durations", after, before)


def _of_prior(prior: str, profile: str) -> Iterator[Evidence]:
    """What puts the mechanism to the test, under one prior."""
    for system, model in mechanism.compared(prior, profile):
        name = get_task(system, prior).name
        configs = tuple(mechanism.followed(name, model, profile))
        yield Evidence("C3", name, model, mechanism.MEAN, configs)
        yield Evidence("C4", name, model, mechanism.DECISION, configs)
        if prior == mechanism.FLAT:
            yield Evidence("C1", name, model, mechanism.ESTIMATOR, configs)
        else:
            yield Evidence("C1", name, model, mechanism.EDGE, configs, seeds(system, model, profile))
            if (name, model) in mechanism.groups(profile):
                yield from _of_group(name, model, profile)


def select(found: Collection[Evidence], **wanted: str | None) -> list[Evidence]:
    """The evidence of the given claim, task or model. Raises `PhyslibError` for a name that has none."""
    for field, name in wanted.items():
        known = dict.fromkeys(getattr(e, field) for e in found)
        if name is not None and name not in known:
            raise unknown(field, name, known)
        found = [e for e in found if name in (None, getattr(e, field))]
    return list(found)


def runs(profile: str) -> list[Config]:
    """Every run that the book keeps of a profile; of `paper` single ones, on mazes: what does longer training do?"""
    if profile == "paper":
        return [resolve(maze, MODELS[1], profile, seeds_of(profile)[0]) for maze in MAZES]
    pairs = dict.fromkeys((*groups(profile), *families(profile)))
    paired = [c for pair in pairs for short in (False, True) for c in seeds(*pair, profile, short)]
    audited = [c for arm in ARMS for c in seeds(arm, MODELS[0], profile)]
    planned = seeds(MAZES[0], PLANNER, profile)
    # factors share the runs at their usual level, remedies those without any
    behind = [c for e in evidence(profile) for c in (*e.seen, *e.configs)]
    to_come = [video.pilot(profile)] if profile == "laptop" else []
    to_come += [c for cell in sealed.cells() if profile == "laptop" for c in sealed.pilots(*cell, profile)]
    return list(dict.fromkeys([*paired, *audited, *planned, *behind, *to_come]))


STUDIES: dict[str, Callable[[str], list[Config]]] = {
    "all": runs,
    "families": lambda profile: [
        c for p in families(profile) for short in (False, True) for c in seeds(*p, profile, short)
    ],
    "applied": lambda profile: [c for p in APPLIED for short in (False, True) for c in seeds(*p, profile, short)],
    "confounds": lambda profile: [c for f in factors(profile) for at in f.levels for c in f.configs(at, profile)],
    "dial": lambda profile: [c for found in dial(profile).values() for c in found],
    "toys": lambda profile: [c for found in toys(profile).values() for c in found],
    "remedies": lambda profile: [c for e in experiments(profile) for c in e.configs],
    "sealed": lambda profile: [
        c for cell in sealed.cells() for c in (*sealed.pilots(*cell, profile), *sealed.judged(*cell, profile))
    ],
    "video": lambda profile: [video.pilot(profile), *video.judged(profile)],
    "speech": speech.runs,
}
"""The runs of each study at a profile."""


def keep(config: Config) -> Keep:
    """What a run stores beyond its summary: what a page, a kernel, a remedy or a test reads of it.

    Samples where a remedy must see them or values were asked for, on the logistic map, whose periodic windows are narrow,
    and on the timed maze. Weights of the first pilot of a denoiser, whose deviations are a kernel, and of the first run of
    the models that the argument is made on; those of wide networks take megabytes.
    """
    pilot, first = config.role == "pilot", config.seed in (JUDGED_SEEDS[0], PILOT_SEEDS[0])
    own = config == resolve(config.task, config.model, config.profile, config.seed, pilot)
    flat = get_task(config.task).prior.name == mechanism.FLAT
    argued = (pilot and flat) or (config.task in TASKS and config.model in DIFFUSIONS)
    asked = bool(config.mitigation) and mitigations.get(config.mitigation).needs_quantity
    seen = config in _seen_by_remedies(config.profile)
    timed, windowed = (own and not pilot and config.task == name for name in (SPEED_MAZE, confounds.TASK))
    pictured = own and first and (not pilot or config.task in TASKS) and config.model != video.MODEL
    compared = config.mitigation in STATES_ASKED or config in _compared(config.profile)
    shown = (AUDITED if config.task in ARMS else PICTURED) if pictured else FEW
    return Keep(
        samples=asked or seen or timed or windowed or config.task == speech.TASK,
        residual=seen or timed,
        others=(seen and not config.mitigation) or timed,
        condition=False,  # drawn again by `evaluation.obedience.asked`
        weights=own and first and argued and config.width <= WIDEST and PROBES[config.model] is RENOISE,
        deviations=own,
        nearest=False,
        representation=first,
        trajectories=max(shown, COMPARED if compared else FEW),
    )


@cache
def _seen_by_remedies(profile: str) -> frozenset[Config]:
    return frozenset(c for e in experiments(profile) for runs in e.earlier for c in runs)


@cache
def _compared(profile: str) -> frozenset[Config]:
    sizes = next(factor for factor in confounds.FACTORS if factor.field == "n_train")
    return frozenset(c for level in sizes.levels for c in sizes.configs(level, profile))
