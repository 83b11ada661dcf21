"""A configuration as objects: task, demonstrations, what a strategy changes, the untrained model, and what is sampled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from physlib import mitigations
from physlib.core.errors import PhyslibError, unknown
from physlib.core.rng import numpy_rng
from physlib.mitigations import Change
from physlib.models import ModelRow, build, get_model
from physlib.runs.config import Config
from physlib.runs.store import Result
from physlib.tasks import Task, Trajectories, get_task
from physlib.tasks.speech import SCRIPT, unsaid
from physlib.tasks.video import SHOWN

if TYPE_CHECKING:
    from physlib.models.base import TrajectoryModel

NORMALISATIONS = ("channel", "step", "range", "whole")
PRECISIONS = ("float32", "float64")


@dataclass(frozen=True)
class Setup:
    """What a run is made from; names are resolved here and nowhere after."""

    config: Config
    task: Task
    model: ModelRow
    data: Trajectories  # demonstrations
    change: Change  # what the strategy changes

    @property
    def title(self) -> str:
        """The run in a few words, for progress bars."""
        return f"{self.task.name} {self.model.name} seed {self.config.seed}"

    def inputs(self) -> Float[np.ndarray, "N T DC"]:
        """Training data: demonstrations, or their codes, with the numbers of a condition behind their channels."""
        change, x = self.change, (self.data if self.change.data is None else self.change.data).x
        if change.task is not None:
            x = change.task.chart.encode(x)
        known = [self.data.z[:, :SCRIPT]] if self.model.parts else []
        known += [] if change.condition is None else [change.condition]
        if known:
            x = with_numbers(x, np.concatenate(known, axis=1))
        return x if change.train_rows is None else x[change.train_rows]

    def untrained(self, inputs: Float[np.ndarray, "N T DC"]) -> TrajectoryModel:
        """A model for such training data; initial weights follow from the seed. Raises `PhyslibError` for unknown names."""
        import torch

        config, change = self.config, self.change
        if config.precision not in PRECISIONS:
            raise unknown("precision", config.precision, PRECISIONS)
        # codes differ from step to step
        mean, std = _normalisation("step" if change.task else config.normalisation, inputs)
        options = {k: v for k in ("sampler", "noise_shift") if (v := getattr(config, k)) != getattr(Config, k)}
        if change.condition is not None:
            options |= {"numbers": change.condition.shape[1], "guidance": change.guidance}
        if change.penalty is not None:
            options["penalty"] = change.penalty
        seed, size = int(numpy_rng(config.seed, "weights").integers(2**62)), (config.width, config.blocks)
        with (
            torch.random.fork_rng()
        ):  # layers initialise themselves from the global generator: lend it, then put it back
            torch.manual_seed(seed)
            model = build(self.model.name, mean, std, inputs.shape[1], *size, config.heun_steps, **options)
        return model.double() if config.precision == "float64" else model

    def known(self) -> int | Float[np.ndarray, "N ..."]:
        """What the model is to know of its samples, see `TrajectoryModel.sample`.

        The end points of fresh demonstrations for a planner, their first frames, texts, the numbers that the strategy
        requests, or nothing but how many there are.
        """
        n, seed = self.config.n_samples, self.config.seed
        asked = [self.change.requested(n, numpy_rng(seed, "asked"))] if self.change.requested else []
        if self.model.plans:
            return end_points(self.task.sample(n, numpy_rng(seed, "ends")).x)
        if self.model.continues:
            return first_frames(self.task.sample(n, numpy_rng(seed, "first frames")).x)
        if self.model.parts:
            asked = [unsaid(n, numpy_rng(seed, "texts")), *asked]
        return np.concatenate(asked, axis=1) if asked else n


def prepare(config: Config, earlier: Sequence[Result]) -> Setup:
    """The objects of a configuration, from the results of the runs that its strategy depends on."""
    task, change = get_task(config.task), Change()
    data = _demonstrations(task, config)
    if config.mitigation:
        rng = numpy_rng(config.seed, f"mitigation {config.mitigation}")
        seen = [result["q"].astype(float) for result in earlier]
        change = mitigations.get(config.mitigation).change(task, data, seen, rng)
    return Setup(config, task, get_model(config.model), data, change)


def training_data(config: Config) -> Trajectories:
    """The demonstrations of a run, drawn again."""
    return _demonstrations(get_task(config.task), config)


def _demonstrations(task: Task, config: Config) -> Trajectories:
    return task.sample(config.n_train, numpy_rng(config.seed, "training data"))


def end_points(x: Float[np.ndarray, "N T D"]) -> Float[np.ndarray, "N T D"]:
    """The first and last position of paths, everything else NaN."""
    known = np.full_like(x, np.nan)
    known[:, [0, -1], :2] = x[:, [0, -1], :2]
    return known


def first_frames(x: Float[np.ndarray, "N T D"]) -> Float[np.ndarray, "N T D"]:
    """The frames of clips that a model is given, everything else NaN."""
    known = np.full_like(x, np.nan)
    known[:, :SHOWN] = x[:, :SHOWN]
    return known


def with_numbers(x: Float[np.ndarray, "N T D"], numbers: Float[np.ndarray, "N C"]) -> Float[np.ndarray, "N T DC"]:
    """Numbers of each trajectory behind its channels, the same at every step."""
    return np.concatenate([x, np.broadcast_to(numbers[:, None], (*x.shape[:2], numbers.shape[1]))], axis=2)


def _normalisation(name: str, data: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What to subtract and what to divide by."""
    if name not in NORMALISATIONS:
        raise unknown("normalisation", name, NORMALISATIONS)
    if name == "range":  # to [-1, 1]
        low, high = data.min(axis=(0, 1)), data.max(axis=(0, 1))
        return (low + high) / 2, (high - low) / 2
    if name == "whole":  # one mean and one deviation for pixels, which lie beside each other
        return np.full(data.shape[2], data.mean()), np.full(data.shape[2], data.std())
    axes = 0 if name == "step" else (0, 1)
    if not np.all(std := data.std(axis=axes)):
        raise PhyslibError(f"normalisation {name} divides by zero: a channel of the data does not vary there.")
    return data.mean(axis=axes), std
