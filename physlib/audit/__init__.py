"""The audit of anyone's own trajectories: before training a forecast, after training a test.

`audit("demos.npz", "path_length", samples="generated.npz").summary()`, or `physlib audit` on the command line. The
package is callable: `from physlib import audit` and `from physlib.audit import audit` are the same to call.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from physlib.audit.after import explain
from physlib.audit.before import TYPICAL, forecast_range, plausible_kernels
from physlib.audit.candidates import candidates, check_kernel, from_residuals
from physlib.audit.compare import compare
from physlib.audit.demonstrations import Demonstrations
from physlib.audit.io.read import Loaded, Reading, check_demonstrated, check_match, load, open_trajectories
from physlib.audit.plausibility import read_plausibility
from physlib.audit.quantities import find_quantity
from physlib.audit.report.text import sentences
from physlib.audit.representation import rank
from physlib.audit.result import AuditResult, Request, SampleFindings
from physlib.audit.spectrum import read_spectrum
from physlib.core.errors import PhyslibError, unknown
from physlib.core.files import write_atomic
from physlib.core.rng import numpy_rng
from physlib.tasks.quantities import QUANTITIES
from physlib.tasks.sensitivity import coordinate_sensitivity

if TYPE_CHECKING:
    from physlib.figures import CaptionedFigure

__all__ = ["QUANTITIES", "Audit", "Reading", "audit"]

Data = str | Path | np.ndarray
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
        texts = {html: self.html() if html else None, json_file: self.to_json() if json_file else None}
        for path, text in texts.items():
            if path and text:
                write_atomic(Path(path), text.encode())

    def _repr_html_(self) -> str:
        from physlib.audit.report.html import paragraphs

        return paragraphs(self.summary().split("\n"))


def audit(
    demos: Data,
    quantity: str,
    samples: Data | None = None,
    *,
    kernel: str | None = None,
    residuals: Data | None = None,
    reading: Reading | None = None,
    units: str = "",
    angles: tuple[int, ...] = (),
    seed: int = 0,
) -> Audit:
    """Audit demonstrations `(N, T, D)`, and samples of a model where there are any, for one quantity.

    `demos`, `samples` and `residuals` are arrays or files (`.npy`, `.npz`, HDF5, `minari:NAME`), read as `reading` says.
    `quantity` is one of `QUANTITIES` or `module:function`, whose code runs. `kernel` restricts forecast and fit to one
    kernel; or `residuals` (reconstruction minus original) calibrate the forecast. `units` is that of the columns; time is
    in seconds where `reading.dt` is known, else in steps. `angles` are those of the chosen columns that are angles, in
    radians. Raises `PhyslibError` in one sentence for input that cannot be audited.
    """
    measured, reading = find_quantity(quantity), reading or Reading()
    check_kernel(kernel, residuals is not None)
    source = open_trajectories(demos, reading)
    generated = None if samples is None else open_trajectories(samples, reading)
    if generated is not None:
        check_match(source, generated, reading)
    length = reading.length or source.shape[1]
    columns = len(reading.columns or range(source.shape[2]))
    for angle in angles:
        if not 0 <= angle < columns:
            raise PhyslibError(f"there is no column {angle} among the {columns} chosen ones: mend --angles.")
    left = None if residuals is None else open_trajectories(residuals, reading)
    errors = None
    if left is not None:
        errors = from_residuals(left, reading, source.shape[1:], source.name, numpy_rng(seed, "audit residuals"))
    loaded = load(source, measured, reading, numpy_rng(seed, "audit demonstrations"), length)
    check_demonstrated(loaded, measured)
    drawn = None if generated is None else load(generated, measured, reading, numpy_rng(seed, "audit samples"), length)
    unit = measured.unit_in(units or "unit", "step" if reading.dt is None else "s")
    population = Demonstrations(loaded, measured, unit)
    build = candidates(population, None, kernel)[kernel] if kernel else None
    rng = numpy_rng(seed, "audit sensitivity")
    probed = population.at(np.sort(rng.choice(len(loaded.rows), min(PROBED, len(loaded.rows)), replace=False)))
    return Audit(
        demos=population,
        unit_in=units,
        request=Request(quantity, reading, angles, kernel, None if left is None else left.name, seed),
        forecast=forecast_range(population, errors or plausible_kernels(population, build), seed),
        sensitivity=coordinate_sensitivity(population, probed, TYPICAL[0], rng, WINDOWS),
        ranking=rank(population, angles, seed),
        findings=None if drawn is None else _findings(population, drawn, kernel, seed),
    )


def _findings(demos: Demonstrations, drawn: Loaded, kernel: str | None, seed: int) -> SampleFindings:
    """Everything that needs samples."""
    if not np.isfinite(drawn.q).any():
        raise PhyslibError(
            f"{demos.quantity.name} is finite for none of the samples in {drawn.name}: nothing to compare."
        )
    return SampleFindings(
        name=drawn.name,
        count=len(drawn.q),
        comparison=compare(demos.bins, demos.loaded.q, drawn.q, numpy_rng(seed, "audit comparison")),
        spectrum=read_spectrum(demos.kept, drawn.kept, demos.scale),
        explanation=explain(demos, drawn, kernel, seed),
        plausibility=read_plausibility(demos.kept, drawn.kept, demos.scale, numpy_rng(seed, "audit looks")),
    )


class _CallablePackage(ModuleType):
    """A package that stands for its main function."""

    __call__ = staticmethod(audit)


sys.modules[__name__].__class__ = _CallablePackage
