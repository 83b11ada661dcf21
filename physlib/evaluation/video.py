"""Continuations of videos: what came out, and what the nearest training cases predict."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy.spatial.distance import cdist
from scipy.special import softmax
from scipy.stats import pearsonr

from physlib.core.errors import PhyslibError
from physlib.core.provenance import revision
from physlib.core.records import read_record, write_record
from physlib.core.rng import numpy_rng
from physlib.runs.config import Config
from physlib.runs.store import Result, Store
from physlib.studies import video as study
from physlib.tasks import Trajectories, get_task
from physlib.tasks.video import SHOWN, Video
from physlib.tasks.video_variants import BothSides, Pair

LEVELS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.2)
"""Levels that the forecast's is chosen from, heights of a shadow, root of the sum over the pixels shown."""
FASTEST = 8.0  # m/s, beyond which what was read is no body: it would cross the picture in six frames
KEPT = ("both", "first", "second", "neither")
"""Which attributes a continuation of a swapped clip keeps; changing the second keeps the first."""


def asked_clips(config: Config, name: str) -> Trajectories:
    """The test clips of a run, drawn again."""
    return get_task(config.task).test(name, config.n_plans, numpy_rng(config.seed, f"clips {name}"))


@lru_cache(maxsize=4)
def _shown(config: Config) -> Trajectories:
    """What a run's training clips begin with."""
    return get_task(config.task).beginnings(config.n_train, numpy_rng(config.seed, "training data"))


def _velocity(task: Video, data: Trajectories) -> Float[np.ndarray, " N"]:
    """Speeds with their direction."""
    return (
        np.where(data.z[:, -1] > 0, -data.q, data.q) if isinstance(task, BothSides) and data.z.shape[1] > 4 else data.q
    )


def case_weights(shown: Trajectories, asked: Trajectories, level: float) -> Float[np.ndarray, "N M"]:
    """Weight of each training clip in the ideal denoiser's continuation of each test clip, conditioned on the frames shown.

    `softmax(-d^2 / 2 s^2)` over training clips, with d the distance between the frames that are shown: what a denoiser
    that knows nothing but its training set believes the rest to be, at a resolution s.
    """
    frames = [data.x[:, :SHOWN].reshape(len(data.q), -1) for data in (asked, shown)]
    return softmax(-cdist(*frames, "sqeuclidean") / (2 * level**2), axis=1)


def predicted(config: Config, name: str, level: float) -> Float[np.ndarray, " N"]:
    """Velocity that the training cases predict for each test clip of a set."""
    task, shown = get_task(config.task), _shown(config)
    return case_weights(shown, asked_clips(config, name), level) @ _velocity(task, shown)


def predicted_kept(config: Config, level: float) -> float:
    """Share of swapped clips of which the training cases predict that the first attribute of a pair is kept."""
    task, shown, asked = get_task(config.task), _shown(config), asked_clips(config, "swapped")
    side = [_sides(task, data)[:, 0] for data in (shown, asked)]
    first = case_weights(shown, asked, level) @ side[0]
    return float(np.mean((first > 0.5) == (side[1] > 0.5)))


def _sides(task: Pair, data: Trajectories) -> Float[np.ndarray, "N 2"]:
    """Side of both attributes of each clip."""
    values = {"size": data.z[:, 1], "colour": data.z[:, 2], "shape": data.z[:, 3], "velocity": data.q}
    middle = {"size": 1.0, "colour": 0.5, "shape": 0.5, "velocity": 2.0}
    return np.stack([values[name] > middle[name] for name in task.PAIR], axis=1).astype(float)


def _readable(speed: Float[np.ndarray, " N"]) -> Float[np.ndarray, " N"]:
    """Velocities with NaN for what is no body."""
    speed = speed.astype(float)
    return np.where(np.abs(speed) < FASTEST, speed, np.nan)


def chosen_level(run: Result) -> float:
    """The level whose predictions come nearest to the velocities of a run, in least squares over all of its test sets."""
    sets = get_task(run.config.task).tests
    seen = np.concatenate([_readable(run[f"clip/{name}/speed"]) for name in sets])

    def misfit(level: float) -> float:
        return float(np.nanmean((np.concatenate([predicted(run.config, name, level) for name in sets]) - seen) ** 2))

    return min(LEVELS, key=misfit)


