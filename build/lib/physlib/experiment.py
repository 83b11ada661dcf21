"""From a configuration to a stored result; the only place where tasks and models meet (running layer).

Arrays of a result (`N` samples; floats are float32 unless said):

- `q` `(N,)`: the balanced quantity of each sample, in the task's unit;
- `residual` `(N,)` float16: distance from the task's rule; `other/<name>` `(N,)` float16: other quantities, kept
  for a profile's own runs;
- `loss` `(S,)`: training loss, one point per 20 steps;
- `probe_...`: locality, see `physlib.probe`; `plan_...`: planning between given end points, `nearest_...`:
  memorisation, likewise;
- `trajectories` `(48, T, D)`: the first samples, 1,000 of the first judged run on an arm; `weights/...`: averaged
  weights as bfloat16 words, kept for the first pilot of a profile's own runs, and for the first judged seed on tasks
  whose rule makes steps, where they fit one megabyte.
"""

from __future__ import annotations

import contextlib
import time
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from physlib import models, tasks
from physlib.density import bin_counts
from physlib.errors import PhyslibError, unknown
from physlib.probe import CHUNK, end_points, locality, memorisation, plans
from physlib.profiles import JUDGED_SEEDS, PILOT_SEEDS, Config, resolve, seeds_of
from physlib.provenance import provenance
from physlib.rng import numpy_rng, torch_rng
from physlib.store import Damaged, Missing, Result, Store

if TYPE_CHECKING:
    from physlib.models.base import Generator

DEVICES = ("auto", "cpu", "cuda")
NORMALISATIONS = ("channel", "step", "range")
PRECISIONS = ("float32", "float64")
SHOWN = 48  # trajectories kept to be looked at
AUDITED = 1_000  # and of the first judged run on an arm, to be audited
WEIGHTS_LIMIT = 1_000_000  # bytes


def run(config: Config, device: str = "auto") -> Result:
    """The result of a run, from the store or made now. A damaged stored file is announced and made anew.

    `device` is `auto` (a GPU where there is one), `cpu` or `cuda`. Raises `PhyslibError` for a device
    that is not there. Two processes asking for one run train it once.
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
        result = produce(config, _device(device), store.work(config, "checkpoint"))
        store.put(result)
        store.work(config, "checkpoint").unlink(missing_ok=True)
        return result


def load(
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
    """The results of runs, as `load` finds them."""
    return [run(c, device) if c.profile == "smoke" else Store.of(c.profile).get(c) for c in configs]


def counts(task: tasks.Task, results: Iterable[Result]) -> Int[np.ndarray, "S M"]:
    """Histogram of the balanced quantity in each run, as rows of counts."""
    return np.array([bin_counts(result["q"], task.lo, task.hi) for result in results])


def shares(task: tasks.Task, results: Iterable[Result]) -> Float[np.ndarray, "S M"]:
    """As `counts`, each row a mass vector."""
    found = counts(task, results)
    return found / found.sum(axis=1, keepdims=True)


def model_of(result: Result) -> Generator:
    """The trained model of a result that kept its weights. Raises `PhyslibError` where it did not."""
    if not result.weights:
        kept = f"pilot seed {PILOT_SEEDS[0]} does, and on synthetic tasks seed {JUDGED_SEEDS[0]}"
        raise PhyslibError(f"this run kept no weights, only {kept}.")
    model = _untrained(result.config, training_data(result.config).x)
    model.load(result.weights)
    return model.eval()


def _device(name: str) -> str:
    import torch

    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise PhyslibError("no CUDA device is available: use --device cpu.")
    return "cuda" if available and name != "cpu" else "cpu"


def training_data(config: Config) -> tasks.Trajectories:
    """What a run is trained on, drawn again."""
    return tasks.get(config.task).sample(config.n_train, numpy_rng(config.seed, "training data"))


def _normalisation(name: str, data: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What to subtract and what to divide by."""
    if name not in NORMALISATIONS:
        raise unknown("normalisation", name, NORMALISATIONS)
    if name == "range":  # to [-1, 1]
        low, high = data.min(axis=(0, 1)), data.max(axis=(0, 1))
        return (low + high) / 2, (high - low) / 2
    axes = 0 if name == "step" else (0, 1)
    if not np.all(std := data.std(axis=axes)):
        raise PhyslibError(f"normalisation {name} divides by zero: a channel of the data does not vary there.")
    return data.mean(axis=axes), std


