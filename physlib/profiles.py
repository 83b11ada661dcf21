"""What a run is: every choice with its unit and remark, and presets that list only differences (running layer)."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from physlib import mitigations, models, tasks
from physlib.errors import PhyslibError, unknown

JUDGED_SEEDS = (0, 1, 2)
"""Seeds that results are judged on; nothing is ever chosen by looking at them."""
FRESH_SEEDS = (3, 4)
"""Seeds that confirm what was noticed on the judged ones."""
PILOT_SEEDS = (100, 101, 102)
"""Seeds of pilot runs; seeds from 100 on are free for tuning."""


@dataclass(frozen=True)
class Config:
    """One run, resolved. Two runs are the same run when all fields and the code versions agree."""

    task: str  # name, with its range where it is not the default
    model: str  # objective and backbone
    profile: str  # the preset it came from
    seed: int  # of data, weights, batches, sampling noise
    role: str = "judged"  # "judged", or "pilot": a short run that forecasts may look at
    n_train: int = 100_000  # training trajectories
    n_samples: int = 20_000  # trajectories sampled and measured
    n_probe: int = 5_000  # fresh trajectories that the trained model redraws at each level
    width: int = 128  # channels of the backbone, at its narrowest
    blocks: int = 4  # residual or attention blocks; the U-Net has a fixed number
    steps: int = 8_000  # optimiser steps
    batch: int = 256  # trajectories per step
    lr: float = 2e-3  # peak learning rate
    heun_steps: int = 32  # noise levels of the sampler
    n_plans: int = 0  # paths planned between the end points of fresh demonstrations
    n_nearest: int = 0  # samples whose nearest training trajectory is looked for
    ema: float = 0.999  # decay of the moving average of weights
    normalisation: str = "channel"  # what is brought to unit size: "channel", "step" (and channel), or the "range"
    precision: str = "float32"  # of weights and their arithmetic, or "float64"
    sampler: str = "heun"  # or "euler", or "stochastic"
    noise_shift: float = 0.0  # added to the mean log noise level of training
    mitigation: str = ""  # strategy against the shift

    @property
    def key(self) -> str:
        """Hash of what differs from the defaults and of the versions of task, model and training.

        A field added later with a default that keeps the old meaning leaves old keys valid.
        """
        fields = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if getattr(self, f.name) != f.default}
        versions = [tasks.get(self.task).version, models.VERSIONS[self.model], TRAINING_VERSION]
        text = json.dumps([fields, versions], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:10]

    @property
    def changes(self) -> dict[str, Any]:
        """Fields that differ from what the profile says, in order."""
        usual = resolve(self.task, self.model, self.profile, self.seed, self.role == "pilot")
        mine, theirs = dataclasses.asdict(self), dataclasses.asdict(usual)
        return {name: value for name, value in mine.items() if value != theirs[name]}

    @property
    def command(self) -> str:
        """The command that makes this run."""
        options = "".join(f" --set {name}={value}" for name, value in self.changes.items())
        options += " --pilot" if self.role == "pilot" else ""
        return f"physlib run '{self.task}' --model {self.model} --profile {self.profile} --seed {self.seed}{options}"

    @property
    def expected_seconds(self) -> float:
        """Rough time on one core of the reference machine (two x86-64 cores, 24 GiB)."""
        train, evaluate = _SECONDS[self.model]
        probe = models.PROBES[self.model]
        each = 2 * self.heun_steps if probe is models.RENOISE else 1  # evaluations behind one sample
        passes = (self.n_samples + self.n_plans) * each
        passes += self.n_probe * len(probe.levels) * 0.4 * each  # redrawing starts on the way, below half on average
        longer = tasks.get(self.task).shape[0] / 16  # times are for 16 steps
        return 2 + longer * (train * self.steps * self.batch + evaluate * passes)


TRAINING_VERSION = 1  # raise by hand when training, sampling or probing changes meaning

_UNET_SECONDS = (2.4e-4, 4.8e-5)
_SECONDS = {  # per trajectory: step, evaluation
    "diffusion-mlp": (2.9e-5, 7e-6),
    "diffusion-unet": _UNET_SECONDS,
    "diffusion-transformer": (3.5e-4, 9e-5),
    "flow-mlp": (2.9e-5, 7e-6),
    "autoregressive-transformer": (3.5e-4, 2e-4),
    "vae-mlp": (2e-4, 1e-4),
    "planner-unet": _UNET_SECONDS,
}


_ATTENTION = {"n_samples": 10_000, "blocks": 3, "batch": 128, "steps": 4_000}
_MODEL_PRESETS: dict[str, dict[str, Any]] = {
    "diffusion-mlp": {},
    "diffusion-unet": {"width": 16, "batch": 128, "steps": 5_000},
    "diffusion-transformer": _ATTENTION | {"width": 48, "heun_steps": 16, "n_probe": 2_000},
    "flow-mlp": {"n_samples": 10_000, "n_probe": 2_000},
    "autoregressive-transformer": _ATTENTION | {"width": 64},
    "vae-mlp": {"n_samples": 10_000, "width": 256, "blocks": 2, "steps": 3_500, "lr": 4e-3},
    "planner-unet": {},  # what it is comes with the mazes
}

_SIMULATED_COMMON = {"n_train": 20_000, "n_samples": 8_000, "n_probe": 600, "heun_steps": 16}

_SIMULATED_UNET = _SIMULATED_COMMON | {"width": 16, "batch": 64, "steps": 2_500}

_SIMULATED_PRESETS: dict[str, dict[str, Any]] = {  # four times the steps in time: each step of training costs more
    "diffusion-mlp": _SIMULATED_COMMON | {"width": 256, "batch": 128, "steps": 3_000},
    "diffusion-unet": _SIMULATED_UNET,
    "planner-unet": _SIMULATED_UNET,
}

_ARM = {"n_samples": 3_000, "steps": 4_000}  # short trajectories: steps cost less

_SIMULATED_PAPER = {"steps": 10_000}  # otherwise as laptop: what changes is the length of training

_SIMULATED_SMOKE = {"n_train": 1_000, "n_samples": 200, "n_probe": 20, "steps": 20, "batch": 32, "heun_steps": 4}

_SMOKE = {"n_train": 20_000, "n_samples": 600, "n_probe": 60, "steps": 40, "batch": 32, "heun_steps": 5}

_PROFILE_PRESETS: dict[str, dict[str, dict[str, Any]]] = {
    "smoke": {
        "diffusion-mlp": {
            "n_train": 20_000,
            "n_samples": 3_000,
            "n_probe": 200,
            "steps": 200,
            "batch": 128,
            "heun_steps": 8,
        },
        "diffusion-unet": _SMOKE,
        "diffusion-transformer": _SMOKE,
        "flow-mlp": _SMOKE | {"steps": 200},
        "autoregressive-transformer": _SMOKE,
        "vae-mlp": _SMOKE | {"steps": 200},
    },
    "laptop": {},
    "paper": {
        "diffusion-mlp": {"n_train": 1_000_000, "steps": 80_000, "width": 256},
        "diffusion-unet": {"n_train": 1_000_000, "steps": 50_000, "width": 32},
    },
}
PROFILES = tuple(_PROFILE_PRESETS)


def seeds_of(profile: str, pilot: bool = False) -> tuple[int, ...]:
    """The seeds whose runs a page or the ledger uses; one of each kind on smoke."""
    seeds = PILOT_SEEDS if pilot else JUDGED_SEEDS
    return seeds[:1] if profile == "smoke" else seeds


def _choices(task: str, model: str, profile: str) -> dict[str, Any]:
    """What differs from the defaults, the more particular last."""
    usual, special = _MODEL_PRESETS[model], _PROFILE_PRESETS[profile].get(model, {})
    system = tasks.get(task)
    if not isinstance(system, tasks.Simulated):
        return usual | special
    plans = {"n_plans": 1_000} if _plans(system, model) else {}
    narrow = {"width": 8 if model.endswith("unet") else 32}
    smoke = _SIMULATED_SMOKE | narrow | dict.fromkeys(plans, 20) if profile == "smoke" else {}
    if smoke and isinstance(system, tasks.PointMaze):
        smoke["n_train"] = 50  # MuJoCo takes milliseconds for each
    longer = _SIMULATED_PAPER if profile == "paper" else {}
    arm = _ARM if isinstance(system, tasks.Arm) and model == "diffusion-mlp" else {}
    return usual | special | _SIMULATED_PRESETS.get(model, _SIMULATED_COMMON) | arm | plans | longer | smoke


def _plans(system: tasks.Task, model: str) -> bool:
    """Whether end points can be held: denoisers on mazes can."""
    return isinstance(system, tasks.Maze) and models.PROBES[model] is models.RENOISE


def _refuse(task: str, model: str, overrides: dict[str, Any]) -> None:
    """Raise for a choice that would be ignored, or fail after training."""
    denoiser = models.PROBES[model] is models.RENOISE
    known = {
        "heun_steps": denoiser,
        "sampler": model.startswith(("diffusion", "flow")),
        "noise_shift": model.startswith("diffusion"),
        "blocks": not model.endswith("unet"),
        "n_plans": _plans(tasks.get(task), model),
        "mitigation": model.startswith("diffusion"),
    }
    for name in overrides:
        if not known.get(name, True):
            raise PhyslibError(f"{name} means nothing for {model} on {task}: leave it out.")
    if overrides.get("mitigation"):
        mitigations.get(overrides["mitigation"])


def resolve(task: str, model: str, profile: str, seed: int, pilot: bool = False, **overrides: Any) -> Config:
    """The configuration of a run. A pilot takes a tenth of the profile's steps and is otherwise the same.

    `overrides` have the last word. Raises `PhyslibError` for an unknown task, model or profile, or a negative seed.
    """
    task = tasks.get(task).name
    if model not in _MODEL_PRESETS:
        raise unknown("model", model, _MODEL_PRESETS)
    if profile not in PROFILES:
        raise unknown("profile", profile, PROFILES)
    if model in models.PLANNERS and not (isinstance(tasks.get(task), tasks.Maze) and tasks.get(task).shape[1] == 2):
        raise PhyslibError(
            f"{model} plans between positions, which {task} is not made of: give a maze without a clock."
        )
    _refuse(task, model, overrides)
    if seed < 0:
        raise PhyslibError(f"seed {seed} is negative: give 0 or more.")
    choices = _choices(task, model, profile)
    if pilot:
        choices |= {"role": "pilot", "steps": choices.get("steps", Config.steps) // 10}
    if overrides.get("mitigation"):  # whose models see other trajectories than a probe or a plan holds
        choices |= {"n_probe": 0, "n_plans": 0}
    return Config(task, model, profile, seed, **choices | overrides)