def made(run: Result) -> pd.DataFrame:
    """Every test clip of a run: `set`, `true` and `made` velocity, and the velocity `error`, m/s.

    `edge` is the nearest speed of training: the simplest wrong answer. Of what is made NaN where no body can be read.
    """
    config, rows = run.config, []
    task = get_task(config.task)
    shown = np.sort(task.bodies(config.n_train, numpy_rng(config.seed, "training data"))[0])
    for name in task.tests:
        data = asked_clips(config, name)
        at = np.clip(np.searchsorted(shown, data.q), 1, len(shown) - 1)
        edge = np.where(data.q - shown[at - 1] < shown[at] - data.q, shown[at - 1], shown[at])
        speed = _readable(run[f"clip/{name}/speed"])
        error = np.where(np.isnan(speed), np.nan, run[f"clip/{name}/error"])
        columns = {"true": data.q, "made": speed, "error": error}
        rows.append(pd.DataFrame(columns | {"edge": edge}).assign(set=name, seed=config.seed, task=task.name))
    return pd.concat(rows, ignore_index=True)


def velocities(run: Result, level: float) -> pd.DataFrame:
    """The same with the velocity that the training cases predict, `predicted`."""
    sets = get_task(run.config.task).tests
    told = np.concatenate([predicted(run.config, name, level) for name in sets])
    return made(run).assign(predicted=told)


def scores(clips: pd.DataFrame) -> pd.DataFrame:
    """How well each guess explains the velocities made: `guess`, `corr`, `r2` over clips that can be read.

    `r2` is of the difference from the true velocity, so that the truth itself scores 0.
    """
    good = clips[clips.made.notna()]
    rows = []
    for guess in ("predicted", "edge", "true"):
        left, wrong = np.sum((good.made - good[guess]) ** 2), np.sum((good.made - good.true) ** 2)
        corr = pearsonr(good[guess], good.made).statistic if np.ptp(good[guess]) > 1e-9 else np.nan
        rows.append({"guess": guess, "corr": float(corr), "r2": float(1 - left / wrong)})
    return pd.DataFrame(rows)


def kept(run: Result) -> dict[str, Float[np.ndarray, " 4"]]:
    """Shares of a pair's test clips that keep both attributes, the first, the second, neither, by set."""
    found = {}
    for name in get_task(run.config.task).tests:
        # 1 is nearest where the first was changed, so that the second was kept
        shares = np.bincount(run[f"clip/{name}/nearest"], minlength=4) / run.config.n_plans
        found[name] = shares[[0, 2, 1, 3]]
    return found


def sealed_path(profile: str) -> Path:
    """The file of the predictions that were sealed before the runs."""
    return Store.of(profile).root / "sealed" / "video.json"


def seal(profile: str) -> dict[str, Any]:
    """Choose the level on the pilot and write what it predicts, with a digest. Raises `PhyslibError` where runs exist."""
    there = [config for config in study.judged(profile) if Store.of(profile).path(config).exists()]
    if there or sealed_path(profile).exists():
        raise PhyslibError("runs or a sealed forecast are there already: a forecast is sealed once, before its runs.")
    run = Store.of(profile).get(study.pilot(profile))
    level = chosen_level(run)
    record: dict[str, Any] = {"level": level, "pilot": run.config.key, "velocity": {}, "first kept": {}}
    for name, configs in study.ranges(profile).items():
        sets = get_task(name).tests
        means = {one: float(np.mean(predicted(configs[0], one, level))) for one in sets}
        record["velocity"][name] = {one: round(mean, 4) for one, mean in means.items()}
    for name, configs in study.pairs(profile).items():
        record["first kept"][name] = round(predicted_kept(configs[0], level), 4)
    record |= {"revision": revision()}
    return write_record(sealed_path(profile), record)


def sealed(profile: str) -> dict[str, Any]:
    """The sealed predictions. Raises `Missing` or `Damaged`."""
    return read_record(sealed_path(profile))