def _untrained(config: Config, data: np.ndarray) -> Generator:
    import torch

    if config.precision not in PRECISIONS:
        raise unknown("precision", config.precision, PRECISIONS)
    mean, std = _normalisation(config.normalisation, data)
    steps = data.shape[1]
    options = {k: v for k in ("sampler", "noise_shift") if (v := getattr(config, k)) != getattr(Config, k)}
    seed = int(numpy_rng(config.seed, "weights").integers(2**62))
    with torch.random.fork_rng():  # layers initialise themselves from the global generator: lend it, then put it back
        torch.manual_seed(seed)
        model = models.build(config.model, mean, std, steps, config.width, config.blocks, config.heun_steps, **options)
    return model.double() if config.precision == "float64" else model


def produce(config: Config, device: str, checkpoint: Path | None) -> Result:
    """Make a run from nothing, or from its checkpoint; the store is not touched."""
    import torch

    from physlib.train import Schedule, fit, one_thread

    task, started = tasks.get(config.task), time.perf_counter()
    data = training_data(config).x
    model = _untrained(config, data).to(device)
    schedule = Schedule(steps=config.steps, batch=config.batch, lr=config.lr, ema=config.ema)
    x = torch.as_tensor(data, dtype=model.dtype, device=device)
    title = f"{config.task} {config.model} seed {config.seed}"
    record = fit(model, x, schedule, torch_rng(config.seed, "training", device), checkpoint, title)
    with one_thread():
        begun = time.perf_counter()
        samples = _sample(model, config, device)
        seconds_sample = time.perf_counter() - begun
        arrays = _measurements(task, samples, config) | locality(model, task, config, title)
        arrays |= plans(model, task, config)
    arrays |= memorisation(samples, data, task, config)
    arrays["loss"] = np.asarray(record.losses, dtype=np.float32)
    if _keeps_weights(config):
        weights = {f"weights/{name}": words for name, words in model.save().items()}
        if sum(w.nbytes for w in weights.values()) <= WEIGHTS_LIMIT:
            arrays |= weights
    seconds = {
        "seconds_train": round(record.seconds, 2),
        "seconds_sample": round(seconds_sample, 2),
        "seconds_total": round(time.perf_counter() - started, 2),
    }
    return Result(config, arrays, provenance(device) | seconds | {"n_parameters": model.n_parameters})


def _keeps_weights(config: Config) -> bool:
    """The first pilot, whose deviations are a kernel, and the first judged run where ideal answers are known."""
    kept = PILOT_SEEDS[0] if config.role == "pilot" else JUDGED_SEEDS[0]
    known = config.role == "pilot" or isinstance(tasks.get(config.task), tasks.Stepwise)
    return config.seed == kept and known and not config.changes


def _shown(task: tasks.Task, config: Config) -> int:
    """How many samples are kept whole."""
    audited = isinstance(task, tasks.Arm) and config.seed == JUDGED_SEEDS[0] and not config.changes
    return AUDITED if audited else SHOWN


def _sample(model: Generator, config: Config, device: str) -> np.ndarray:
    import torch
    from tqdm import tqdm

    rng = torch_rng(config.seed, "sampling", device)
    starts = tqdm(range(0, config.n_samples, CHUNK), desc=f"sampling {config.task} {config.model}", leave=False)
    if config.model in models.PLANNERS:  # samples are plans between the end points of fresh demonstrations
        known = end_points(tasks.get(config.task).sample(config.n_samples, numpy_rng(config.seed, "ends")).x, device)
        chunks = [model.inpaint(known[start : start + CHUNK], rng).cpu() for start in starts]
    else:
        chunks = [model.sample(min(CHUNK, config.n_samples - start), rng).cpu() for start in starts]
    return torch.cat(chunks).double().numpy()


def _measurements(task: tasks.Task, x: np.ndarray, config: Config) -> dict[str, np.ndarray]:
    others = {} if config.changes else task.others
    with np.errstate(all="ignore"):  # a measurement that is not finite is counted as failed, not warned about
        return {
            "q": task.measure(x).astype(np.float32),
            "residual": task.residual(x).astype(np.float16),
            "trajectories": x[: _shown(task, config)].astype(np.float32),
        } | {f"other/{name}": measure(x).astype(np.float16) for name, measure in others.items()}
