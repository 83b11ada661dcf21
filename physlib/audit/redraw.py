"""When a reader's own model makes the shift: demonstrations redrawn by it from lower and higher noise levels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from physlib.audit.demonstrations import Demonstrations
from physlib.audit.io.read import Loaded
from physlib.core.errors import PhyslibError
from physlib.core.imports import find
from physlib.core.rng import numpy_rng
from physlib.stats.distances import shift_r2, total_variation, tv_floor
from physlib.tasks import Trajectories

LEVELS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 20.0)
"""Noise levels, shares of each column's standard deviation."""
FOLLOWED = 4_000  # demonstrations that are redrawn at most
LATE, EARLY = 0.2, 0.5  # decision levels up to, and from, which a shift counts as made late, or early
HALF = 0.5
Redraw = Callable[[Float[np.ndarray, "N T D"], float], Any]


@dataclass(frozen=True)
class Decision:
    """At which level half of the shift is made."""

    name: str  # of the function
    count: int  # demonstrations redrawn
    levels: tuple[float, ...]
    shares: tuple[float, ...]  # of the shift that each level brings back, noise taken off; NaN under twice the floor
    level: float | None  # where the share is one half, log-linear; None where there is no shift, or it never comes back

    @property
    def when(self) -> str:
        """late, in between or early; none where there is no level."""
        if self.level is None:
            return "none"
        return "late" if self.level <= LATE else "early" if self.level >= EARLY else "in between"


def read_redraw(redraw: str | Redraw | None) -> tuple[str, Redraw] | None:
    """The function and its name; `module:function` is imported, so its code runs. Raises `PhyslibError` for what is none."""
    if redraw is None:
        return None
    found = find(redraw) if isinstance(redraw, str) else redraw
    if not callable(found):
        raise PhyslibError(f"--redraw {redraw} is no function: give one that takes trajectories (N, T, D) and a level.")
    return (redraw if isinstance(redraw, str) else getattr(redraw, "__name__", "function")), found


def decide(demos: Demonstrations, drawn: Loaded, named: tuple[str, Redraw], seed: int) -> Decision:
    """Redraw demonstrations from each level and see how much of the samples' shift comes back.

    Raises `PhyslibError` in a sentence for a function that fails or returns something else than trajectories, and where
    episodes differ in length.
    """
    name, redraw = named
    if not demos.uniform:
        raise PhyslibError("--redraw needs episodes of one length and time step: resample them (--ragged resample).")
    rng, kept = numpy_rng(seed, "audit redraw"), len(demos.kept.x)
    data = demos.at(np.sort(rng.permutation(kept)[:FOLLOWED]))
    observed, reference = demos.bins.mass(drawn.q), demos.bins.reference
    size = 1 / (1 / len(drawn.q) + 1 / demos.counted.effective)
    before = demos.bins.index(data.q)
    clear = total_variation(observed, reference) >= 2 * tv_floor(reference, round(size))
    shares = []
    for level in LEVELS:
        after = demos.bins.index(demos.remeasure(_redrawn(name, redraw, data, level), data))
        net, noise = _flow(before, after, len(reference))
        share = shift_r2(reference + net, observed, size, noise, reference) if clear else np.nan
        shares.append(float(share))
    return Decision(name, len(data.q), LEVELS, tuple(shares), _half(shares))


def _redrawn(name: str, redraw: Redraw, data: Trajectories, level: float) -> Float[np.ndarray, "N T D"]:
    try:
        made = np.asarray(redraw(data.x.copy(), level), dtype=float)
    except Exception as error:  # a reader's code may raise anything
        raise PhyslibError(f"{name} failed at level {level:g} ({type(error).__name__}: {error}).") from None
    if made.shape != data.x.shape:
        raise PhyslibError(
            f"{name} returned an array of shape {made.shape} for trajectories {data.x.shape}: return the same shape."
        )
    if not np.isfinite(made).all():
        raise PhyslibError(f"{name} returned NaN or infinity at level {level:g}: return finite trajectories.")
    return made


def _flow(
    before: Int[np.ndarray, " N"], after: Int[np.ndarray, " N"], rows: int
) -> tuple[Float[np.ndarray, " M"], Float[np.ndarray, " M"]]:
    """Net change of each row's share, and its variance; trajectories that stay add no noise."""
    moved = before != after
    arrived, left = (np.bincount(part[moved], minlength=rows) for part in (after, before))
    return (arrived - left) / len(before), (arrived + left) / len(before) ** 2


def _half(shares: Sequence[float]) -> float | None:
    """The first level with half of the shift, log-linear between levels."""
    made = np.flatnonzero(np.asarray(shares) >= HALF)
    if not made.size:
        return None
    if (last := made[0]) == 0:
        return LEVELS[0]
    return float(np.exp(np.interp(HALF, shares[last - 1 : last + 1], np.log(LEVELS[last - 1 : last + 1]))))
