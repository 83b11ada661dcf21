"""When a trained model decides each reading of a trajectory: histograms as it redraws fresh data from further and further.

Arrays (`Q` readings of the task that vary among demonstrations, `L` decision levels of the model's probe, `M = K + 3`
rows of a histogram, int32). Bins are the prior's for the balanced quantity, by whatever estimator, and of equal
probability among demonstrations for the others:

- `reading_reference`, `reading_counts` `(Q, M)`: of demonstrations, and of the model's samples;
- `decision_net` `(L, Q, M)`: fresh trajectories that redrawing brought into a row less those that it took out;
- `decision_moved` `(L, Q, M)`: both together, the variance of the former.

The record holds `readings`, their names in order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int

from physlib.core.rng import numpy_rng, torch_rng
from physlib.models import Probe
from physlib.runs.config import Config
from physlib.runs.diagnostics import CHUNK
from physlib.stats.histogram import BINS, Bins
from physlib.tasks import Task
from physlib.tasks.readings import Reading, readings

if TYPE_CHECKING:
    from physlib.models.base import TrajectoryModel

REFERENCE = 400_000  # demonstrations behind a reference, where they can be made at will
SHORT, ENOUGH = 16, 2.0
"""Steps of trajectories of which nothing is left after noise of this level; on longer ones noise averages out."""
VARIES = 1e-6  # least range of a reading's quantiles, relative to their size


def decisions(
    model: TrajectoryModel,
    task: Task,
    probe: Probe,
    samples: Float[np.ndarray, "N T D"],
    demonstrations: Float[np.ndarray, "N2 T D"],
    config: Config,
    title: str,
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays and record; nothing where the configuration asks for none."""
    import torch
    from tqdm import tqdm

    if not config.n_decision:
        return {}, {}
    if task.can_regenerate and config.profile != "smoke":
        demonstrations = task.sample(REFERENCE, numpy_rng(config.seed, "reading reference")).x
    followed = [(reading, bins) for reading in readings(task) if (bins := _bins(task, reading, demonstrations))]
    data = task.sample(config.n_decision, numpy_rng(config.seed, "decision data")).x
    x = torch.as_tensor(data, dtype=torch.float32, device=model.device)
    rng = torch_rng(config.seed, "decision", model.device.type)
    before, net, moved = [_rows(*one, data) for one in followed], [], []
    for level in tqdm(levels_of(probe, task), desc=f"redrawing {title}", leave=False, disable=None):
        redrawn = torch.cat([model.redraw(part, level, rng) for part in x.split(CHUNK)]).cpu().double().numpy()
        pairs = [(was, _rows(*one, redrawn)) for one, was in zip(followed, before, strict=True)]
        net.append([_flow(*pair)[0] for pair in pairs])
        moved.append([_flow(*pair)[1] for pair in pairs])
    arrays = {
        "reading_reference": [_counts(_rows(*one, demonstrations)) for one in followed],
        "reading_counts": [_counts(_rows(*one, samples)) for one in followed],
        "decision_net": net,
        "decision_moved": moved,
    }
    record = {"readings": [reading.name for reading, _ in followed]}
    return {name: np.array(rows, dtype=np.int32) for name, rows in arrays.items()}, record


def levels_of(probe: Probe, task: Task) -> tuple[float, ...]:
    """Decision levels of a probe on a task: all of them, or those up to the one that is enough for short trajectories."""
    short = task.shape[0] <= SHORT
    return tuple(level for level in probe.decision if level <= ENOUGH or not short)


def _bins(task: Task, reading: Reading, demonstrations: Float[np.ndarray, "N T D"]) -> Bins | None:
    """Bins of a reading; none where it does not vary."""
    if reading.balanced:
        return task.bins
    inner = np.quantile(reading.read(demonstrations[: reading.most]), np.arange(1, BINS) / BINS)
    if np.ptp(inner) <= VARIES * np.abs(inner).max():
        return None
    return Bins.equal_probability(lambda _: inner, BINS)


def _rows(reading: Reading, bins: Bins, x: Float[np.ndarray, "N T D"]) -> Int[np.ndarray, " N"]:
    with np.errstate(all="ignore"):  # what cannot be read is counted as failed
        return bins.index(reading.read(x[: reading.most]))


def _counts(rows: Int[np.ndarray, " N"]) -> Int[np.ndarray, " M"]:
    return np.bincount(rows, minlength=BINS + 3)


def _flow(before: Int[np.ndarray, " N"], after: Int[np.ndarray, " N"]) -> tuple[Int[np.ndarray, " M"], ...]:
    """What came into each row less what left it, and both together."""
    changed = before != after
    arrived, left = _counts(after[changed]), _counts(before[changed])
    return arrived - left, arrived + left
