"""The training loop, the only one; it fits any `TrajectoryModel`.

A run can be killed at any moment: the checkpoint holds everything the next step depends on (weights,
their moving average, optimiser, random state, step), is replaced atomically, and a resumed run ends
bit for bit where an uninterrupted one does on the same machine.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import math
import pickle
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from physlib.core.errors import PhyslibError
from physlib.core.files import write_atomic
from physlib.models.base import TrajectoryModel


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train."""

    steps: int  # optimiser steps
    batch: int = 256  # trajectories per step
    lr: float = 2e-3  # peak learning rate of AdamW
    warmup: int = 100  # steps of linear warm-up before the cosine
    weight_decay: float = 1e-2  # AdamW's, decoupled
    clip: float = 1.0  # largest norm of the gradient
    ema: float = 0.999  # decay of the moving average of weights, once warm
    log_every: int = 20  # steps averaged in one point of the loss curve
    checkpoint_every: float = 20.0  # seconds between checkpoints


@dataclass
class Record:
    """What training leaves besides the weights."""

    losses: list[float] = field(default_factory=list)  # mean loss of each `log_every` steps
    seconds: float = 0.0  # wall time of all sittings together


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """One intra-op thread: small networks run no slower, and sums keep one order (bitwise repeatable)."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def learning_rate(schedule: Schedule, step: int) -> float:
    """Linear warm-up, then a half cosine to zero at the last step."""
    warm = min(1.0, (step + 1) / max(schedule.warmup, 1))
    return schedule.lr * warm * 0.5 * (1 + math.cos(math.pi * step / schedule.steps))


def average_decay(schedule: Schedule, step: int) -> float:
    """Decay of the moving average, warm-started so that a short run does not average its own initial weights."""
    return min(schedule.ema, (1 + step) / (10 + step))


class _State:
    """Everything that the next step depends on, and its file."""

    def __init__(self, model: TrajectoryModel, schedule: Schedule, rng: torch.Generator):
        self.model, self.rng, self.step, self.record = model, rng, 0, Record()
        self.parameters = list(model.parameters())
        self.average: list[Tensor] = [p.detach().clone() for p in self.parameters]
        self.optimiser = torch.optim.AdamW(
            self.parameters, lr=schedule.lr, weight_decay=schedule.weight_decay, fused=True
        )

    def save(self, path: Path) -> None:
        state = {
            "model": self.model.state_dict(),
            "average": self.average,
            "optimiser": self.optimiser.state_dict(),
            "rng": self.rng.get_state(),
            "device": self.model.device.type,
            "step": self.step,
            "losses": self.record.losses,
            "seconds": self.record.seconds,
        }
        buffer = io.BytesIO()
        torch.save(state, buffer)
        write_atomic(path, hashlib.sha256(buffer.getvalue()).digest() + buffer.getvalue())

    def load(self, path: Path) -> None:
        data = path.read_bytes()
        damaged = PhyslibError(f"checkpoint {path} is damaged: delete it to train from the start.")
        if hashlib.sha256(data[32:]).digest() != data[:32]:
            raise damaged
        try:
            state = torch.load(io.BytesIO(data[32:]), map_location=self.model.device, weights_only=True)
            device = state["device"]
        except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, TypeError):
            raise damaged from None
        if device != self.model.device.type:
            raise PhyslibError(
                f"checkpoint {path} is from device {device}: go on there, or delete it to train from the start."
            )
        self.model.load_state_dict(state["model"])
        self.average = state["average"]
        self.optimiser.load_state_dict(state["optimiser"])
        self.rng.set_state(state["rng"].cpu())
        self.step = state["step"]
        self.record = Record(state["losses"], state["seconds"])


def fit(
    model: TrajectoryModel,
    x: Tensor,
    schedule: Schedule,
    rng: torch.Generator,
    checkpoint: Path | None = None,
    title: str = "training",
) -> Record:
    """Train `model` on trajectories `x` `(N, T, D)` and leave the averaged weights in it.

    Batches are drawn with replacement by `rng`, which also feeds the loss. With `checkpoint` given,
    progress is kept there, and a file found there is continued from. Raises `PhyslibError` for a
    damaged checkpoint, or when the loss is no longer finite.
    """
    state = _State(model, schedule, rng)
    if checkpoint is not None and checkpoint.exists():
        state.load(checkpoint)
    model.train()
    with one_thread(), tqdm(total=schedule.steps, initial=state.step, desc=title, leave=False, disable=None) as bar:
        _loop(state, x, schedule, checkpoint, bar)
    with torch.no_grad():
        for parameter, average in zip(state.parameters, state.average, strict=True):
            parameter.copy_(average)
    model.eval()
    return state.record


def _loop(state: _State, x: Tensor, schedule: Schedule, checkpoint: Path | None, bar: tqdm) -> None:
    running = torch.zeros((), device=x.device)
    sitting, saved = time.perf_counter(), time.perf_counter()
    while state.step < schedule.steps:
        for group in state.optimiser.param_groups:
            group["lr"] = learning_rate(schedule, state.step)
        rows = torch.randint(len(x), (schedule.batch,), generator=state.rng, device=x.device)
        loss = state.model.loss(x[rows], state.rng)
        state.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(state.parameters, schedule.clip)
        state.optimiser.step()
        with torch.no_grad():
            torch._foreach_lerp_(state.average, state.parameters, 1 - average_decay(schedule, state.step))
        state.step += 1
        running += loss.detach()
        bar.update()
        if state.step % schedule.log_every == 0:
            state.record.losses.append(mean := float(running) / schedule.log_every)
            running.zero_()
            bar.set_postfix(loss=f"{mean:.4f}")
            if not math.isfinite(mean):
                raise PhyslibError(f"the loss is not finite at step {state.step}: lower the learning rate.")
            # only on a logging step, where no part of a running mean is left outside the checkpoint
            if checkpoint is not None and time.perf_counter() - saved > schedule.checkpoint_every:
                saved = time.perf_counter()
                state.record.seconds += saved - sitting
                sitting = saved
                state.save(checkpoint)
    state.record.seconds += time.perf_counter() - sitting
