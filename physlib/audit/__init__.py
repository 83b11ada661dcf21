"""The audit of anyone's own trajectories: before training a forecast, after training a test.

`audit("demos.npz", "path_length", samples="generated.npz").summary()`, or `physlib audit` on the command line. The
package is callable: `from physlib import audit` and `from physlib.audit import audit` are the same to call.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from physlib.audit.before import TYPICAL, forecast_range, plausible_kernels
from physlib.audit.candidates import candidates, check_kernel, from_residuals
from physlib.audit.demonstrations import Demonstrations
from physlib.audit.intake import Data, take_in
from physlib.audit.io.episodes import Reading
from physlib.audit.quantities import find_quantity
from physlib.audit.redraw import Redraw, decide, read_redraw
from physlib.audit.report.text import sentences
from physlib.audit.representation import rank
from physlib.audit.result import AuditResult, Request
from physlib.audit.several import AuditTable
from physlib.audit.shift import find_shift
from physlib.core.errors import PhyslibError, unknown
from physlib.core.files import write_atomic
from physlib.core.rng import numpy_rng
from physlib.tasks.quantities import QUANTITIES, Quantity
from physlib.tasks.scenes import TABLE as SCENE_QUANTITIES
from physlib.tasks.scenes import Scene
from physlib.tasks.sensitivity import coordinate_sensitivity

if TYPE_CHECKING:
    from physlib.figures import CaptionedFigure

__all__ = ["QUANTITIES", "SCENE_QUANTITIES", "Audit", "Audits", "Reading", "Scene", "audit"]

WINDOWS = 32  # of time, for sensitivities
PROBED = 500  # trajectories behind them


class Audit(AuditResult):
    """One audit: `summary()` in words, `plot()` as figures, `save()` as a report and a record."""

    def summary(self) -> str:
        """The findings in plain sentences, a line each."""
        return "\n".join(line for lines in sentences(self).values() for line in lines)

    def plot(self, which: str = "shift") -> CaptionedFigure:
        """The main figure, where the quantity gains and loses; or another of `physlib.audit.report.figures.FIGURES`."""
        from physlib.audit.report.figures import FIGURES  # late, as a record needs no figure

        if which not in FIGURES:
            raise unknown("figure", which, FIGURES)
        return FIGURES[which](self)

    def html(self) -> str:
        """The report: one file with everything in it."""
        from physlib.audit.report.html import report

        return report(self)

    def to_json(self) -> str:
        """The record as text."""
        return json.dumps(self.record(), indent=1, allow_nan=False) + "\n"

    def save(self, html: str | Path | None = None, json_file: str | Path | None = None) -> None:
        """Write the report, the record or both; each file is at every moment its old self or complete."""
        _write(self, html, json_file)

    def _repr_html_(self) -> str:
        from physlib.audit.report.html import paragraphs

        return paragraphs(self.summary().split("\n"))


class Audits(AuditTable):
    """Audits of several quantities of the same trajectories: `summary()` in words, `save()` as one report and record."""

    def summary(self) -> str:
        """A table, and the main sentence on each quantity."""
        from physlib.audit.report.table import lines

        return "\n".join(lines(self))

    def html(self) -> str:
        """The report: one file, with the table on top."""
        from physlib.audit.report.html import report_of_several

        return report_of_several(self)

    def to_json(self) -> str:
        """The record as text."""
        return json.dumps(self.record(), indent=1, allow_nan=False) + "\n"

    def save(self, html: str | Path | None = None, json_file: str | Path | None = None) -> None:
        """Write the report, the record or both; each file is at every moment its old self or complete."""
        _write(self, html, json_file)


def _write(found: Audit | Audits, html: str | Path | None, json_file: str | Path | None) -> None:
    texts = {html: found.html() if html else None, json_file: found.to_json() if json_file else None}
    for path, text in texts.items():
        if path and text:
            write_atomic(Path(path), text.encode())


def audit(
    demos: Any,
    quantity: str | Sequence[str],
    samples: Any = None,
    *,
    baseline: Any = None,
    residuals: Any = None,
    groups: Any = None,
    paired: Any = None,
    redraw: str | Redraw | None = None,
    kernel: str | None = None,
    reading: Reading | None = None,
    samples_dt: float | None = None,
    samples_key: str | None = None,
    units: str = "",
    angles: tuple[int, ...] = (),
    scene: Scene | None = None,
    seed: int = 0,
) -> Audit | Audits:
    """Audit demonstrations `(N, T, D)`, and samples of a model where there are any, for one quantity or several.

    `demos`, `samples`, `baseline` (real trajectories that were held out) and `residuals` (reconstruction minus original,
    which calibrate the forecast) are files, `minari:NAME`, arrays, tensors, lists of episodes or dictionaries, read as
    `reading` says. `quantity` is one of `QUANTITIES`, of `SCENE_QUANTITIES` in a `scene`, or `module:function`, whose code
    runs; of several, an `Audits` is made, with the rate of false discoveries controlled. `groups` names what makes
    trajectories depend on each other (an array beside them, a file of labels, labels; a pair where samples have their
    own), `paired` the condition that each sample answers, `"row"` for its place in the file. `redraw` is the trained model as a
    function of trajectories `(N, T, D)` and a noise level, or `module:function`: it says at which level the shift is made. `kernel` restricts forecast
    and fit to one kernel. `units` is that of the columns; time is in seconds where `reading.dt` or a file says it, else in
    steps; `samples_dt` and `samples_key` are the samples'
    own time step and name. `angles` are those of the chosen columns that are angles, in
    radians. Raises `PhyslibError` in one sentence for input that cannot be audited.
    """
    reading = reading or Reading()
    reading = dataclasses.replace(reading, angles=tuple(angles) or reading.angles)
    check_kernel(kernel, residuals is not None)
    named = read_redraw(redraw)
    if named is not None and samples is None:
        raise PhyslibError("--redraw says when the samples' shift is made: give --samples as well.")
    data = Data(demos, samples, baseline, residuals, groups, paired, samples_dt, samples_key)
    names = [quantity] if isinstance(quantity, str) else list(dict.fromkeys(quantity))
    if not names:
        raise PhyslibError(f"no quantity is named: choose among {', '.join(QUANTITIES)}.")
    known = [(name, find_quantity(name, scene)) for name in names]  # a wrong name costs no work
    found = [_audited(data, name, measured, reading, kernel, units, named, seed) for name, measured in known]
    return found[0] if isinstance(quantity, str) else Audits(found)


def _audited(
    data: Data,
    name: str,
    measured: Quantity,
    reading: Reading,
    kernel: str | None,
    units: str,
    redraw: tuple[str, Redraw] | None,
    seed: int,
) -> Audit:
    """One audit of one quantity."""
    taken = take_in(data, measured, reading, seed)
    errors = None
    if taken.residuals is not None:
        rng = numpy_rng(seed, "audit residuals")
        errors = from_residuals(taken.residuals, reading, taken.shape, taken.demos.name, rng)
    unit = measured.unit_in(units or "unit", "s" if taken.demos.timed else "step")
    population = Demonstrations(taken.demos, measured, unit)
    build = candidates(population, None, kernel)[kernel] if kernel else None
    rng, kept = numpy_rng(seed, "audit sensitivity"), len(taken.demos.rows)
    probed = population.at(np.sort(rng.choice(kept, min(PROBED, kept), replace=False)))
    left = None if taken.residuals is None else taken.residuals.name
    found = None if taken.samples is None else find_shift(population, taken, data.paired is not None, kernel, seed)
    if found is not None and redraw is not None:
        found = dataclasses.replace(found, decision=decide(population, taken.samples, redraw, seed))
    told = _words(data.groups), _words(data.paired)
    return Audit(
        demos=population,
        unit_in=units,
        warnings=taken.warnings,
        request=Request(name, reading, kernel, left, seed, data.samples_dt, data.samples_key, *told),
        forecast=forecast_range(population, errors or plausible_kernels(population, build), seed),
        sensitivity=coordinate_sensitivity(population, probed, TYPICAL[0], rng, WINDOWS),
        ranking=rank(population, reading.angles, seed),
        findings=found,
    )


def _words(value: Any) -> str | None:
    """How labels were named, without a folder; those in memory have no name."""
    if value is None or isinstance(value, (str, Path)):
        return None if value is None else Path(value).name
    return ", ".join(_words(one) or "" for one in value) if isinstance(value, tuple) else "array"


class _CallablePackage(ModuleType):
    """A package that stands for its main function."""

    __call__ = staticmethod(audit)


sys.modules[__name__].__class__ = _CallablePackage
