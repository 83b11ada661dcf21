"""Scores of a forecast against samples, the sampling noise of both sides taken off."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from physlib.stats.distances import shift_r2, total_variation, tv_beyond, tv_floor


class Score(NamedTuple):
    """How well a forecast mass explains an observed one; NaN where it is not defined."""

    corr: float  # correlation of forecast and observed shift over all K + 3 rows
    r2: float  # share of the observed shift's square explained, 1 is exact, below 0 worse than no shift
    r2_inner: float  # the same over bins 2 to K - 1 alone, where a prior's hard ends are not
    sign: float  # share of significantly shifted rows whose direction is right
    skill: float  # 1 - distance to the forecast / distance to the intended mass


def score(
    counts: Int[np.ndarray, " M"],
    mass: Float[np.ndarray, " M"],
    noise: float | Float[np.ndarray, " M"] = 0.0,
    reference: Float[np.ndarray, " M"] | None = None,
) -> Score:
    """Score a forecast `mass`, whose rows have variance `noise` from its own draws, against observed `counts`.

    `reference` is the intended mass, flat where none is given. Noise is taken off every norm and distance, and what is
    left is not clipped: a perfect forecast scores 1 in the mean whatever the number of samples or draws. R2 and skill
    are NaN where the shift is under twice what sampling alone makes of it.
    """
    n = int(counts.sum())
    flat = np.concatenate([[0], np.full(len(mass) - 3, 1 / (len(mass) - 3)), [0, 0]])
    reference = flat if reference is None else reference
    observed, noise = counts / n, np.broadcast_to(noise, np.shape(mass))
    shift, expected = observed - reference, mass - reference
    moving = float(np.std(expected)) > 1e-9
    corr = float(np.corrcoef(expected, shift)[0, 1]) if moving and np.std(shift) > 0 else float("nan")
    clear = np.abs(shift) > 2 * np.sqrt(np.maximum(reference * (1 - reference), 1 / n) / n)
    sign = float(np.mean(np.sign(expected[clear]) == np.sign(shift[clear]))) if clear.any() else float("nan")
    inner = slice(2, len(mass) - 3)
    r2 = [float(shift_r2(mass, observed, n, noise, reference, rows)) for rows in (slice(None), inner)]
    return Score(corr, *r2, sign, _skill(observed, mass, n, noise, reference))


def _skill(observed, mass, n: int, noise, reference) -> float:
    """`1 - left / shift`, the noise taken off the square of both; a negative rest counts as a negative distance."""
    if total_variation(observed, reference) < 2 * tv_floor(reference, n):
        return float("nan")
    shift = tv_beyond(observed, reference, reference * (1 - reference) / n)
    left = tv_beyond(observed, mass, mass * (1 - mass) / n + noise)
    return 1 - float(np.sign(left) * np.sqrt(abs(left) / shift))
