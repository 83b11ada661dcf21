"""Runs made many at a time: which ones, what each needs before it, and how one is made anywhere."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from physlib import mitigations
from physlib.core.errors import PhyslibError, unknown
from physlib.core.files import Damaged, Missing
from physlib.runs import run as runner
from physlib.runs.config import PILOT_SEEDS, Config
from physlib.runs.pool import Graph, outcomes
from physlib.runs.presets import resolve, seeds_of
from physlib.runs.store import Result, Store
from physlib.studies import catalogue


def choose(
    profile: str,
    study: str | None = None,
    claim: str | None = None,
    task: str | None = None,
    model: str | None = None,
    seeds: Sequence[int] | None = None,
    training: int = 1,
) -> list[Config]:
    """The runs of a study or behind a claim, of those the ones of a task and model; or any task and model alone.

    `seeds` stand in for the judged ones, and 100 more for those of pilots; `training` multiplies the steps. Raises
    `PhyslibError` for a name that is not known, and where nothing is named.
    """
    if training < 1 or (seeds is not None and not seeds):
        raise PhyslibError("nothing would be trained: give --training 1 or more, and --seeds as 0-2 or 0,1,2.")
    if study is not None and claim is not None:
        raise PhyslibError(f"study {study} and claim {claim} are two things: give one of them.")
    if study is not None:
        if study not in catalogue.STUDIES:
            raise unknown("study", study, catalogue.STUDIES)
        found = [c for c in catalogue.STUDIES[study](profile) if task in (None, c.task) and model in (None, c.model)]
    elif claim is not None:
        behind = catalogue.select(catalogue.evidence(profile), claim=claim, task=task, model=model)
        found = [c for e in behind for c in (*e.seen, *e.configs)]
    elif task is not None and model is not None:
        found = [resolve(task, model, profile, seed) for seed in seeds_of(profile)]
    else:
        raise PhyslibError(
            f"nothing to sweep: name a study ({', '.join(catalogue.STUDIES)}), --claim, or --task and --model."
        )
    if not found:
        raise PhyslibError(
            f"study {study} has no run of {task or 'that task'} and {model or 'that model'}: name others."
        )
    return list(dict.fromkeys(c for config in found for c in _varied(config, seeds, training)))


def _varied(config: Config, seeds: Sequence[int] | None, training: int) -> Iterator[Config]:
    first = PILOT_SEEDS[0] if config.role == "pilot" else 0
    for seed in [config.seed] if seeds is None else [first + seed for seed in seeds]:
        yield dataclasses.replace(config, seed=seed, steps=training * config.steps)


def read_seeds(text: str | None) -> list[int] | None:
    """Seeds from `0-9` or `0,1,2`. Raises `PhyslibError` for anything else."""
    if text is None:
        return None
    seeds: list[int] = []
    for part in text.split(","):
        low, dash, high = part.partition("-")
        if not (low.isdecimal() and (high.isdecimal() if dash else True)):
            raise PhyslibError(f"cannot read --seeds '{text}': give them as 0-9 or 0,1,2.")
        seeds += range(int(low), int(high if dash else low) + 1)
    return seeds


def graph_of(configs: Iterable[Config]) -> dict[Config, tuple[Config, ...]]:
    """The runs and those that their strategies must have seen, earlier ones first."""
    found: dict[Config, tuple[Config, ...]] = {}

    def add(config: Config) -> None:
        names = mitigations.get(config.mitigation).after if config.mitigation else ()
        needed = tuple(dataclasses.replace(config, mitigation=name) for name in names)
        for one in needed:
            add(one)
        found.setdefault(config, needed)

    for config in configs:
        add(config)
    return found


def is_stored(config: Config) -> bool:
    """Whether a run is there and whole."""
    with contextlib.suppress(Missing, Damaged):
        return Store.of(config.profile).get(config) is not None
    return False


def sweep(
    graph: Graph, workers: int | None = None, scheduler: str | None = None, device: str = "auto"
) -> Iterator[tuple[Config, Result | PhyslibError]]:
    """Every run of a graph as it is finished and stored here, or the error that it ended with."""
    for config, made in outcomes(partial(make, device=device), graph, workers, scheduler):
        if isinstance(made, Result):
            _file(made)
        yield config, made


def make(config: Config, earlier: Sequence[Result], device: str = "auto") -> Result:
    """One run on whatever machine this is; runs that it needs are stored here first where they are not yet."""
    for result in earlier:
        _file(result)
    return runner.run(config, device, catalogue.keep(config))


def _file(result: Result) -> None:
    store = Store.of(result.config.profile)
    if not is_stored(result.config):
        with store.lock(result.config):
            store.put(result)
