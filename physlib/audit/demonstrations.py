"""A reader's own trajectories as a population that the library's kernels apply to."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from physlib.audit.groups import groups_of
from physlib.audit.io.episodes import Episodes, hold_last
from physlib.audit.io.read import Loaded
from physlib.core.rng import numpy_rng
from physlib.stats.clusters import GroupedCounts, merged
from physlib.stats.histogram import BINS, Bins
from physlib.tasks import Population, Trajectories
from physlib.tasks.quantities import Quantity

DRAWS = 20_000  # trajectories behind a forecast, fewer where fewer are kept
PER_BIN = 10  # trajectories that a bin has at least, where that leaves four bins


class Demonstrations(Population):
    """The kept trajectories stand for the distribution they came from: drawing means picking rows.

    The range of the quantity, `lo` to `hi`, is that of the bins; `z` of trajectories drawn holds their rows. Where the
    quantity has no value, that is a row of the histogram like any other.
    """

    name = "demonstrations"

    def __init__(self, loaded: Loaded, quantity: Quantity, unit: str = ""):
        self.loaded, self.quantity, self.unit = loaded, quantity, unit
        few = min(BINS, max(4, len(loaded.finite) // PER_BIN))
        edges = Bins.of_sample(loaded.finite, few).edges
        self.bins = Bins(edges, Bins(edges, np.zeros(len(edges) + 2)).mass(loaded.q))
        self.lo, self.hi = float(edges[0]), float(edges[-1])
        groups = groups_of(loaded)
        self.units = None if groups is None else merged(groups, numpy_rng(0, "audit units"))  # independent ones, by row
        self.counted = GroupedCounts.of(self.bins.index(loaded.q), self.bins.count + 3, self.units)
        self.scale, self.shape = loaded.scale, self.kept.x.shape[1:]

    @property
    def kept(self) -> Episodes:
        """The subset of trajectories that Monte Carlo draws from."""
        return self.loaded.kept

    @property
    def title(self) -> str:
        """Name of the quantity in words."""
        return self.quantity.name.replace("_", " ")

    @property
    def label(self) -> str:
        """The quantity with its unit, for an axis."""
        return f"{self.title} ({self.unit})" if self.unit else self.title

    @property
    def draws(self) -> int:
        """How many trajectories a forecast deviates."""
        return int(np.clip(len(self.kept.x), 2_000, DRAWS))

    @property
    def uniform(self) -> bool:
        """Whether all episodes have one length and one time step, so that any trajectory can be measured."""
        return bool(np.all(self.kept.steps == self.shape[0]) and np.ptp(self.kept.dt) == 0)

    def draw(self, n, rng):
        """Kept trajectories, each as often as any other up to one."""
        return self.at(np.resize(rng.permutation(len(self.kept.x)), n))

    def at(self, rows: Int[np.ndarray, " M"]) -> Trajectories:
        """Kept trajectories by their rows."""
        return Trajectories(self.kept.x[rows], self.loaded.kept_q[rows], rows[:, None].astype(float))

    def measure(self, x):
        """The quantity of trajectories as long as the demonstrations. For episodes of unequal length: `remeasure`."""
        return self.quantity.measure(x, None, self.kept.dt[0])

    def remeasure(self, x, data) -> Float[np.ndarray, " N"]:
        """The quantity of altered copies of kept trajectories, each as long as the one it came from."""
        if self.uniform:
            return self.measure(x)
        _, steps, dt = (part[data.z[:, 0].astype(int)] for part in self.kept)
        return self.quantity.measure(hold_last(x, steps), steps, dt)
