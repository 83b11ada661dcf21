"""Results as text for a terminal, and a terminal's words as objects."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from physlib.core.errors import PhyslibError, unknown
from physlib.core.rng import numpy_rng
from physlib.evaluation.decision import balanced_counts
from physlib.evaluation.shift import shift_distances
from physlib.forecasting.forecast import Forecast
from physlib.kernels import FAMILIES, Kernel
from physlib.runs.config import Config
from physlib.runs.store import Result
from physlib.stats.distances import total_variation, tv_floor
from physlib.stats.histogram import flat_mass
from physlib.studies import sealed
from physlib.tasks import Task

if TYPE_CHECKING:
    import pandas as pd

    from physlib.evaluation.sealing import SealedForecast

SAMPLE = 20_000  # size of the sample that a printed forecast's interval is for
NAMING = ("task", "model", "profile", "seed", "role")  # fields of a configuration with options of their own
SHOWN = (
    *("claim", "task", "model", "kernel", "source", "variant", "number", "value", "unit", "tolerance", "no_shift"),
    *("tv_observed", "tv_floor", "corr", "r2", "r2_inner", "skill", "at_bound"),
)
"""Columns of the results table that are printed."""
BAR = 50  # longest bar, in characters; one stands for a mass of .001


def run_summary(task: Task, result: Result) -> str:
    """One run in one line: shift with interval and floor, mean, plausible share, cost."""
    config, facts = result.config, result.provenance
    report = shift_distances(result, numpy_rng(0, "bootstrap"))
    return (
        f"{config.task} {config.model} {config.profile} seed {config.seed}: "
        f"TV {report.tv:.3f} [{report.tv_lo:.3f}, {report.tv_hi:.3f}], floor {report.floor:.3f}; "
        f"mean {task.info.quantity} {task.prior.mean:.3f} -> {facts['q_mean']:.3f}; "
        f"plausible {facts['plausible']:.1%}; {config.steps} steps in {facts['seconds_train']:.0f} s"
    )


def reading_summary(task: Task, result: Result, estimator: str) -> str:
    """The same run with its quantity read by another estimator, demonstrations as well."""
    shown, made = balanced_counts(result, task, estimator)
    tv = total_variation(made / made.sum(), shown / shown.sum())
    floor = tv_floor(shown / shown.sum(), made.sum(), shown.sum())
    return f"read by {estimator}: TV {tv:.3f} from {shown.sum():,} demonstrations, floor {floor:.3f}"


def read_kernel(name: str, scale: str) -> Kernel:
    """The kernel of that name with its numbers from a comma-separated list. Raises where they do not fit it."""
    if name not in FAMILIES:
        raise unknown("kernel", name, FAMILIES)
    if name in ("covariance", "pilot"):
        needs = {"covariance": "a matrix", "pilot": "a network"}[name]
        raise PhyslibError(f"kernel {name} needs {needs}, not only a scale: build it in Python from physlib.kernels.")
    names = [field.name for field in dataclasses.fields(FAMILIES[name])]
    try:
        numbers = [float(word) for word in scale.split(",")] if names else []
    except ValueError:
        raise PhyslibError(f"cannot read --scale '{scale}': give numbers separated by commas.") from None
    if len(numbers) != len(names) or not all(0 <= number < math.inf for number in numbers):
        raise PhyslibError(f"kernel {name} takes {len(names)} non-negative number(s) ({', '.join(names)}) in --scale.")
    return FAMILIES[name](*numbers)


def read_changes(words: list[str]) -> dict[str, int | float | str]:
    """Fields of a configuration from words `name=value`. Raises for a name or value that does not fit."""
    default = {field.name: field.default for field in dataclasses.fields(Config) if field.name not in NAMING}
    default = {name: value for name, value in default.items() if value is not dataclasses.MISSING}
    changes = {}
    for word in words:
        name, sign, text = word.partition("=")
        if not sign:
            raise PhyslibError(f"cannot read --set '{word}': give it as name=value.")
        if name not in default:
            raise unknown("field", name, default)
        try:
            changes[name] = value = type(default[name])(text)
        except ValueError:
            raise PhyslibError(f"cannot read --set '{word}': {name} is a number like {default[name]}.") from None
        # what may be none is none by default, and nobody need be probed
        least = 0 if default[name] == 0 or isinstance(value, float) or name == "n_probe" else 1
        if isinstance(value, str):
            continue
        signed = name == "noise_shift"
        if not math.isfinite(value) or (value < least and not signed):
            bound = "" if signed else f" and at least {least}"
            raise PhyslibError(f"--set '{word}' is not possible: {name} must be finite{bound}.")
    return changes


def read_columns(text: str | None, option: str) -> tuple[int, ...]:
    """Columns from a comma-separated list, none where there is no text. Raises where it is not one."""
    try:
        columns = tuple(int(word) for word in (text or "").split(",") if text)
    except ValueError:
        raise PhyslibError(
            f"cannot read --{option} '{text}': give whole numbers separated by commas, as 0,1."
        ) from None
    if len(set(columns)) < len(columns):
        raise PhyslibError(f"--{option} '{text}' names a column twice.")
    return columns


def check_outputs(files: Sequence[str | None], inputs: Sequence[str | None]) -> list[str]:
    """The files that are to be written. Raises before any work where one cannot be, or would destroy another."""
    wanted = [name for name in files if name is not None]
    taken = {Path(name).resolve() for name in inputs if name is not None}
    for name in wanted:
        if Path(name).resolve() in taken:
            raise PhyslibError(f"'{name}' is named twice, or as an input as well: give each output a file of its own.")
        taken.add(Path(name).resolve())
        folder = Path(name).parent
        if not name or not folder.is_dir() or Path(name).is_dir() or not os.access(folder, os.W_OK):
            raise PhyslibError(f"cannot write '{name}': its folder is not there, or not yours to write in.")
    return wanted


def _row_name(answer: Forecast, row: int) -> str:
    edges, count = answer.bins.edges, answer.bins.count
    outside = {0: "underflow", count + 1: "overflow", count + 2: "failed"}
    return outside.get(row) or f"[{edges[row - 1]:.3f}, {edges[row]:.3f}]"


def forecast_table(answer: Forecast) -> str:
    """A forecast row by row, with intervals for a sample of `SAMPLE`, and its main net transfers of mass."""
    lines = [
        f"{answer.task.name}, {answer.kernel.name} {answer.kernel.parameters}",
        f"  {'':>20} {'mass':<6} {'shift':<7} 95 % of samples of {SAMPLE}",
    ]
    low, high = answer.interval(SAMPLE)
    for row, (mass, shift) in enumerate(zip(answer.mass, answer.shift, strict=True)):
        bar = ("+" if shift > 0 else "-") * min(round(abs(shift) * 1000), BAR)
        span = f"[{low[row]:.4f}, {high[row]:.4f}]"
        lines.append(f"  {_row_name(answer, row):>20} {mass:.4f} {shift:+.4f} {span} {bar}")
    lines.append(f"forecast TV {total_variation(answer.mass, answer.mass - answer.shift):.4f}")
    lines.append("main net transfers (share of all mass)")
    for i, j, share in answer.main_transfers():
        lines.append(f"  {_row_name(answer, i):>20} -> {_row_name(answer, j):<20} {share:.4f}")
    return "\n".join(lines)


def results_table(found: pd.DataFrame) -> str:
    """Rows of the results table with the columns that most people ask for, those that are empty left out."""
    shown = found[[name for name in SHOWN if found[name].notna().any()]]
    digits = dict.fromkeys(shown.select_dtypes("float"), "{:.3f}".format)
    return shown.to_string(index=False, na_rep="", formatters=digits, justify="left")


def sealed_forecast(made: SealedForecast) -> str:
    """A forecast from pilots: what each kernel says, and which of two is expected to win."""
    lines = [f"{made.task} {made.model}, from {len(made.pilots)} pilots; runs to come: {len(made.runs)}"]
    lines += [f"  {'kernel':<18} {'forecast TV':>11} {'fits pilots, R2':>16}  numbers"]
    for one in made.forecasts:
        shift = total_variation(np.array(one.mass), flat_mass(len(one.mass) - 3))
        numbers = ", ".join(f"{name} {value:.4f}" for name, value in one.parameters.items())
        bound = " (at the end of its range)" if one.at_bound else ""
        fits = "no shift" if one.pilot_r2 is None else f"{one.pilot_r2:.2f}"
        lines.append(f"  {one.kernel:<18} {shift:>11.4f} {fits:>16}  {numbers}{bound}")
    lines.append(
        f"share of the pilots' shift made below level {sealed.READ_AT:g}: {made.locality:.2f}; "
        f"expected to win on inner bins: {made.expected} ({made.kernel} against {made.rival})"
    )
    return "\n".join(lines)


def sealed_scores(made: SealedForecast, found: pd.DataFrame, verdict: pd.DataFrame) -> str:
    """Each kernel and baseline against the runs, means over seeds, and whether the expected one won."""
    columns = ["r2", "r2_inner", "skill", "coverage", "interval_score"]
    table = found.groupby("kernel", sort=False)[columns].mean().to_string(float_format="{:.3f}".format, na_rep="-")
    one = verdict.iloc[0]
    ends = {True: "as expected", False: "not as expected"}.get(one.right, "neither says anything there")
    return (
        f"{made.task} {made.model}, sealed {made.digest[:12]}, {found.seed.nunique()} runs, means\n{table}\n"
        f"inner bins: {one.kernel} {one.inner_kernel:.2f}, {one.rival} {one.inner_rival:.2f}; {ends}"
    )
