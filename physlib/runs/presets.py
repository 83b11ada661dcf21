"""From names to a configuration: presets, what overrides may change, and the command that makes a run."""

from __future__ import annotations

import dataclasses
import tomllib
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from physlib import mitigations
from physlib.core.errors import PhyslibError, unknown
from physlib.models import RENOISE, ModelRow, get_model
from physlib.models.registry import SOME_FIELDS
from physlib.runs.config import JUDGED_SEEDS, PILOT_SEEDS, Config
from physlib.tasks import Maze, Speech, Task, Video, get_task

PROFILES = ("smoke", "laptop", "paper")


def seeds_of(profile: str, pilot: bool = False) -> tuple[int, ...]:
    """The seeds whose runs a page or the table uses; one of each kind on smoke."""
    seeds = PILOT_SEEDS if pilot else JUDGED_SEEDS
    return seeds[:1] if profile == "smoke" else seeds


def resolve(task: str, model: str, profile: str, seed: int, pilot: bool = False, **overrides: Any) -> Config:
    """The configuration of a run. A pilot takes a tenth of the preset's steps and is otherwise the same.

    `overrides` have the last word. Raises `PhyslibError` for an unknown task, model, profile or strategy, a negative
    seed, a model that the task does not suit, or an override that means nothing here.
    """
    system, row = get_task(task), get_model(model)
    if profile not in PROFILES:
        raise unknown("profile", profile, PROFILES)
    if seed < 0:
        raise PhyslibError(f"seed {seed} is negative: give 0 or more.")
    if row.plans and not (isinstance(system, Maze) and system.shape[1] == 2):
        raise PhyslibError(
            f"{model} plans between positions, which {system.name} is not made of: give a maze without a clock."
        )
    if row.continues and not isinstance(system, Video):
        raise PhyslibError(f"{model} continues videos, and {system.name} is none: give one of them, as video.")
    if row.parts and not isinstance(system, Speech):
        raise PhyslibError(f"{model} says texts, and {system.name} has none: give speech.")
    _refuse(system, row, overrides)
    choices = _preset(system, model, profile)
    if pilot:
        choices |= {"role": "pilot", "steps": choices.get("steps", Config.steps) // 10, "n_decision": 0}
    if overrides.get("mitigation"):  # whose models see other trajectories than a probe or a plan holds
        choices |= {"n_probe": 0, "n_plans": 0, "n_decision": 0}
    return Config(system.name, model, profile, seed, **choices | overrides)


@cache
def _tables() -> list[dict[str, Any]]:
    return tomllib.loads(Path(__file__).with_name("presets.toml").read_text())["preset"]


def _preset(task: Task, model: str, profile: str) -> dict[str, Any]:
    """What differs from the defaults of `Config`, table by table."""
    names = {"task": task.family, "model": model, "profile": profile, "prior": task.prior.name}
    simulated, choices = not task.can_regenerate, {}
    for table in _tables():
        suits = all(_matches(name, table.get(condition, "*")) for condition, name in names.items())
        if suits and table.get("simulated", simulated) == simulated:
            choices |= table["set"]
    return choices


def _matches(name: str, patterns: str | list[str]) -> bool:
    return any(fnmatchcase(name, p) for p in ([patterns] if isinstance(patterns, str) else patterns))


def _refuse(task: Task, row: ModelRow, overrides: dict[str, Any]) -> None:
    """Raise for a choice that would be ignored, or fail after training."""
    strategy = mitigations.get(overrides["mitigation"]) if overrides.get("mitigation") else None
    ignored = SOME_FIELDS - row.fields
    if strategy or not (isinstance(task, Maze) or row.continues or row.parts):
        ignored |= {"n_plans"}
    if strategy and strategy.needs_quantity:
        ignored |= {"n_probe"}
    if row.parts:  # redraws what comes with its text, see `physlib.runs.speaking`
        ignored |= {"n_probe", "n_decision"}
    for name, value in overrides.items():
        if name in ignored and (name not in ("n_plans", "n_probe", "n_decision") or value):
            with_it = f" with {strategy.name}" if strategy else ""
            raise PhyslibError(f"{name} means nothing for {row.name} on {task.name}{with_it}: leave it out.")


def changes(config: Config) -> dict[str, Any]:
    """Fields that differ from what the preset says, in order."""
    usual = resolve(config.task, config.model, config.profile, config.seed, config.role == "pilot")
    mine, theirs = dataclasses.asdict(config), dataclasses.asdict(usual)
    return {name: value for name, value in mine.items() if value != theirs[name]}


def command(config: Config) -> str:
    """The command that makes a run."""
    options = "".join(f" --set {name}={value}" for name, value in changes(config).items())
    options += " --pilot" if config.role == "pilot" else ""
    return (
        f"physlib run '{config.task}' --model {config.model} --profile {config.profile} --seed {config.seed}{options}"
    )


def expected_seconds(config: Config) -> float:
    """Rough time of a run on one core of the reference machine (two x86-64 cores, 24 GiB)."""
    row = get_model(config.model)
    train, evaluate = row.seconds
    each = 2 * config.heun_steps if row.probe is RENOISE else 1  # evaluations behind one sample
    passes = (config.n_samples + config.n_plans) * each
    passes += config.n_probe * len(row.probe.levels) * 0.4 * each  # redrawing starts on the way, below half on average
    passes += config.n_decision * len(row.probe.decision) * 0.4 * each
    longer = get_task(config.task).shape[0] / 16  # times are for 16 steps
    return 2 + longer * (train * config.steps * config.batch + evaluate * passes)
