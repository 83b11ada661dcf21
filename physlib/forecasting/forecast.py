"""A kernel pushed through the measurement becomes a forecast; a forecast is scored against samples (theory layer)."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.stats import norm
from tqdm import tqdm

from physlib.core.errors import PhyslibError
from physlib.core.rng import numpy_rng
from physlib.kernels import Kernel
from physlib.stats.histogram import BINS, bin_index, flat_mass
from physlib.tasks import Task

CHUNK = 100_000  # trajectories pushed at once; memory does not grow with the number of draws


@dataclass(frozen=True)
class Forecast:
    """What a kernel says a model will do to the balanced quantity."""

    task: Task
    kernel: Kernel
    draws: int  # Monte Carlo size
    mass: Float[np.ndarray, " M"]  # forecast distribution: underflow, K bins, overflow, failed
    transition: Float[np.ndarray, "M K"]  # R[j, i]: share of the mass of bin i that lands in row j
    drift: Float[np.ndarray, " K"]  # b(q), mean deviation of the quantity in each bin, its unit
    spread: Float[np.ndarray, " K"]  # v(q), half the mean square deviation, its unit squared
    seconds: float  # wall time

    @property
    def bins(self) -> int:
        """K."""
        return len(self.drift)

    @property
    def shift(self) -> Float[np.ndarray, " M"]:
        """Forecast mass minus the intended flat one."""
        return self.mass - flat_mass(self.bins)

    def interval(self, n: int, level: float = 0.95) -> tuple[Float[np.ndarray, " M"], Float[np.ndarray, " M"]]:
        """Interval for the bin masses of one sample of size `n` from this very law.

        Monte Carlo and sampling noise only; the spread between training seeds is not in it.
        """
        half = norm.ppf((1 + level) / 2) * np.sqrt(self.mass * (1 - self.mass) * (1 / n + 1 / self.draws))
        return np.clip(self.mass - half, 0, 1), np.clip(self.mass + half, 0, 1)

    def main_transfers(self, count: int = 5) -> list[tuple[int, int, float]]:
        """The largest transfers of mass that do not cancel: from bin i to row j, share of all mass; net, i != j."""
        flow = self.transition / self.bins
        net = flow.copy()
        net[1 : self.bins + 1] -= flow[1 : self.bins + 1].T
        order = np.argsort(net, axis=None)[::-1][:count]
        pairs = (np.unravel_index(flat, net.shape) for flat in order)
        return [(int(i), int(j), float(net[j, i])) for j, i in pairs if net[j, i] > 0]


def forecast(
    task: Task, kernel: Kernel, draws: int = 1_000_000, seed: int = 0, bins: int = BINS, progress: bool = False
) -> Forecast:
    """Push `draws` trajectories of the task through the kernel and the measurement, by Monte Carlo.

    Raises `PhyslibError` when `draws` is below 1,000, where every bin would be noise.
    """
    if draws < 1_000:
        raise PhyslibError(f"{draws} draws are too few for a forecast: give at least 1000.")
    started, rng = time.perf_counter(), numpy_rng(seed, f"forecast {kernel.name}")
    counts = np.zeros((bins + 3, bins), dtype=np.int64)
    first, second, finite = np.zeros((3, bins))
    for start in tqdm(range(0, draws, CHUNK), desc=f"forecasting {task.name}", disable=not progress, leave=False):
        data = task.draw(min(CHUNK, draws - start), rng)
        moved = kernel.push(task, data, rng)
        before = bin_index(data.q, task.lo, task.hi, bins) - 1
        np.add.at(counts, (bin_index(moved, task.lo, task.hi, bins), before), 1)
        good = np.isfinite(moved)
        delta = np.where(good, moved - data.q, 0)
        finite += np.bincount(before, good, bins)
        first += np.bincount(before, delta, bins)
        second += np.bincount(before, delta**2, bins)
    finite = np.maximum(finite, 1)
    transition = counts / counts.sum(axis=0)
    return Forecast(
        task=task,
        kernel=kernel,
        draws=draws,
        # the prior's bins weigh the same exactly; using their sampled counts would only add noise
        mass=transition.mean(axis=1),
        transition=transition,
        drift=first / finite,
        spread=second / finite / 2,
        seconds=time.perf_counter() - started,
    )
