"""What a run stores of its samples: a summary always, the samples themselves where a study reads them.

Arrays of the summary (`N` samples, `Q` quantities that the task does not balance):

- `counts`, `plausible_counts` `(10 K + 3,)` int32: histogram of the balanced quantity of all samples, and of those
  whose residual is below the task's threshold; ten fine bins in each of the K bins, between underflow and overflow,
  failed;
- `residual_quantiles` `(101,)`: quantiles 0, 1, ..., 100 % of the residual, relative to `task.scale`;
- `other_shift` `(Q,)`: total variation of each unbalanced quantity between samples and demonstrations; `other_mean`
  `(Q,)`: its mean over samples.

The record holds `n` (samples), `plausible` (their share below the threshold), `q_mean` and `q_mean_plausible` (means of
finite quantities, in the task's unit), `w1` and `ks` (distances of finite quantities from the prior) and `sha256`
of the bytes of `q` and `residual`.
"""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from physlib.stats.distances import distances_from_prior, quantile_shift, tv_floor
from physlib.stats.histogram import BINS
from physlib.tasks import Task

FINE = 10  # fine bins in each bin
COMPARED = 8_000  # most samples, and demonstrations, behind `other_shift`
Measured = dict[str, np.ndarray]


@dataclass(frozen=True)
class Keep:
    """What a run stores beyond its summary, its loss and its diagnostics; by default everything."""

    samples: bool = True  # `q` `(N,)` float32 of each sample
    residual: bool = True  # `residual` `(N,)` float16 of each
    others: bool = True  # `other/<name>` `(N,)` float16: quantities that the task does not balance
    condition: bool = True  # `asked` `(N,)` float32: the quantity that was requested of a conditional model
    weights: bool = True  # `weights/...`: averaged weights as bfloat16 words
    deviations: bool = True  # `probe_covariance` or `probe_spectrum`: second moments of what redrawing left
    nearest: bool = True  # `nearest_...` `(M,)`: distances to the training set
    representation: bool = True  # `chart/...`: weights of learned coordinates
    trajectories: int = 1_000  # first samples that are kept whole

    def chosen(self, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Those of a run's arrays that are stored."""
        optional = {"q": self.samples, "residual": self.residual, "other": self.others, "asked": self.condition}
        optional |= {"weights": self.weights, "chart": self.representation}
        optional |= dict.fromkeys(("probe_covariance", "probe_spectrum"), self.deviations)
        optional |= dict.fromkeys(("nearest_sample", "nearest_fresh"), self.nearest)
        kept = {name: values for name, values in arrays.items() if optional.get(name.partition("/")[0], True)}
        if "trajectories" in kept:
            kept["trajectories"] = kept["trajectories"][: self.trajectories]
        return kept


def measure(task: Task, x: Float[np.ndarray, "N T D"]) -> Measured:
    """Quantity, residual and unbalanced quantities of trajectories, in the precision in which they are stored."""
    with np.errstate(all="ignore"):  # a measurement that is not finite is counted as failed, not warned about
        found = {"q": task.measure(x).astype(np.float32), "residual": task.residual(x).astype(np.float16)}
        return found | {f"other/{name}": other(x).astype(np.float16) for name, other in task.others.items()}


def summarise(
    task: Task, measured: Measured, demonstrations: Float[np.ndarray, "N T D"]
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays and record of the summary of measured samples."""
    q, residual = measured["q"].astype(np.float64), measured["residual"]
    good = residual < task.info.threshold
    finite, fine = np.where(np.isnan(residual), np.inf, residual), task.prior.bins(FINE * BINS)
    arrays = {
        "counts": fine.counts(q).astype(np.int32),
        "plausible_counts": fine.counts(q[good]).astype(np.int32),
        "residual_quantiles": np.quantile(finite, np.linspace(0, 1, 101), method="nearest").astype(np.float32),
        "other_shift": np.array([_other_shift(task, name, measured, demonstrations) for name in task.others], "f4"),
        "other_mean": np.array([_mean(measured.get(f"other/{name}", np.empty(0))) for name in task.others], "f4"),
    }
    w1, ks = distances_from_prior(q, task.prior.quantile, task.prior.cdf)
    record = {
        "n": q.size,
        "plausible": float(good.mean()),
        "q_mean": _mean(q),
        "q_mean_plausible": _mean(q[good]),
        "w1": w1,
        "ks": ks,
        "sha256": hashlib.sha256(measured["q"].tobytes() + residual.tobytes()).hexdigest(),
    }
    return arrays, record


def _mean(values: Float[np.ndarray, " N"]) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # nothing finite: NaN
        return float(np.nanmean(values, dtype=np.float64))


def _other_shift(task: Task, name: str, measured: Measured, demonstrations: Float[np.ndarray, "N T D"]) -> float:
    """Total variation between as many samples as demonstrations, the expected sampling noise taken off in quadrature.

    NaN where the quantity was not measured or does not vary among demonstrations.
    """
    if f"other/{name}" not in measured:
        return float("nan")
    n = min(COMPARED, len(demonstrations), len(measured["q"]))
    reference = task.others[name](demonstrations[:n]).astype(np.float16).astype(np.float64)
    shift = quantile_shift(reference, measured[f"other/{name}"][:n].astype(np.float64))
    return float(np.sqrt(np.maximum(0, shift**2 - tv_floor(np.full(BINS, 1 / BINS), n, n) ** 2)))
