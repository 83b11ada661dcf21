"""What became of sealed forecasts: every kernel and baseline in them against the runs that came after."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from physlib.evaluation.claims import RESOLUTION
from physlib.evaluation.rows import Row, Runs
from physlib.evaluation.sealing import SealedForecast, read
from physlib.evaluation.shift import counts
from physlib.forecasting.score import score
from physlib.runs.run import fetch
from physlib.runs.store import Result, Store
from physlib.stats.intervals import coverage, interval_score
from physlib.studies import sealed


def sealed_forecasts(profile: str = "laptop") -> list[SealedForecast]:
    """The sealed forecasts whose runs have been trained since, in order. Raises `Missing` or `Damaged`."""
    return [read(Store.of(profile).forecast(*cell)) for cell in sealed.trained(profile)]


def scores(made: SealedForecast, runs: list[Result] | None = None) -> pd.DataFrame:
    """Each kernel and baseline against each run, one row a pair.

    Columns: `task`, `model`, `kernel`, `seed`, `corr`, `r2`, `r2_inner`, `sign`, `skill` as in `Score`, `coverage` of the
    95 % intervals of bin masses and their mean `interval_score`. Raises `Missing` where runs are not there yet.
    """
    runs = fetch(sealed.judged(made.task, made.model, made.profile)) if runs is None else runs
    rows = []
    for run, histogram in zip(runs, counts(runs), strict=True):
        seen = histogram / histogram.sum()
        for one in made.forecasts:
            ends = np.array(one.low), np.array(one.high)
            rows.append(
                {"task": made.task, "model": made.model, "kernel": one.kernel, "seed": run.config.seed}
                | score(histogram, np.array(one.mass), np.array(one.noise))._asdict()
                | {"coverage": coverage(*ends, seen), "interval_score": interval_score(*ends, seen)}
            )
    return pd.DataFrame(rows)


def verdicts(found: Iterable[SealedForecast]) -> pd.DataFrame:
    """One row a sealed forecast whose runs exist: what was expected to win on inner bins, and what won.

    Columns: `task`, `model`, `locality`, `expected`, `kernel`, `rival`, `inner_kernel`, `inner_rival` (mean R2 over seeds,
    NaN where there is no shift), `won`, and `right`, None where neither could win.
    """
    rows = []
    for made in found:
        inner = scores(made).groupby("kernel").r2_inner.mean()
        ours, theirs = inner[made.kernel], inner[made.rival]
        decided = bool(np.isfinite(ours) and np.isfinite(theirs) and max(ours, theirs) > 0)
        won = (made.kernel if ours > theirs else made.rival) if decided else None
        rows.append(
            {"task": made.task, "model": made.model, "locality": made.locality, "expected": made.expected}
            | {"kernel": made.kernel, "rival": made.rival, "inner_kernel": ours, "inner_rival": theirs}
            | {"won": won, "right": won == made.expected if decided else None}
        )
    return pd.DataFrame(rows)


def _rows(runs: Runs) -> list[Row]:
    """C5: every kernel and baseline of a sealed forecast, and by how much the one with trajectories is ahead of its rival."""
    made = read(Store.of("laptop").forecast(runs.evidence.task, runs.evidence.model))
    found, rows = scores(made, runs.found), []
    names = ["corr", "r2", "r2_inner", "sign", "skill", "coverage", "interval_score"]
    for one in made.forecasts:
        mine = found[found.kernel == one.kernel]
        columns = {"kernel": one.kernel, "source": "scaled", "parameters": one.parameters, "at_bound": one.at_bound}
        columns |= {"n_parameters": len(one.parameters), "seconds_forecast": one.seconds, "revision": made.revision}
        rows.append(runs.row("r2", list(mine.r2), RESOLUTION, **columns, **mine[names].mean().to_dict()))
    inner = found.pivot(index="seed", columns="kernel", values="r2_inner")
    ahead = list(inner[made.kernel] - inner[made.rival])
    pair = {"kernel": f"{made.kernel} over {made.rival}", "source": "scaled", "share": made.locality}
    pair |= {"level": sealed.READ_AT, "fitted_on": f"expected: {made.expected}", "revision": made.revision}
    return [*rows, runs.row("advantage on inner bins", ahead, RESOLUTION, **pair)]


MAKERS = {sealed.SEALED: _rows}
"""Makers of rows by the variant of the evidence."""
