"""White error in the codes of another representation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from physlib.kernels.base import TrajectoryKernel
from physlib.tasks.representations import Chart


@dataclass(frozen=True)
class InRepresentation(TrajectoryKernel):
    """`x~ = x + decode(c + s S e) - decode(c)`, `c` the codes of x: what a model leaves that sees the codes.

    The difference takes off what decoding loses by itself. With the spread of each single code it is `Isotropic` on the
    task as `Recoded` by the chart.
    """

    name = "in-representation"
    chart: Chart
    spread: Float[np.ndarray, "T E"]  # S, standard deviation of each code
    s: float  # share of it

    def deviate(self, task, x, rng):
        codes = self.chart.encode(x)
        noisy = codes + self.s * self.spread * rng.standard_normal(codes.shape)
        return x + self.chart.difference(self.chart.decode(noisy), self.chart.decode(codes))
