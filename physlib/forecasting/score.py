"""Scores of a forecast against samples."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from physlib.stats.distances import shift_r2, total_variation, tv_floor
from physlib.stats.histogram import flat_mass


class Skill(NamedTuple):
    """How well a forecast mass explains an observed one; NaN where it is not defined."""

    corr: float  # correlation of forecast and observed shift profiles over all K + 3 entries
    r2: float  # share of the observed shift's square explained, 1 is exact, below 0 worse than no shift
    sign: float  # share of significantly shifted bins whose direction is right
    skill: float  # 1 - distance to the forecast / distance to flat, noise taken out in quadrature


def score(counts: Int[np.ndarray, " M"], mass: Float[np.ndarray, " M"], draws: int) -> Skill:
    """Score a forecast `mass` made from `draws` draws against observed `counts`.

    The skill takes the expected sampling noise off both distances in quadrature, and is NaN where the
    shift is under twice its floor: there is then nothing to forecast.
    """
    n, flat = int(counts.sum()), flat_mass(len(mass) - 3)
    observed = counts / n
    shift, expected = observed - flat, mass - flat
    moving = float(np.std(expected)) > 1e-9
    corr = float(np.corrcoef(expected, shift)[0, 1]) if moving and np.std(shift) > 0 else float("nan")
    r2 = float(shift_r2(mass, observed))
    clear = np.abs(shift) > 2 * np.sqrt(flat * (1 - flat) / n)
    sign = float(np.mean(np.sign(expected[clear]) == np.sign(shift[clear]))) if clear.any() else float("nan")
    distance, floor = total_variation(observed, flat), tv_floor(flat, n)
    if distance < 2 * floor:
        return Skill(corr, r2, sign, float("nan"))
    left = max(0.0, total_variation(observed, mass) ** 2 - tv_floor(mass, n, draws) ** 2)
    return Skill(corr, r2, sign, 1 - float(np.sqrt(left / (distance**2 - floor**2))))
