"""A reader's own trajectories as a task, so that the kernels of the library apply to them (pages layer)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
from jaxtyping import Float

from physlib.audit.bins import Bins
from physlib.audit.io.read import Intake
from physlib.audit.quantities import Episodes, Quantity
from physlib.tasks import FiniteBankTask, TaskInfo
from physlib.tasks.base import Trajectories

WEIGHED = 5_000  # trajectories behind a typical weight


class Demonstrations(FiniteBankTask):
    """The kept trajectories stand for the law they came from: drawing means picking rows.

    There is no rule to be plausible by, and no flat prior: `lo` and `hi` are the outer edges of the bins.
    """

    family = "demonstrations"

    def __init__(self, intake: Intake, quantity: Quantity, bins: Bins, unit: str):
        self.intake, self.quantity, self.bins = intake, quantity, bins
        self.lo, self.hi = float(bins.edges[0]), float(bins.edges[-1])
        _, steps, dims = self.kept.x.shape
        self.info = TaskInfo(
            title=intake.name,
            rule="",
            quantity=quantity.name.replace("_", " "),
            symbol="q",
            unit=unit or "1",
            lo=self.lo,
            hi=self.hi,
            domain=(-np.inf, np.inf),
            steps=steps,
            dims=dims,
            nuisance="everything else about a demonstration",
            regime="",
            threshold=np.inf,
            threshold_reason="no rule is known",
            source="the reader",
        )

    @property
    def kept(self) -> Episodes:
        """The subset of trajectories that Monte Carlo draws from."""
        return self.intake.kept

    @property
    def scale(self) -> Float[np.ndarray, " D"]:
        """Standard deviation of each column over trajectories and steps."""
        return self.intake.scale

    @property
    def uniform(self) -> bool:
        """Whether all episodes have one length and one time step, so that any trajectory can be measured."""
        return bool(np.all(self.kept.steps == self.kept.x.shape[1]) and np.ptp(self.kept.dt) == 0)

    def typical(self, weight: Callable[[Demonstrations, np.ndarray], np.ndarray]) -> float:
        """Root mean square over demonstrations of a weight of trajectories `(N, T, D)`, found once."""
        if weight not in self._typical:
            self._typical[weight] = float(np.sqrt(np.mean(weight(self, self.kept.x[:WEIGHED]) ** 2)))
        return self._typical[weight]

    @cached_property
    def _typical(self) -> dict[Callable, float]:
        return {}

    def prior(self, n, rng):
        return self.draw(n, rng).q

    def nuisance(self, q, rng):
        """Rows whose quantity is nearest."""
        order = np.argsort(self.intake.kept_q)
        place = np.clip(np.searchsorted(self.intake.kept_q[order], q), 0, len(order) - 1)
        return order[place][:, None].astype(float)

    def generate(self, q, z):
        return self.kept.x[z[:, 0].astype(int)]

    def draw(self, n, rng):
        return self.at(rng.permutation(np.arange(n) % len(self.kept.x)))

    sample = draw

    def at(self, rows: np.ndarray) -> Trajectories:
        """Kept trajectories by their rows."""
        return Trajectories(self.kept.x[rows], self.intake.kept_q[rows], rows[:, None].astype(float))

    def measure(self, x):
        """The quantity of trajectories as long as the demonstrations. For episodes of unequal length: `measure_rows`."""
        first = Episodes(x, np.full(len(x), x.shape[1]), np.full(len(x), self.kept.dt[0]))
        return self.quantity.measure(first)

    def measure_rows(self, x: Float[np.ndarray, "M T D"], rows: np.ndarray) -> Float[np.ndarray, " M"]:
        """The quantity of deviated copies of kept trajectories, each as long as the one it came from; NaN if none."""
        _, steps, dt = (part[rows] for part in self.kept)
        if not self.uniform:  # the padding repeats the last real point
            last = np.minimum(np.arange(x.shape[1]), steps[:, None] - 1)
            x = np.take_along_axis(x, last[:, :, None], axis=1)
        with np.errstate(all="ignore"):
            return self.quantity.measure(Episodes(x, steps, dt))

    def residual(self, x):
        """Nobody has told the rule: NaN."""
        return np.full(len(x), np.nan)
