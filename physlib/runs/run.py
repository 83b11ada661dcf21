"""From a configuration to a stored result.

Arrays of a result: the summary of its samples and, where its study keeps them, the samples (`physlib.runs.summary`);
`loss` `(S,)`, training loss, one point per 20 steps; `probe_...`, `plan_...` and `nearest_...`
(`physlib.runs.diagnostics`); `spoken/...` (`physlib.runs.speaking`); `reading_...` and `decision_...` (`physlib.runs.decision`); what a mitigation stores.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import time
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from physlib import mitigations
from physlib.core.errors import PhyslibError, unknown
from physlib.core.files import Damaged, Missing
from physlib.core.provenance import provenance
from physlib.core.rng import torch_rng
from physlib.mitigations.base import within
from physlib.runs.config import Config
from physlib.runs.decision import decisions
from physlib.runs.diagnostics import CHUNK, continuations, locality, memorisation, plans
from physlib.runs.presets import resolve, seeds_of
from physlib.runs.setup import Setup, prepare
from physlib.runs.speaking import speaking
from physlib.runs.store import Result, Store
from physlib.runs.summary import Keep, measure, summarise

if TYPE_CHECKING:
    import torch

    from physlib.models.base import TrajectoryModel

Arrays = dict[str, np.ndarray]
DEVICES = ("auto", "cpu", "cuda")
EVERYTHING = Keep()


def run(config: Config, device: str = "auto", keep: Keep = EVERYTHING) -> Result:
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
        raise PhyslibError("this run kept no weights: the first pilot and the first run of most models do.")
    setup = prepare(result.config, _earlier(result.config, "auto"))
    model = setup.untrained(setup.inputs())
    model.load(result.weights)
    return model.eval()


def _device(name: str) -> str:
    import torch

    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise PhyslibError("no CUDA device is available: use --device cpu.")
    return "cuda" if available and name != "cpu" else "cpu"


def _earlier(config: Config, device: str) -> list[Result]:
    """The runs that a strategy depends on, made where they are missing, and again where their samples were not kept."""
    names = mitigations.get(config.mitigation).after if config.mitigation else ()
    configs = [dataclasses.replace(config, mitigation=name) for name in names]
    found = [run(earlier, device) for earlier in configs]
    return [r if {"q", "residual"} <= set(r.arrays) else produce(r.config, device, None) for r in found]


def produce(config: Config, device: str, checkpoint: Path | None, keep: Keep = EVERYTHING) -> Result:
    """Make a run from nothing, or from its checkpoint; the store is not touched."""
    earlier = _earlier(config, device)
    started, setup = time.perf_counter(), prepare(config, earlier)
    if setup.change.selected is None:
        measured, arrays, record = _train_and_sample(setup, device, checkpoint)
    else:
        measured, arrays, record = _select(setup, earlier[0])
    summary, facts = summarise(setup.task, measured, setup.data.x)
    record |= facts | _forecast_before(config) | {"seconds_total": _since(started)}
    return Result(config, keep.chosen(arrays | measured | setup.change.arrays) | summary, provenance(device) | record)


def _forecast_before(config: Config) -> dict[str, str]:
    """Digest of the forecast that was sealed before this run, where there is one."""
    path = Store.of(config.profile).forecast(config.task, config.model)
    if config.role == "pilot" or config.mitigation or not path.exists():
        return {}
    return {"forecast": json.loads(path.read_text())["digest"]}


def _select(setup: Setup, result: Result) -> tuple[Arrays, Arrays, dict[str, Any]]:
    """Rows of an earlier run's measurements; nothing is trained."""
    names = [name for name in result.arrays if name in ("q", "residual") or name.startswith("other/")]
    took = {"seconds_train": 0.0, "seconds_sample": 0.0, "n_parameters": result.provenance["n_parameters"]}
    return {name: result[name][setup.change.selected] for name in names}, {}, took


def _train_and_sample(setup: Setup, device: str, checkpoint: Path | None) -> tuple[Arrays, Arrays, dict[str, Any]]:
    """Measurements of samples, other arrays of a run, and what training took."""
    import torch

    from physlib.runs.training import Schedule, fit, one_thread

    config, task, seen = setup.config, setup.task, setup.change.task or setup.task
    inputs = setup.inputs()
    model = setup.untrained(inputs).to(device)
    schedule = Schedule(steps=config.steps, batch=config.batch, lr=config.lr, ema=config.ema)
    x = torch.as_tensor(inputs, dtype=model.dtype, device=device)
    record = fit(model, x, schedule, torch_rng(config.seed, "training", device), checkpoint, setup.title)
    with one_thread():
        begun, known = time.perf_counter(), setup.known()
        samples = _draw(model, known, torch_rng(config.seed, "sampling", device), setup.title)
        samples = samples if seen is task else seen.chart.decode(samples)
        took = {"seconds_train": round(record.seconds, 2), "seconds_sample": _since(begun)}
        measured = measure(task, samples)
        if setup.change.wider is not None:
            rows = within(task, measured["q"])
            measured, samples = {name: values[rows] for name, values in measured.items()}, samples[rows]
            took["kept"] = float(rows.mean())
        completed = speaking if setup.model.parts else continuations if setup.model.continues else plans
        arrays = locality(model, seen, setup.model.probe, config, setup.title) | completed(model, task, config)
        found, names = decisions(model, task, setup.model.probe, samples, setup.data.x, config, setup.title)
    arrays |= found | memorisation(samples, setup.data.x, task, config)
    arrays |= {"loss": np.asarray(record.losses, dtype=np.float32), "trajectories": samples.astype(np.float32)}
    arrays |= {f"weights/{name}": words for name, words in model.save().items()}
    if setup.change.requested:
        arrays["asked"] = known[:, 0].astype(np.float32)
    return measured, arrays, took | names | {"n_parameters": model.n_parameters}


def _draw(
    model: TrajectoryModel, known: int | Float[np.ndarray, "N ..."], rng: torch.Generator, title: str
) -> Float[np.ndarray, "N T D"]:
    """Samples, a chunk at a time."""
    import torch
    from tqdm import tqdm

    def parts() -> Iterator[int | torch.Tensor]:
        if isinstance(known, int):
            yield from (min(CHUNK, known - start) for start in range(0, known, CHUNK))
        else:
            yield from torch.as_tensor(known, dtype=torch.float32, device=model.device).split(CHUNK)

    bar = tqdm(list(parts()), desc=f"sampling {title}", leave=False, disable=None)
    return torch.cat([model.sample(part, rng).cpu() for part in bar]).double().numpy()


def _since(started: float) -> float:
    return round(time.perf_counter() - started, 2)
