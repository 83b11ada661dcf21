"""Fixed-step integration of ordinary differential equations, many trajectories at once (ground layer)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import array_api_compat
from scipy.integrate import DOP853

ORDER = 8
"""Order of the method: halving the step divides the error by 2^8."""


def step(rate: Callable[[Any], Any], y: Any, h: float) -> Any:
    """One step of length `h` of the 12-stage method of order 8 of Dormand and Prince.

    `rate` is the autonomous right-hand side, array in, array of the same shape out; NumPy or PyTorch.
    Coefficients are SciPy's: E. Hairer, S. P. Norsett, G. Wanner, Solving Ordinary Differential Equations I, section II.5.
    """
    stages = [rate(y)]
    for row in DOP853.A[1 : DOP853.n_stages]:
        stages.append(rate(y + h * _combine(row, stages)))
    return y + h * _combine(DOP853.B, stages)


def _combine(weights: Any, stages: list[Any]) -> Any:
    """Weighted sum of stages, skipping the zeros that make up half of the tableau."""
    return sum(float(w) * k for w, k in zip(weights, stages, strict=False) if w)


def integrate(rate: Callable[[Any], Any], y: Any, dt: float, steps: int, substeps: int = 1) -> Any:
    """States at `0, dt, ..., (steps - 1) dt`, stacked on a new first axis; each `dt` is `substeps` equal steps."""
    path = [y]
    for _ in range(steps - 1):
        for _ in range(substeps):
            y = step(rate, y, dt / substeps)
        path.append(y)
    return array_api_compat.array_namespace(y).stack(path)
