"""The runs of the page on speech: reading aloud step by step or by durations, with a style and without."""

from __future__ import annotations

from physlib.runs.config import Config
from physlib.runs.presets import resolve, seeds_of
from physlib.tasks.speech import Speech

TASK = Speech.family
READERS = ("tacotron", "tacotron-style", "durations-style")
"""Models that say a text."""


def models(profile: str) -> tuple[str, ...]:
    """Those trained at a profile; at smoke two."""
    return READERS if profile != "smoke" else READERS[:2]


def pilots(model: str, profile: str) -> list[Config]:
    """Runs that the forecast is made from."""
    return [resolve(TASK, model, profile, seed, pilot=True) for seed in seeds_of(profile, pilot=True)]


def judged(model: str, profile: str) -> list[Config]:
    """Runs that are measured."""
    return [resolve(TASK, model, profile, seed) for seed in seeds_of(profile)]


def runs(profile: str) -> list[Config]:
    """All of them, pilots first."""
    found = [c for model in models(profile) for c in pilots(model, profile)]
    return found + [c for model in models(profile) for c in judged(model, profile)]
