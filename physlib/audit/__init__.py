"""The audit of an engineer's own trajectories: before training a forecast, after training a test (pages layer).

`audit("demos.npz", "path_length", samples="generated.npz").summary()`, or `physlib audit` on the command line.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from physlib.audit.after import explain
from physlib.audit.before import outlook, plausible, sensitivities
from physlib.audit.bins import bins_of
from physlib.audit.compare import compare
from physlib.audit.demonstrations import Demonstrations
from physlib.audit.io.read import Intake, Reading, check_demonstrated, check_match, open_trajectories, take_in
from physlib.audit.ladder import check_kernel, families, from_residuals
from physlib.audit.plausibility import looks
from physlib.audit.quantities import QUANTITIES, find_quantity
from physlib.audit.representation import rank
from physlib.audit.result import Asked, Audit, Findings
from physlib.audit.spectrum import read_spectrum
from physlib.core.errors import PhyslibError
from physlib.core.rng import numpy_rng

__all__ = ["QUANTITIES", "Audit", "Reading", "audit"]

Data = str | Path | np.ndarray


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
    """Audit demonstrations `(N, T, D)`, and samples of a model where given, for one quantity.

    `demos`, `samples` and `residuals` are arrays or files (`.npy`, `.npz`, HDF5, `minari:NAME`), read as `reading` says.
    `quantity` is one of `QUANTITIES` or `module:function`, whose code runs. `kernel` restricts forecast and fit to one
    kernel; or `residuals` (reconstruction minus original) calibrate the forecast. `units` is that of the columns; time is
    in seconds where `reading.dt` is given, else in steps. `angles` are those of the chosen columns that are angles, in
    radians. Raises `PhyslibError` in one sentence for input that cannot be audited.
    """
    measured, reading = find_quantity(quantity), reading or Reading()
    check_kernel(kernel, residuals is not None)
    source = open_trajectories(demos, reading)
    given = None if samples is None else open_trajectories(samples, reading)
    if given is not None:
        check_match(source, given, reading)
    length = reading.length or source.shape[1]
    columns = len(reading.columns or range(source.shape[2]))
    for angle in angles:
        if not 0 <= angle < columns:
            raise PhyslibError(f"there is no column {angle} among the {columns} chosen ones: mend --angles.")
    left = None if residuals is None else open_trajectories(residuals, reading)
    errors = None
    if left is not None:
        errors = from_residuals(left, reading, source.shape[1:], source.name, numpy_rng(seed, "audit residuals"))
    intake = take_in(source, measured, reading, numpy_rng(seed, "audit demonstrations"), length)
    check_demonstrated(intake, measured)
    drawn = None if given is None else take_in(given, measured, reading, numpy_rng(seed, "audit samples"), length)
    unit = measured.unit_in(units or "unit", "step" if reading.dt is None else "s")
    demonstrated = Demonstrations(intake, measured, bins_of(intake.q), unit)
    build = families(demonstrated, None, kernel)[kernel] if kernel else None
    return Audit(
        demos=demonstrated,
        unit=unit,
        unit_in=units,
        asked=Asked(quantity, reading, angles, kernel, None if left is None else left.name, seed),
        outlook=outlook(demonstrated, seed, errors or plausible(demonstrated, build)),
        sensitivity=sensitivities(demonstrated, seed),
        ranking=rank(demonstrated, angles, seed),
        findings=None if drawn is None else _findings(demonstrated, drawn, kernel, seed),
    )


def _findings(demos: Demonstrations, drawn: Intake, kernel: str | None, seed: int) -> Findings:
    """Everything that needs samples."""
    if not np.isfinite(drawn.q).any():
        raise PhyslibError(
            f"{demos.quantity.name} is finite for none of the samples in {drawn.name}: nothing to compare."
        )
    return Findings(
        name=drawn.name,
        count=len(drawn.q),
        comparison=compare(demos.bins, demos.intake.q, drawn.q, numpy_rng(seed, "audit comparison")),
        spectrum=read_spectrum(demos.kept, drawn.kept, demos.scale),
        explanation=explain(demos, drawn, kernel, seed),
        plausibility=looks(demos.kept, drawn.kept, demos.scale, numpy_rng(seed, "audit looks")),
    )
