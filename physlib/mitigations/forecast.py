"""What a kernel forecasts of a mitigation before anything is trained with it."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from physlib.kernels import Kernel
from physlib.mitigations.base import Change, Quantities
from physlib.mitigations.strategies import get
from physlib.tasks import FiniteBankTask, Task, Trajectories


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
    data = task.draw(min(draws, task.BANK) if isinstance(task, FiniteBankTask) else draws, rng)
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
    if change.kept is not None:
        return seen[0][change.kept]
    shown = data if change.shown is None else Trajectories(*(part[change.shown] for part in data))
    if change.task is None:
        return expected.push(task, shown, rng)
    return expected.push(change.task, change.task.encoded(shown), rng)
