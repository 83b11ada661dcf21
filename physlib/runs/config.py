"""What a run is: every choice with its unit and remark."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from physlib import models, tasks

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
        versions = [tasks.get_task(self.task).version, models.VERSIONS[self.model], TRAINING_VERSION]
        text = json.dumps([fields, versions], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:10]

    @property
    def changes(self) -> dict[str, Any]:
        """Fields that differ from what the profile says, in order."""
        from physlib.runs.presets import resolve

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
        longer = tasks.get_task(self.task).shape[0] / 16  # times are for 16 steps
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
