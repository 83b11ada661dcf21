"""A kernel pushed through the measurement: the forecast of a quantity's distribution, by Monte Carlo."""

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
from physlib.stats.histogram import Bins
from physlib.tasks import Population

ENTRIES = 1_600_000  # numbers pushed at once; memory does not grow with the number of draws
LEAST = 1_000  # draws below which every bin would be noise


@dataclass(frozen=True)
class Forecast:
    """What a kernel predicts that a model does to a quantity."""

    task: Population
    kernel: Kernel
    bins: Bins
    draws: int  # Monte Carlo size
    mass: Float[np.ndarray, " M"]  # forecast distribution: underflow, K bins, overflow, failed
    noise: Float[np.ndarray, " M"]  # variance of `mass` from the number of draws
    transition: Float[np.ndarray, "M M"]  # R[j, i]: share of the mass of row i that lands in row j
    drift: Float[np.ndarray, " K"]  # b(q), mean deviation of the quantity in each bin, its unit
    spread: Float[np.ndarray, " K"]  # v(q), half the mean square deviation, its unit squared
    mean_shift: float  # mean deviation over all draws that could be measured, its unit
    seconds: float  # wall time

    @property
    def shift(self) -> Float[np.ndarray, " M"]:
        """Forecast mass minus the intended one."""
        return self.mass - self.bins.reference

    def interval(self, n: int, level: float = 0.95) -> tuple[Float[np.ndarray, " M"], Float[np.ndarray, " M"]]:
        """Interval for the bin masses of one sample of size `n` from this very distribution.

        Monte Carlo and sampling noise only; the spread between training seeds is not in it.
        """
        half = norm.ppf((1 + level) / 2) * np.sqrt(self.mass * (1 - self.mass) / n + self.noise)
        return np.clip(self.mass - half, 0, 1), np.clip(self.mass + half, 0, 1)

    def main_transfers(self, count: int = 5) -> list[tuple[int, int, float]]:
        """The largest transfers of mass that do not cancel: from row i to row j, share of all mass; net, i != j."""
        flow = self.transition * self.bins.reference
        net = flow - flow.T
        order = np.argsort(net, axis=None)[::-1][:count]
        pairs = (np.unravel_index(flat, net.shape) for flat in order)
        return [(int(i), int(j), float(net[j, i])) for j, i in pairs if net[j, i] > 0]


def forecast(
    task: Population,
    kernel: Kernel,
    draws: int = 1_000_000,
    seed: int = 0,
    bins: Bins | None = None,
    progress: bool = False,
) -> Forecast:
    """Push `draws` trajectories of the task through the kernel and the measurement, by Monte Carlo.

    The forecast is the intended mass of `bins` (by default the task's own) times the transition matrix, so that what
    the number of draws in each bin happens to be adds no noise. Raises `PhyslibError` when `draws` is below 1,000.
    """
    if draws < LEAST:
        raise PhyslibError(f"{draws} draws are too few for a forecast: give at least {LEAST}.")
    bins = task.bins if bins is None else bins
    started, rng, width = time.perf_counter(), numpy_rng(seed, f"forecast {kernel.name}"), len(bins.reference)
    moves, (first, second, finite) = np.zeros((width, width)), np.zeros((3, width))
    chunk = max(LEAST, ENTRIES // int(np.prod(task.shape)))
    for start in tqdm(
        range(0, draws, chunk), desc=f"forecasting {task.name}", disable=None if progress else True, leave=False
    ):
        data = task.draw(min(chunk, draws - start), rng)
        moved = kernel.push(task, data, rng)
        origin, good = bins.index(data.q), np.isfinite(moved)
        moves += np.bincount(width * bins.index(moved) + origin, minlength=width * width).reshape(width, width)
        deviation = np.where(good, moved - data.q, 0)
        finite += np.bincount(origin, good, width)
        first += np.bincount(origin, deviation, width)
        second += np.bincount(origin, deviation**2, width)
    drawn = moves.sum(axis=0)
    moves[:, drawn == 0] = np.eye(width)[:, drawn == 0]  # rows that nothing was drawn from stay as they are
    transition = moves / moves.sum(axis=0)
    measured = np.maximum(finite, 1)
    return Forecast(
        task=task,
        kernel=kernel,
        bins=bins,
        draws=draws,
        mass=transition @ bins.reference,
        noise=(transition * (1 - transition)) @ (bins.reference**2 / np.maximum(drawn, 1)),
        transition=transition,
        drift=(first / measured)[1:-2],
        spread=(second / measured / 2)[1:-2],
        mean_shift=float(first.sum() / max(finite.sum(), 1)),
        seconds=time.perf_counter() - started,
    )
