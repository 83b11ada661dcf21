"""From a configuration to its training set and an untrained model (running layer)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from physlib import mitigations, models, tasks
from physlib.core.errors import PhyslibError, unknown
from physlib.core.rng import numpy_rng
from physlib.runs.config import Config

if TYPE_CHECKING:
    from physlib.mitigations import Change
    from physlib.models.base import TrajectoryModel

NORMALISATIONS = ("channel", "step", "range")
PRECISIONS = ("float32", "float64")


def training_data(config: Config) -> tasks.Trajectories:
    """What a run is trained on, drawn again."""
    return tasks.get_task(config.task).sample(config.n_train, numpy_rng(config.seed, "training data"))


def model_inputs(data: tasks.Trajectories, change: Change) -> Float[np.ndarray, "N T D"]:
    """What a model is trained on: demonstrations, or their codes, with what it is told behind them."""
    x = data.x if change.task is None else change.task.chart.encode(data.x)
    if change.told is not None:
        columns = np.broadcast_to(change.told[:, None], (*x.shape[:2], change.told.shape[1]))
        x = np.concatenate([x, columns], axis=2)
    return x if change.shown is None else x[change.shown]


def build_model(config: Config, data: np.ndarray, change: Change | None = None) -> TrajectoryModel:
    """A model for such data before training; weights follow from the seed. Raises `PhyslibError` for unknown names."""
    import torch

    change = change or mitigations.Change()
    if config.precision not in PRECISIONS:
        raise unknown("precision", config.precision, PRECISIONS)
    mean, std = _normalisation("step" if change.task else config.normalisation, data)  # codes differ from step to step
    steps = data.shape[1]
    options = {k: v for k in ("sampler", "noise_shift") if (v := getattr(config, k)) != getattr(Config, k)}
    if change.told is not None:
        options |= {"told": change.told.shape[1], "guidance": change.guidance}
    if change.penalty is not None:
        options["penalty"] = change.penalty
    seed = int(numpy_rng(config.seed, "weights").integers(2**62))
    with torch.random.fork_rng():  # layers initialise themselves from the global generator: lend it, then put it back
        torch.manual_seed(seed)
        model = models.build(config.model, mean, std, steps, config.width, config.blocks, config.heun_steps, **options)
    return model.double() if config.precision == "float64" else model


def _normalisation(name: str, data: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What to subtract and what to divide by."""
    if name not in NORMALISATIONS:
        raise unknown("normalisation", name, NORMALISATIONS)
    if name == "range":  # to [-1, 1]
        low, high = data.min(axis=(0, 1)), data.max(axis=(0, 1))
        return (low + high) / 2, (high - low) / 2
    axes = 0 if name == "step" else (0, 1)
    if not np.all(std := data.std(axis=axes)):
        raise PhyslibError(f"normalisation {name} divides by zero: a channel of the data does not vary there.")
    return data.mean(axis=axes), std
