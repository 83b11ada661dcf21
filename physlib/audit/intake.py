"""Every file of an audit, opened, checked against the others, and read."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from physlib.audit.checks import warnings
from physlib.audit.groups import CONDITION, GROUP, conditions, groups_of, with_labels
from physlib.audit.io.episodes import Reading
from physlib.audit.io.open import check_match, chosen, open_trajectories
from physlib.audit.io.read import Loaded, check_demonstrated, load
from physlib.audit.io.source import Source
from physlib.core.errors import PhyslibError
from physlib.core.rng import numpy_rng
from physlib.stats.samples import Independent, Paired, SamplePair
from physlib.tasks.quantities import Quantity


@dataclass(frozen=True)
class Data:
    """What is to be audited, as a reader names it: files, `minari:NAME`, or anything like an array."""

    demos: Any
    samples: Any = None
    baseline: Any = None  # real trajectories that were held out
    residuals: Any = None  # of a model: reconstruction minus original
    groups: Any = (
        None  # name of an array beside the trajectories, a file of labels, or labels; a pair for demos and samples
    )
    paired: Any = None  # likewise, the condition of each trajectory
    samples_dt: float | None = None  # time between the samples' steps, where it is another
    samples_key: str | None = None  # name of the samples' array, likewise


@dataclass(frozen=True)
class Intake:
    """The same, read."""

    demos: Loaded
    samples: Loaded | None
    baseline: Loaded | None
    residuals: Source | None
    shape: tuple[int, int]  # steps and columns of the demonstrations' file
    warnings: tuple[str, ...]  # what looks wrong in these files

    def pair(self, paired: bool) -> SamplePair:
        """What samples and demonstrations have to do with each other."""
        groups = groups_of(self.demos)
        if paired:
            return Paired(conditions(self.demos, self.samples), groups)
        return Independent((groups, groups_of(self.samples)))


def take_in(data: Data, quantity: Quantity, reading: Reading, seed: int) -> Intake:
    """Open everything, so that what does not fit is refused before any work, and read it."""
    own, other = _both(data.groups)
    if data.paired is not None and data.samples is None:
        raise PhyslibError("--paired says which condition a sample answers: give --samples as well, or leave it out.")
    source = with_labels(open_trajectories(data.demos, reading), GROUP, own)
    samples_reading = dataclasses.replace(
        reading,
        dt=reading.dt if data.samples_dt is None else data.samples_dt,
        key=reading.key if data.samples_key is None else data.samples_key,
    )
    opened: dict[str, tuple[Source, Reading]] = {}
    for name, given, how in (("samples", data.samples, samples_reading), ("baseline", data.baseline, reading)):
        if given is not None:
            found = open_trajectories(given, how)
            check_match(source, found, reading, _timed(data, reading, source, found))
            labels = other if name == "samples" else own
            opened[name] = with_labels(found, GROUP, labels, optional=isinstance(labels, str)), how
    if data.paired is not None:
        source = with_labels(source, CONDITION, data.paired)
        opened["samples"] = with_labels(opened["samples"][0], CONDITION, data.paired), samples_reading
    columns, length = len(chosen(source, reading)), reading.length or source.shape[1]
    for angle in reading.angles:
        if not 0 <= angle < columns:
            raise PhyslibError(f"there is no column {angle} among the {columns} chosen ones: mend --angles.")
    left = None if data.residuals is None else open_trajectories(data.residuals, reading)
    loaded = load(source, quantity, reading, numpy_rng(seed, "audit demonstrations"), length)
    check_demonstrated(loaded, quantity)
    read = {
        name: load(found, quantity, how, numpy_rng(seed, f"audit {name}"), length)
        for name, (found, how) in opened.items()
    }
    _check_found(read.get("samples"), loaded, quantity)
    said = [
        sentence
        for one in (loaded, *read.values())
        for sentence in warnings(one, chosen(source, reading), reading.angles, quantity.name)
    ]
    return Intake(loaded, read.get("samples"), read.get("baseline"), left, source.shape[1:], tuple(dict.fromkeys(said)))


def _both(groups: Any) -> tuple[Any, Any]:
    """Labels of demonstrations and of samples. Raises where there are more."""
    if not isinstance(groups, tuple):
        return groups, groups
    if len(groups) != 2:
        raise PhyslibError(
            f"--groups takes one array or file, or two: one for demonstrations and one for samples, not {len(groups)}."
        )
    return groups


def _timed(data: Data, reading: Reading, demos: Source, samples: Source) -> bool:
    """Whether both have a time step of their own, not one that is taken for both."""
    own = data.samples_dt is not None or samples.dt is not None
    return own and (reading.dt is not None or demos.dt is not None)


def _check_found(drawn: Loaded | None, demos: Loaded, quantity: Quantity) -> None:
    """Raise where there is nothing to compare, or where only one of two times is known."""
    if drawn is None:
        return
    if not len(drawn.finite):
        raise PhyslibError(f"{quantity.name} is finite for none of the samples in {drawn.name}: nothing to compare.")
    if drawn.timed != demos.timed and "{t}" in quantity.unit:
        known, unknown = (demos.name, drawn.name) if demos.timed else (drawn.name, demos.name)
        option = "--samples-dt" if demos.timed else "--dt"
        raise PhyslibError(f"{known} has a time between steps and {unknown} has none: give it with {option}.")
