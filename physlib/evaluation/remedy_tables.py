"""Effects of remedies as tables: outcomes before and after, forecasts beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from physlib.evaluation.remedies import Outcome, RemedyEffect
from physlib.evaluation.remedy_forecasts import DRAWS, RemedyForecast
from physlib.stats.distances import total_variation, tv_floor
from physlib.stats.histogram import flat_mass
from physlib.stats.intervals import mean_interval
from physlib.studies.remedies import CLAIMS

HELPS = 0.9
"""Ratio of shifts below which a remedy is said to help."""


def outcomes(effects: Sequence[RemedyEffect]) -> pd.DataFrame:
    """What each remedy did: a row each, means over seeds unless said.

    `tv_before`, `tv_after`: total variation of every seed; `floor`: that of as many samples as are kept; `left`: what is
    left without sampling noise, and `change` its change with a t-interval; shares of plausible samples, and shifts of a
    second quantity, before and after; `steps_extra`: training steps that the remedy takes.
    """
    rows = []
    for effect in effects:
        before, after = (Outcome(*map(np.array, zip(*part, strict=True))) for part in effect.outcomes)
        row = {"claim": CLAIMS[effect.experiment.strategy], "task": effect.experiment.task}
        row |= {"model": effect.experiment.before[0].model, "strategy": effect.experiment.strategy}
        row |= {"tv_before": list(before.shift), "tv_after": list(after.shift)}
        row |= {"floor": tv_floor(flat_mass(), effect.runs[1][0].provenance["n"]), "left": after.beyond.mean()}
        row |= {"change": mean_interval(list(after.beyond - before.beyond))}
        row |= {"plausible_before": before.plausible.mean(), "plausible_after": after.plausible.mean()}
        row |= {"other_before": before.other.mean(), "other_after": after.other.mean()}
        row |= {"needs_quantity": effect.experiment.needs_quantity, "steps_extra": effect.experiment.steps_extra}
        rows.append(row)
    return pd.DataFrame(rows)


def ratios(effects: Sequence[RemedyEffect], forecasts: Sequence[RemedyForecast]) -> pd.DataFrame:
    """Shift with a remedy over that without, as forecast (`expected`) and as measured beyond noise (`found`).

    Left out: remedies of which the kernel says nothing, `resample`, which is flat by construction, and tasks on which
    no shift is expected that could be mended.
    """
    rows, least = [], 2 * tv_floor(flat_mass(), DRAWS)
    for effect, made in zip(effects, forecasts, strict=True):
        if made.after is None or made.strategy == "resample":
            continue
        before, after = (total_variation(mass, flat_mass()) for mass in (made.before, made.after))
        if before >= least:
            plain, mended = (np.mean([outcome.beyond for outcome in part]) for part in effect.outcomes)
            row = {"task": made.task, "strategy": made.strategy, "expected": after / before}
            rows.append(row | {"found": mended / plain})
    return pd.DataFrame(rows, columns=["task", "strategy", "expected", "found"])


class Agreement(NamedTuple):
    """How well forecast ratios of shifts agree with measured ones."""

    count: int  # of experiments
    right: int  # in which whether the remedy helps is forecast rightly
    helped: int  # in which it helps
    rank: float  # rank correlation of the ratios; NaN for fewer than three


def agreement(ratios: pd.DataFrame) -> Agreement:
    """Agreement of the columns `expected` and `found`."""
    expected, found = ratios.expected < HELPS, ratios.found < HELPS
    rank = spearmanr(ratios.expected, ratios.found).statistic if len(ratios) > 2 else np.nan
    return Agreement(len(ratios), int((expected == found).sum()), int(found.sum()), float(rank))
