"""Rows of the results table on videos: in and out of training's range, pulled to its edge, attributes, the forecast."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from physlib.evaluation import video
from physlib.evaluation.claims import RESOLUTION
from physlib.evaluation.rows import Row, Runs

UNIT = "m/s"
SAME_SEED = 0.1
"""Tolerance of numbers that one seed stands behind: for the same seed on another machine."""


def pulled(clips: pd.DataFrame) -> Float[np.ndarray, " N"]:
    """How far clips that can be read have gone from their true velocity towards the nearest one of training: 0 to 1."""
    good = clips[clips.made.notna() & (np.abs(clips.edge - clips.true) > 0.1)]
    return ((good.made - good.true) / (good.edge - good.true)).to_numpy()


def _row(runs: Runs, number: str, values: list[float], variant: str | None, **columns: Any) -> Row:
    """A row; of one seed with the tolerance of the same seed."""
    row = runs.row(number, values, RESOLUTION, variant=variant, **columns)
    return row | ({"tolerance": SAME_SEED} if len(values) == 1 else {})


def _clips(runs: Runs) -> list[pd.DataFrame]:
    level = video.sealed(runs.found[0].config.profile)["level"]
    return [video.velocities(run, level) for run in runs.found]


def _errors(runs: Runs) -> list[Row]:
    """V1: the velocity error of each test set, over clips that can be read, and the share that cannot."""
    rows, found = [], [video.made(run) for run in runs.found]
    for name in runs.task.tests:
        some = [clips[clips.set == name] for clips in found]
        rows.append(_row(runs, "velocity error", [float(clips.error.mean()) for clips in some], name, unit=UNIT))
        unread = [float(clips.made.isna().mean()) for clips in some]
        rows.append(_row(runs, "share unreadable", unread, f"{name}: unreadable"))
    return rows


def _pulled(runs: Runs) -> list[Row]:
    """V2: the median way to the nearest velocity of training, of sets outside of its range, and the share turned round."""
    rows, found = [], _clips(runs)
    for name in found[0].set.unique():
        ways = [pulled(clips[clips.set == name]) for clips in found]
        if all(len(way) for way in ways):
            rows.append(_row(runs, "way to the edge", [float(np.median(way)) for way in ways], name))
        turned = [float(np.mean(clips[clips.set == name].made < 0)) for clips in found]
        rows.append(_row(runs, "share turned round", turned, f"{name}: turned"))
    return rows


def _kept(runs: Runs) -> list[Row]:
    """V4: shares of swapped clips that keep the first or the second attribute, and of seen ones that keep both."""
    found = [video.kept(run) for run in runs.found]
    said = video.sealed(runs.found[0].config.profile)["first kept"][runs.evidence.task]
    rows = [
        _row(runs, f"{name} kept", [shares["swapped"][i] for shares in found], f"swapped: {name}")
        for i, name in enumerate(video.KEPT)
    ]
    rows.append(_row(runs, "both kept", [shares["seen"][0] for shares in found], "seen: both"))
    forecast = {"kernel": "nearest-cases", "source": "pilot"}
    return [*rows, _row(runs, "first kept", [said] * len(found), "swapped: first", **forecast)]


def _forecast(runs: Runs) -> list[Row]:
    """V5: how well the training cases, the nearest edge and the truth explain the velocities made."""
    found, rows = [video.scores(clips).set_index("guess") for clips in _clips(runs)], []
    for guess, kernel in (("predicted", "nearest-cases"), ("edge", "nearest-edge")):
        values = [float(scores.r2[guess]) for scores in found]
        corr = float(np.mean([scores["corr"][guess] for scores in found]))
        rows.append(_row(runs, "r2 of the wrong answer", values, None, kernel=kernel, source="pilot", corr=corr))
    return rows


MAKERS: dict[str, Callable[[Runs], list[Row]]] = {"V1": _errors, "V2": _pulled, "V4": _kept, "V5": _forecast}
"""Makers of rows by claim."""
