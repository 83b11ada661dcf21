"""Rows of the results table on speech: how far rates are narrowed, by which part, from which beginning, and the forecast."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from physlib.evaluation import speech
from physlib.evaluation.claims import RESOLUTION
from physlib.evaluation.rows import Row, Runs
from physlib.models import get_model


def _narrowed(runs: Runs) -> list[Row]:
    """S1: the standard deviation of rates over that of the prior."""
    usual = runs.width / np.sqrt(12)
    scatter = [float(np.nanstd(run["q"].astype(float)) / usual) for run in runs.found]
    return [runs.row("scatter of rates", scatter, RESOLUTION, variant="scatter")]


def _parts(runs: Runs) -> list[Row]:
    """S2: by how much each part narrows the scatter, and how wrong the log rate is with that part alone left to itself."""
    rows: list[Row] = []
    for number, measure in (("narrowing by", speech.part_shares), ("error of log rate by", speech.part_errors)):
        found = [measure(run) for run in runs.found]
        rows += [
            runs.row(f"{number} part", [values[name] for values in found], RESOLUTION, variant=f"{number} {name}")
            for name in found[0]
        ]
    return rows


def _redrawn(runs: Runs) -> list[Row]:
    """S3: the share R2 of the shift that models make when they go on from true beginnings, by how much they make themselves."""
    probe = get_model(runs.evidence.model).probe
    shares = np.array([speech.redrawn_shares(run) for run in runs.found])
    return [
        runs.row(
            "r2",
            seeds.tolist(),
            RESOLUTION,
            kernel=probe.name,
            variant=f"level={level:g}",
            level=level,
            source="oracle",
        )
        for level, seeds in zip(probe.decision, shares.T, strict=True)
    ]


def _forecast(runs: Runs) -> list[Row]:
    """S4: R2 of what was sealed before the runs, by kernel."""
    found = [speech.scores(run) for run in runs.found]
    return [
        runs.row("r2", [scores[name] for scores in found], RESOLUTION, kernel=name, source="scaled", variant="sealed")
        for name in found[0]
    ]


MAKERS: dict[str, Callable[[Runs], list[Row]]] = {"S1": _narrowed, "S2": _parts, "S3": _redrawn, "S4": _forecast}
"""Makers of rows by claim."""
