"""What a page of the book needs besides the library: its runs and rows, numbers for the prose, tables."""

from __future__ import annotations

import html
import inspect
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from IPython.display import HTML, Code, display
from jaxtyping import Float

from physlib.core.errors import unknown
from physlib.core.provenance import revision
from physlib.evaluation import benchmark, ideal_denoising, obedience, remedies, remedy_forecasts
from physlib.evaluation import table as results
from physlib.evaluation.run_group import KernelForecast, RunGroup, gather
from physlib.figures import Origin
from physlib.runs.presets import PROFILES, seeds_of
from physlib.runs.run import load_runs
from physlib.runs.store import Result


class Page:
    """One execution of a page: where its runs and numbers come from."""

    def __init__(self, profile: str, seed: int = 0, device: str = "auto"):
        """`seed` drives the page's own Monte Carlo; `device` trains what a smoke page trains.

        Shows a banner where the profile is not the published one. Raises `PhyslibError` for an unknown profile.
        """
        if profile not in PROFILES:
            raise unknown("profile", profile, PROFILES)
        self.profile, self.seed, self.device = profile, seed, device
        self.seeds = seeds_of(profile)
        if profile == "smoke":
            display(HTML(_BANNER))

    def runs(self, task: str, model: str, pilot: bool = False) -> list[Result]:
        """Evaluation (or pilot) runs of a task and model; trained now at smoke, read from the store otherwise."""
        return load_runs(task, model, self.profile, pilot=pilot, device=self.device)

    def group(self, task: str, model: str) -> RunGroup:
        """All runs that forecasts of a task and model are made from and scored on."""
        return gather(task, model, self.profile)

    def forecasts(self, task: str, model: str) -> tuple[RunGroup, dict[tuple[str, str], KernelForecast]]:
        """The group of runs of a task and model, and its stored forecasts by kernel and source."""
        return _forecasts(task, model, self.profile)

    def rows(self, groups: Collection[tuple[str, str]] | None = None) -> pd.DataFrame:
        """The results table, or its rows of some tasks and models."""
        return results.rows(self.profile, groups)

    def remedies(self) -> list[remedies.RemedyEffect]:
        """What each remedy did on each task."""
        return remedies.effects(self.profile)

    def remedy_forecasts(self) -> list[remedy_forecasts.RemedyForecast]:
        """What the kernel forecasts of each of `remedies`."""
        return remedy_forecasts.load(self.profile)

    def obedience(self) -> obedience.Obedience:
        """What models that are told the quantity did with what they were asked for."""
        return obedience.load(self.profile)

    def ideal_forecasts(self) -> dict[str, ideal_denoising.IdealForecast]:
        """Forecasts of the logistic map by the kernels of ideal denoisers, at size .05."""
        return ideal_denoising.load_forecasts(self.profile)

    def ideal_errors(self) -> dict[str, Float[np.ndarray, " L"]]:
        """Error of the ideal denoiser at each noise level, by task."""
        return ideal_denoising.load_errors(self.profile)

    def origin(self, runs: list[Result] | None = None) -> Origin:
        """Profile, seeds and revision for a figure; of the page itself where no run is shown."""
        if not runs:
            return Origin(self.profile, [self.seed], revision())
        profiles = dict.fromkeys(r.config.profile for r in runs)
        seeds = dict.fromkeys(r.config.seed for r in runs)
        revisions = dict.fromkeys(str(r.provenance["revision"]) for r in runs)
        return Origin(" and ".join(profiles), list(seeds), ", ".join(revisions))


@cache
def _forecasts(task: str, model: str, profile: str) -> tuple[RunGroup, dict[tuple[str, str], KernelForecast]]:
    group, entries = benchmark.load(task, model, profile)
    return group, {(entry.kernel, entry.source): entry for entry in entries}


_BANNER = (
    '<div class="phys-banner" role="note"><strong>Smoke build.</strong> Everything on this page was trained in '
    "seconds to test that it runs. The numbers are not results; build the laptop profile to see those.</div>"
)


def glue(name: str, value: float, digits: int = 3) -> None:
    """Make a number available to the prose as `{glue:text}`name``; outside the book's tools, print it."""
    text = f"{value:.{digits}f}" if pd.notna(value) and np.isfinite(value) else "undefined"
    try:
        from myst_nb import glue as register
    except ModuleNotFoundError:
        display(f"{name} = {text}")
    else:
        register(name, text, display=False)


def glue_table(frame: pd.DataFrame | pd.Series, prefix: str, digits: int | Mapping[str, int] = 2) -> None:
    """Glue every cell as `<prefix>_<index>_<column>`; `digits` for all or by column. Words of an index are joined by `_`."""
    frame = frame.to_frame("") if isinstance(frame, pd.Series) else frame
    for index, row in zip(frame.index, frame.itertuples(index=False), strict=True):
        for column, value in zip(frame.columns, row, strict=True):
            words = [prefix, *(index if isinstance(index, tuple) else (index,)), column]
            places = digits if isinstance(digits, int) else digits[column]
            glue("_".join(str(word) for word in words if word != ""), value, places)


def glue_interval(name: str, interval: Iterable[float], digits: int = 3) -> None:
    """Glue a value and the ends of its interval as `<name>`, `<name>_lo` and `<name>_hi`."""
    for end, value in zip(("", "_lo", "_hi"), interval, strict=True):
        glue(f"{name}{end}", value, digits)


def glue_cost(name: str, results: list[Result]) -> None:
    """Glue how many runs these are and their hours together as `<name>_runs` and `<name>_hours`, and the longest's minutes."""
    seconds = [result.provenance["seconds_total"] for result in results]
    glue(f"{name}_runs", len(results), 0)
    glue(f"{name}_hours", sum(seconds) / 3600, 1)
    glue(f"{name}_longest", max(seconds) / 60, 0)


def table(rows: pd.DataFrame | list[dict[str, Any]], columns: dict[str, str | Callable[[Any], str]]) -> HTML:
    """Rows as an HTML table; `columns` maps a key to a format (`".3f"`) or a function. Absent values are dashes."""
    head = "".join(f"<th>{key.replace('_', ' ')}</th>" for key in columns)
    records = rows.to_dict("records") if isinstance(rows, pd.DataFrame) else rows
    body = "".join(
        "<tr>" + "".join(_cell(row[key], form) for key, form in columns.items()) + "</tr>" for row in records
    )
    return HTML(f'<div class="phys-table"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>')


def with_interval(numbers: tuple[float | None, float | None, float | None], digits: int = 2) -> str:
    """A value with its interval, for `table`; the interval is left out where there is none."""
    value, low, high = (number if number is not None and np.isfinite(number) else None for number in numbers)
    if value is None:
        return "undefined"
    return f"{value:.{digits}f}" + ("" if low is None else f" ({low:.{digits}f} to {high:.{digits}f})")


def _cell(value: Any, form: str | Callable[[Any], str]) -> str:
    if value is None or (np.isscalar(value) and pd.isna(value)):
        return "<td>&ndash;</td>"
    text = html.escape(form(value) if callable(form) else format(value, form))
    long = ' class="text-column"' if len(text) > 40 else ""
    return f"<td{long}>{text}</td>"


def show_source(thing: Any) -> None:
    """Display a function or class of the library as highlighted code: what is shown is what ran."""
    display(Code(inspect.getsource(thing), language="python"))
