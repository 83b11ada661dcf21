"""From a configuration to a stored result; the only place where tasks and models meet (running layer).

Arrays of a result: the summary of its samples and, where its study keeps them, the samples (`physlib.runs.summary`);
`loss` `(S,)`, training loss, one point per 20 steps; `probe_...`, `plan_...` and `nearest_...`
(`physlib.runs.diagnostics`); what a mitigation itself wants kept.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int

from physlib import mitigations, models, tasks
from physlib.core.errors import PhyslibError, unknown
from physlib.core.files import Damaged, Missing
from physlib.core.provenance import provenance
from physlib.core.rng import numpy_rng, torch_rng
from physlib.runs.config import JUDGED_SEEDS, PILOT_SEEDS, Config
from physlib.runs.diagnostics import CHUNK, SECOND, end_points, locality, memorisation, plans
from physlib.runs.presets import resolve, seeds_of
from physlib.runs.setup import build_model, model_inputs, training_data
from physlib.runs.store import Result, Store
from physlib.runs.summary import Keep, measure, summarise

if TYPE_CHECKING:
    from physlib.mitigations import Change
    from physlib.models.base import TrajectoryModel

DEVICES = ("auto", "cpu", "cuda")


def run(config: Config, device: str = "auto", keep: Keep | None = None) -> Result:
    """The result of a run, from the store or made now. A damaged stored file is announced and made anew.

    `device` is `auto` (a GPU where there is one), `cpu` or `cuda`. Raises `PhyslibError` for a device
    that is not there. Two processes asking for one run train it once. `keep` says what a run made now stores.
    """
    if device not in DEVICES:
        raise unknown("device", device, DEVICES)
    store = Store.of(config.profile)
    with contextlib.suppress(Missing, Damaged):
        return store.get(config)
    with store.lock(config):
        try:  # another process may have finished it while this one waited
            return store.get(config)
        except Missing:
            pass
        except Damaged as error:
            warnings.warn(f"{error} (making it anew now)", stacklevel=2)
        result = produce(config, _device(device), store.work(config, "checkpoint"), keep)
        store.put(result)
        store.work(config, "checkpoint").unlink(missing_ok=True)
        return result


def load_runs(
    task: str,
    model: str,
    profile: str = "laptop",
    seeds: Iterable[int] | None = None,
    pilot: bool = False,
    device: str = "auto",
) -> list[Result]:
    """Runs of one task and model, by default all judged seeds, or all pilot seeds, of the profile.

    Stored runs are read and never trained: `PhyslibError` names the command that makes a run that is
    missing or damaged. Only at `smoke`, where a run takes seconds, missing runs are made on the spot.
    """
    seeds = seeds_of(profile, pilot) if seeds is None else seeds
    return fetch((resolve(task, model, profile, seed, pilot) for seed in seeds), device)


def fetch(configs: Iterable[Config], device: str = "auto") -> list[Result]:
    """The results of runs, as `load_runs` finds them."""
    return [run(c, device) if c.profile == "smoke" else Store.of(c.profile).get(c) for c in configs]


def model_of(result: Result) -> TrajectoryModel:
    """The trained model of a result that kept its weights. Raises `PhyslibError` where it did not."""
    if not result.weights:
        kept = f"pilot seed {PILOT_SEEDS[0]} does, and on synthetic tasks seed {JUDGED_SEEDS[0]} of {', '.join(models.DIFFUSIONS)}"
        raise PhyslibError(f"this run kept no weights, only {kept}.")
    model = build_model(result.config, training_data(result.config).x)
    model.load(result.weights)
    return model.eval()


def _device(name: str) -> str:
    import torch

    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise PhyslibError("no CUDA device is available: use --device cpu.")
    return "cuda" if available and name != "cpu" else "cpu"


def _earlier(config: Config, device: str) -> list[Result]:
    """The runs that the configured strategy must have seen, made where they are missing."""
    names = mitigations.get(config.mitigation).after if config.mitigation else ()
    return [run(dataclasses.replace(config, mitigation=name), device) for name in names]


def _change(config: Config, task: tasks.Task, data: tasks.Trajectories, earlier: list[Result]) -> Change:
    """What the configured strategy changes."""
    if not config.mitigation:
        return mitigations.Change()
    rng = numpy_rng(config.seed, f"mitigation {config.mitigation}")
    seen = [result["q"].astype(float) for result in earlier]
    return mitigations.get(config.mitigation).change(task, data, seen, rng)


def produce(config: Config, device: str, checkpoint: Path | None, keep: Keep | None = None) -> Result:
    """Make a run from nothing, or from its checkpoint; the store is not touched."""
    earlier = _earlier(config, device)
    task, started, keep = tasks.get_task(config.task), time.perf_counter(), keep or Keep()
    data = training_data(config)
    change = _change(config, task, data, earlier)
    if change.kept is None:
        measured, arrays, record = _trained(config, task, data, change, device, checkpoint, keep)
    else:
        measured, record = _selected(earlier[0], change.kept)
        arrays = {}
    summary, facts = summarise(task, measured, data.x)
    arrays |= summary | {name: value for name, value in measured.items() if _kept(name, keep)}
    if change.task is None or keep.representation:
        arrays |= change.arrays
    return Result(config, arrays, provenance(device) | record | facts | {"seconds_total": _since(started)})


def _kept(name: str, keep: Keep) -> bool:
    return {"q": keep.samples, "residual": keep.residual}.get(name, keep.others)


def _trained(
    config: Config,
    task: tasks.Task,
    data: tasks.Trajectories,
    change: Change,
    device: str,
    checkpoint: Path | None,
    keep: Keep,
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], dict[str, Any]]:
    """Measurements of samples, other arrays of a run, and what training took."""
    import torch

    from physlib.runs.training import Schedule, fit, one_thread

    shown = model_inputs(data, change)
    model = build_model(config, shown, change).to(device)
    schedule = Schedule(steps=config.steps, batch=config.batch, lr=config.lr, ema=config.ema)
    x = torch.as_tensor(shown, dtype=model.dtype, device=device)
    title = f"{config.task} {config.model} seed {config.seed}"
    record = fit(model, x, schedule, torch_rng(config.seed, "training", device), checkpoint, title)
    with one_thread():
        begun = time.perf_counter()
        asked = change.asked and change.asked(config.n_samples, numpy_rng(config.seed, "asked"))
        samples = _sample(model, config, device, asked)
        samples = samples if change.task is None else change.task.chart.decode(samples)
        seconds = {"seconds_train": round(record.seconds, 2), "seconds_sample": _since(begun)}
        measured, arrays = measure(task, samples), {"trajectories": samples[: keep.trajectories].astype(np.float32)}
        if config.n_probe:
            probed = locality(model, change.task or task, config, title)
            arrays |= {name: value for name, value in probed.items() if keep.deviations or name not in SECOND}
        arrays |= plans(model, task, config)
    if keep.nearest:
        arrays |= memorisation(samples, data.x, task, config)
    arrays["loss"] = np.asarray(record.losses, dtype=np.float32)
    if asked is not None and keep.condition:
        arrays["asked"] = asked[:, 0].astype(np.float32)
    if keep.weights:
        arrays |= {f"weights/{name}": words for name, words in model.save().items()}
    return measured, arrays, seconds | {"n_parameters": model.n_parameters}


def _selected(result: Result, rows: Int[np.ndarray, " M"]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Rows of an earlier run's measurements, and what that took; no training."""
    kept = [name for name in result.arrays if name in ("q", "residual") or name.startswith("other/")]
    took = {"seconds_train": 0.0, "seconds_sample": 0.0, "n_parameters": result.provenance["n_parameters"]}
    return {name: result[name][rows] for name in kept}, took


def _since(started: float) -> float:
    return round(time.perf_counter() - started, 2)


def _sample(
    model: TrajectoryModel, config: Config, device: str, asked: Float[np.ndarray, "N C"] | None
) -> Float[np.ndarray, "N T D"]:
    import torch
    from tqdm import tqdm

    rng = torch_rng(config.seed, "sampling", device)
    starts = tqdm(range(0, config.n_samples, CHUNK), desc=f"sampling {config.task} {config.model}", leave=False)
    if asked is not None:
        told = torch.as_tensor(asked, dtype=torch.float32, device=device)
        chunks = [model.ask(told[start : start + CHUNK], rng).cpu() for start in starts]
    elif config.model in models.PLANNERS:  # samples are plans between the end points of fresh demonstrations
        known = end_points(
            tasks.get_task(config.task).sample(config.n_samples, numpy_rng(config.seed, "ends")).x, device
        )
        chunks = [model.inpaint(known[start : start + CHUNK], rng).cpu() for start in starts]
    else:
        chunks = [model.sample(min(CHUNK, config.n_samples - start), rng).cpu() for start in starts]
    return torch.cat(chunks).double().numpy()
