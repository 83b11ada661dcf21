"""What a run is: every choice, with its unit."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass

from physlib.mitigations import get as get_mitigation
from physlib.models import get_model
from physlib.tasks import get_task

TRAINING_VERSION = 1  # raise by hand when training, sampling or probing changes meaning
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
    n_decision: int = 0  # fresh trajectories whose every reading is followed as the trained model redraws them
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
        """Hash of what differs from the defaults and of the versions of task, model, training and mitigation.

        A field added later with a default that keeps the old meaning leaves old keys valid, and so does a mitigation
        of version 1.
        """
        fields = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if getattr(self, f.name) != f.default}
        versions = [get_task(self.task).version, get_model(self.model).version, TRAINING_VERSION]
        if self.mitigation and (version := get_mitigation(self.mitigation).version) > 1:
            versions.append(version)
        text = json.dumps([fields, versions], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:10]
