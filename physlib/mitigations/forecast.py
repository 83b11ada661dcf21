"""What a kernel forecasts of a mitigation before anything is trained with it."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from physlib.kernels import Kernel
from physlib.mitigations.base import Change, Quantities, within
from physlib.mitigations.strategies import get
from physlib.tasks import Task, Trajectories


def forecast_mitigation(
    name: str,
    task: Task,
    kernel: Kernel,
    rng: np.random.Generator,
    known: Change | None = None,
    draws: int = 100_000,
) -> Float[np.ndarray, " M"] | None:
    """Forecast mass of a run with the strategy of that name; `None` where the kernel has nothing to say of it.

    Runs that the strategy depends on are forecast by the kernel too. `known` is the change itself where it
    was made before, as learned coordinates are.
    """
    data = task.draw(draws if task.can_regenerate else min(draws, task.BANK), rng)
    q = _pushed(name, task, data, kernel, rng, known)
    return None if q is None else task.bins.mass(q)


def _pushed(
    name: str,
    task: Task,
    data: Trajectories,
    kernel: Kernel,
    rng: np.random.Generator,
    known: Change | None,
) -> Quantities | None:
    """The quantity of what a model with the strategy is expected to make; an empty name is the model without any."""
    if not name:
        return kernel.push(task, data, rng)
    strategy = get(name)
    expected = strategy.expected(kernel)
    if expected is None:
        return None
    seen = [_pushed(earlier, task, data, kernel, rng, None) for earlier in strategy.after]
    change = known or strategy.change(task, data, seen, rng)
    if change.selected is not None:
        return seen[0][change.selected]
    if change.wider is not None:
        q = expected.push(change.wider, change.data, rng)
        return q[within(task, q)]
    train = data if change.train_rows is None else Trajectories(*(part[change.train_rows] for part in data))
    if change.task is None:
        return expected.push(task, train, rng)
    return expected.push(change.task, change.task.encoded(train), rng)
