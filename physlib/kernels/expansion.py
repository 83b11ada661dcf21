"""Second-order expansion: drift and spread from gradients and Hessians, no sampling of deviations (kernels layer).

For a small Gaussian deviation of covariance S about x, `E[m(x~) - m(x)] = tr(S Hess m) / 2` and
`E[(m(x~) - m(x))^2] = grad m' S grad m` to second order. Averaged given q they are the drift b(q) and
twice the spread v(q), and for a flat prior the density away from the edges is
`p (1 - db/dq + d2v/dq2)`. Jumps of the prior at the ends of the range are beyond it, so the whole
histogram uses the Gaussian law with the same two moments.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from jaxtyping import Float

from physlib.core.rng import numpy_rng
from physlib.kernels.base import QuantityKernel
from physlib.tasks.base import Task

LONG = 32  # steps beyond which traces are estimated, from fewer trajectories
PROBES = 32  # random directions of that estimate


def local_moments(
    task: Task,
    x: Float[np.ndarray, "N T D"],
    root: Float[np.ndarray, "TD J"],
    probes: Float[np.ndarray, "J I"] | None = None,
    chunk: int = 1_000,
) -> tuple[Float[np.ndarray, " N"], Float[np.ndarray, " N"]]:
    """`tr(S Hess m) / 2` and `grad m' S grad m` at each trajectory, for `S = root root'` in data units.

    Gradients, and Hessian-vector products along the columns of `root`, by `torch.func`. With `probes`, whose
    columns are independent signs, the trace is Hutchinson's estimate from as many products as there are columns.
    """
    import torch
    from torch.func import grad, jvp, vmap

    columns = torch.as_tensor(root if probes is None else root @ probes / np.sqrt(probes.shape[1])).T

    def along(flat, column):
        return jvp(grad(_flat_measure(task)), (flat,), (column,))[1] @ column

    curvature = vmap(vmap(along, in_dims=(None, 0)), in_dims=(0, None))
    parts = torch.as_tensor(x.reshape(len(x), -1)).split(chunk)
    drift = torch.cat([curvature(part, columns) for part in parts]).sum(dim=1) / 2
    return drift.numpy(), square_slope(task, x, root)


def square_slope(
    task: Task, x: Float[np.ndarray, "N T D"], root: Float[np.ndarray, "TD J"], chunk: int = 10_000
) -> Float[np.ndarray, " N"]:
    """`grad m' S grad m` at each trajectory, for `S = root root'` in data units, by `torch.func`."""
    import torch
    from torch.func import grad, vmap

    slope, whole = vmap(grad(_flat_measure(task))), torch.as_tensor(root)
    parts = torch.as_tensor(x.reshape(len(x), -1)).split(chunk)
    return torch.cat([slope(part) @ whole for part in parts]).square().sum(dim=1).numpy()


def _flat_measure(task: Task) -> Callable[[Any], Any]:
    return lambda flat: task.measure(flat.reshape(task.shape))


@lru_cache(maxsize=16)
def unit_moments(
    task: Task, draws: int = 20_000, knots: int = 60
) -> tuple[Float[np.ndarray, " J"], Float[np.ndarray, " J"], Float[np.ndarray, " J"]]:
    """`q`, and drift and mean square deviation there for an isotropic deviation with s = 1; they scale with `s^2`."""
    steps = task.shape[0]
    rng, probes = numpy_rng(0, f"expansion {task.name}"), None
    data = task.draw(draws // 10 if steps > LONG else draws, rng)
    if steps > LONG:  # the exact trace costs the square of the entries of a trajectory
        probes = rng.choice([-1.0, 1.0], (data.x[0].size, PROBES))
    drift, square = local_moments(task, data.x, np.diag(np.tile(task.scale, steps)), probes)
    groups = np.array_split(np.argsort(data.q), knots)
    return tuple(np.array([values[group].mean() for group in groups]) for values in (data.q, drift, square))


@dataclass(frozen=True)
class Expansion(QuantityKernel):
    """Gaussian closure of the isotropic kernel: `q~ ~ N(q + b, 2 v - b^2)` with second-order moments."""

    name = "expansion"
    s: float  # share of each channel's standard deviation

    def push(self, task, data, rng):
        q, drift, square = unit_moments(task)
        b = self.s**2 * np.interp(data.q, q, drift)
        variance = self.s**2 * np.interp(data.q, q, square) - b**2
        return data.q + b + np.sqrt(np.clip(variance, 0, None)) * rng.standard_normal(data.q.shape)
