"""What does and does not change the shift: one factor at a time, the rest as it was (running layer)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from physlib.runs.config import Config
from physlib.runs.presets import resolve, seeds_of

TASK, MODEL = "logistic", "diffusion-mlp"
HALF = {"steps": 4_000, "n_samples": 10_000, "n_probe": 1_000}
"""Half the training of a laptop run: what factors and ranges are compared at."""


@dataclass(frozen=True)
class Factor:
    """One choice that could explain the shift away, with the values it is tried at."""

    title: str
    field: str  # of a configuration
    levels: tuple[Any, ...]  # in order, the usual one among them

    def configs(self, level: Any, profile: str) -> list[Config]:
        """The runs of a level, one a judged seed; at `smoke` as short as any other."""
        usual = {"n_nearest": 50} if profile == "smoke" else HALF | {"n_nearest": 1_000}
        return [resolve(TASK, MODEL, profile, seed, **usual | {self.field: level}) for seed in seeds_of(profile)]


FACTORS = (
    Factor("training trajectories", "n_train", (3_000, 20_000, 100_000)),
    Factor("training steps", "steps", (1_000, 2_000, 4_000)),
    Factor("width of the network", "width", (32, 128, 256)),
    Factor("trajectories per step", "batch", (64, 256, 512)),
    Factor("averaging of weights", "ema", (0.0, 0.99, 0.999)),
    Factor("noise levels in training", "noise_shift", (-1.0, 0.0, 1.0)),
    Factor("normalisation", "normalisation", ("channel", "step", "range")),
    Factor("number format", "precision", ("float32", "float64")),
    Factor("noise levels in sampling", "heun_steps", (8, 16, 32)),
    Factor("sampler", "sampler", ("heun", "euler", "stochastic")),
)


def usual(profile: str) -> Config:
    """The configuration that every factor departs from, of the first seed."""
    factor = FACTORS[-1]
    return factor.configs(getattr(Config, factor.field), profile)[0]


def factors(profile: str) -> tuple[Factor, ...]:
    """The factors that are tried at a profile; at `smoke` the last, to show how it is done."""
    return FACTORS[-1:] if profile == "smoke" else FACTORS
