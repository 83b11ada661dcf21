"""The 1-Wasserstein distance between samples on a line: the area between their cumulative shares."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

SINGLE = 1_000  # values at either end that have a cell of their own: a heavy tail is made of these
CELLS = 2_000  # cells of the values between


class Cells(NamedTuple):
    """Places on the line that two samples are summed over."""

    edges: Float[np.ndarray, " C"]  # the largest value of each cell
    below: Float[
        np.ndarray, " C"
    ]  # mean difference of cumulative shares on the way to the next edge; 0 behind the last
    widths: Float[np.ndarray, " C"]  # that way

    def index(self, values: Float[np.ndarray, " N"]) -> Int[np.ndarray, " N"]:
        """Cell of each value."""
        return np.searchsorted(self.edges, values)

    @property
    def distance(self) -> float:
        """The distance, exact wherever the difference keeps its sign within a cell."""
        return float(np.abs(self.below) @ self.widths)


def transport_cells(first: Float[np.ndarray, " N"], second: Float[np.ndarray, " N2"]) -> Cells:
    """Cells of two finite samples: every distinct value one of its own, or only those at the ends where there are many.

    Within a cell the difference of the cumulative shares is integrated exactly.
    """
    values = np.unique(np.concatenate([first, second]))
    shares = [np.searchsorted(np.sort(part), values, side="right") / len(part) for part in (first, second)]
    gap, ways = shares[1] - shares[0], np.diff(values, append=values[-1])
    count = len(values)
    places = np.arange(count)
    if count > 2 * SINGLE + CELLS:
        inner = np.linspace(SINGLE, count - SINGLE, CELLS).astype(int)
        places = np.unique(np.concatenate([np.arange(SINGLE), inner, np.arange(count - SINGLE, count)]))
    widths = np.add.reduceat(ways, places)
    area = np.add.reduceat(gap * ways, places)
    return Cells(values[places], area / np.where(widths > 0, widths, 1), widths)
