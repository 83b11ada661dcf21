"""The runs of the page on video: one law in and out of its range, with a gap, to one side; pairs of attributes."""

from __future__ import annotations

from physlib.runs.config import Config
from physlib.runs.presets import resolve, seeds_of
from physlib.tasks.video import Video
from physlib.tasks.video_variants import PAIRS, BothSides, Gap, NarrowGap, OneSide

MODEL, FREE = "video-mlp", "clip-mlp"
"""The model that continues clips, and the one that makes them from nothing."""
RANGES = (Video.family, Gap.family, NarrowGap.family, OneSide.family, BothSides.family)
CHOSEN_ON = 100
"""Seed of the run that the forecast's level was chosen on; half the training."""


def pilot(profile: str) -> Config:
    """The run that the level of the forecast was chosen on."""
    steps = resolve(Video.family, MODEL, profile, CHOSEN_ON).steps // 2
    return resolve(Video.family, MODEL, profile, CHOSEN_ON, steps=steps)


def ranges(profile: str) -> dict[str, list[Config]]:
    """Runs on speeds, by task; three seeds of the first, one of the others. At smoke of the first alone."""
    seeds = seeds_of(profile)
    names = RANGES[:1] if profile == "smoke" else RANGES
    return {
        name: [resolve(name, MODEL, profile, seed) for seed in (seeds if name == RANGES[0] else seeds[:1])]
        for name in names
    }


def pairs(profile: str) -> dict[str, list[Config]]:
    """Runs on pairs of attributes, by task, one seed; at smoke of the first pair alone."""
    names = list(PAIRS)[:1] if profile == "smoke" else list(PAIRS)
    return {name: [resolve(name, MODEL, profile, seeds_of(profile)[0])] for name in names}


def free(profile: str) -> list[Config]:
    """Runs of the model that makes clips from nothing."""
    return [resolve(Video.family, FREE, profile, seed) for seed in seeds_of(profile)]


def judged(profile: str) -> list[Config]:
    """Every run that the forecast speaks of."""
    return [c for group in (ranges(profile), pairs(profile)) for configs in group.values() for c in configs]
