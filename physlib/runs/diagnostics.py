"""What a trained model does near data, and between given end points; stored with its run.

Arrays (`L` probe levels, `K` bins, `M` plans; float32 unless noted):

- `denoising_error`, `prediction_error` or `reconstruction_error` `(L,)`: the model's own error at each level, as
  its objective defines it;
- `probe_counts` `(L, K+3, K)`, the smallest unsigned integers that hold it: fresh trajectories of bin i that the trained
  model, redrawing them at a level (`physlib.models.Probe`: re-noised and denoised, continued, or re-encoded), moved to row j;
- `probe_size` `(L,)`: root mean square of the deviations that redrawing left, per channel standard deviation;
- `probe_covariance` `(L, TD, TD)`: their second moment, for T D up to 64; beyond that
  `probe_spectrum` `(L, T, D)`: mean square of their discrete cosine transform over time (type II, orthonormal);
- `plan_q` `(M,)`: quantity of paths planned between the end points of fresh demonstrations, `plan_residual`
  `(M,)` float16 their residual, `plan_data_q` `(M,)` the quantity of those demonstrations;
- `clip/SET/NAME` `(M,)`: what continuations of test clips of a set show, see `physlib.tasks.video_variants.continued`;
- `nearest_sample`, `nearest_fresh` `(M,)`: distance of samples, and of fresh data, to the nearest training
  trajectory, root mean square per entry in channel standard deviations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int, UInt
from scipy.fft import dct

from physlib.core.rng import numpy_rng, torch_rng
from physlib.kernels.additive import estimate_covariance, from_spectrum
from physlib.models import Probe
from physlib.runs.config import Config
from physlib.runs.setup import end_points, first_frames
from physlib.runs.store import Result
from physlib.stats.histogram import BINS
from physlib.stats.nearest import nearest
from physlib.tasks import Task, Video
from physlib.tasks.video_variants import continued

if TYPE_CHECKING:
    from physlib.models.base import TrajectoryModel

CHUNK = 2_500  # trajectories that a model samples or denoises at once
COVARIANCE_LIMIT = 64  # largest T D whose covariance is kept


def locality(model: TrajectoryModel, task: Task, probe: Probe, config: Config, title: str) -> dict[str, np.ndarray]:
    """Let the trained model redraw fresh data at each level; nothing where the configuration asks for none."""
    import torch
    from tqdm import tqdm

    if not config.n_probe:
        return {}
    device = model.device.type
    data = task.sample(config.n_probe, numpy_rng(config.seed, "probe data"))
    x = torch.as_tensor(data.x, dtype=torch.float32, device=device)
    rng = torch_rng(config.seed, "probe", device)
    whole = np.prod(task.shape) <= COVARIANCE_LIMIT
    second = "probe_covariance" if whole else "probe_spectrum"
    rows: dict[str, list] = {model.error_name: [], "probe_counts": [], "probe_size": [], second: []}
    before = task.bins.index(data.q) - 1
    for level in tqdm(probe.levels, desc=f"probing {title}", leave=False, disable=None):
        rows[model.error_name].append(model.local_error(x, level, rng))
        moved = torch.cat([model.redraw(part, level, rng) for part in x.split(CHUNK)]).cpu().double().numpy()
        with np.errstate(all="ignore"):
            after = task.bins.index(task.measure(moved))
        moves = np.zeros((BINS + 3, BINS), dtype=np.int32)
        np.add.at(moves, (after, before), 1)
        rows["probe_counts"].append(moves)
        deviation = (moved - data.x) / task.scale
        rows["probe_size"].append(np.sqrt(np.mean(deviation**2)))
        rows[second].append(estimate_covariance(deviation) if whole else _spectrum(deviation))
    return {k: _small(np.array(v)) if k == "probe_counts" else np.asarray(v, dtype=np.float32) for k, v in rows.items()}


def _small(counts: Int[np.ndarray, "L M K"]) -> UInt[np.ndarray, "L M K"]:
    """Counts as the smallest unsigned integers that hold them."""
    return counts.astype(np.min_scalar_type(counts.max(initial=0)))


def _spectrum(deviation: np.ndarray) -> np.ndarray:
    return np.mean(dct(deviation, axis=1, norm="ortho") ** 2, axis=0)


def covariances(result: Result) -> Float[np.ndarray, "L TD TD"]:
    """What a run kept of its deviations at each probe level, as covariances per channel standard deviation."""
    if "probe_covariance" in result.arrays:
        return result["probe_covariance"].astype(float)
    return np.array([from_spectrum(power) for power in result["probe_spectrum"].astype(float)])


def plans(model: TrajectoryModel, task: Task, config: Config) -> dict[str, np.ndarray]:
    """Plan paths between the end points of fresh demonstrations; nothing where the configuration asks for none."""
    import torch

    if not config.n_plans:
        return {}
    data = task.sample(config.n_plans, numpy_rng(config.seed, "plan data"))
    known = torch.as_tensor(end_points(data.x), dtype=torch.float32, device=model.device)
    rng = torch_rng(config.seed, "plans", model.device.type)
    planned = torch.cat([model.inpaint(part, rng) for part in known.split(CHUNK)]).cpu().double().numpy()
    return {
        "plan_q": task.measure(planned).astype(np.float32),
        "plan_residual": task.residual(planned).astype(np.float16),
        "plan_data_q": data.q.astype(np.float32),
    }


def continuations(model: TrajectoryModel, task: Video, config: Config) -> dict[str, np.ndarray]:
    """Let a model go on from the first frames of test clips, within its training's range and beyond."""
    import torch

    found = {}
    for name in task.tests:
        data = task.test(name, config.n_plans, numpy_rng(config.seed, f"clips {name}"))
        known = torch.as_tensor(first_frames(data.x), dtype=torch.float32, device=model.device)
        rng = torch_rng(config.seed, f"clips {name}", model.device.type)
        made = torch.cat([model.sample(part, rng) for part in known.split(CHUNK)]).cpu().double().numpy()
        found |= {f"clip/{name}/{key}": values for key, values in continued(task, made, data).items()}
    return found


def memorisation(
    samples: Float[np.ndarray, "N T D"], training: Float[np.ndarray, "N2 T D"], task: Task, config: Config
) -> dict[str, np.ndarray]:
    """How far samples and fresh data are from the training set; nothing where the configuration asks for none.

    A model that copies is nearer to what it was trained on than new data of the same distribution are.
    """
    if not config.n_nearest:
        return {}
    fresh = task.sample(config.n_nearest, numpy_rng(config.seed, "memorisation")).x
    parts = {"nearest_sample": samples[: config.n_nearest], "nearest_fresh": fresh}
    root, known = np.sqrt(np.prod(task.shape)), training / task.scale
    return {name: (nearest(x / task.scale, known) / root).astype(np.float32) for name, x in parts.items()}
