"""What a run is: every choice with its unit and remark, and presets that list only differences (running layer)."""

from __future__ import annotations

from typing import Any

from physlib import mitigations, models, tasks
from physlib.core.errors import PhyslibError, unknown
from physlib.runs.config import JUDGED_SEEDS, PILOT_SEEDS, Config

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
    system = tasks.get_task(task)
    if not isinstance(system, tasks.FiniteBankTask):
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
        "n_plans": _plans(tasks.get_task(task), model),
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
    task = tasks.get_task(task).name
    if model not in _MODEL_PRESETS:
        raise unknown("model", model, _MODEL_PRESETS)
    if profile not in PROFILES:
        raise unknown("profile", profile, PROFILES)
    if model in models.PLANNERS and not (
        isinstance(tasks.get_task(task), tasks.Maze) and tasks.get_task(task).shape[1] == 2
    ):
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
