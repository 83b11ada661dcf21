"""What an audit found, as an object and as a record of numbers (pages layer)."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from physlib.audit.after import Explanation
from physlib.audit.before import Outlook, Sensitivity
from physlib.audit.compare import Comparison
from physlib.audit.demonstrations import Demonstrations
from physlib.audit.io.read import Reading
from physlib.audit.ladder import BASELINE
from physlib.audit.plausibility import QUANTILES, Plausibility
from physlib.audit.representation import Ranked
from physlib.audit.spectrum import Spectrum
from physlib.core.files import write_atomic
from physlib.core.provenance import revision
from physlib.kernels import Kernel

if TYPE_CHECKING:
    from physlib.figures import Figure

SCHEMA_VERSION = 2  # raise by hand when a key of the record changes meaning


@dataclass(frozen=True)
class Findings:
    """What only samples can tell."""

    name: str  # of the file of samples
    count: int
    comparison: Comparison
    spectrum: Spectrum
    explanation: Explanation
    plausibility: Plausibility


@dataclass(frozen=True)
class Asked:
    """What makes an audit the same when it is asked for again, beside its files."""

    quantity: str
    reading: Reading
    angles: tuple[int, ...]
    kernel: str | None  # the only one to be tried
    residuals: str | None  # name of the file that set the forecast's error
    seed: int


@dataclass(frozen=True)
class Audit:
    """One audit. `summary()` says it, `plot()` shows it, `save()` writes a report and a record."""

    demos: Demonstrations
    unit: str  # of the quantity, "" where it is not known
    unit_in: str  # of the columns
    asked: Asked
    outlook: Outlook
    sensitivity: Sensitivity
    ranking: list[Ranked]
    findings: Findings | None  # None without samples

    def summary(self) -> str:
        """The findings in plain sentences, a line each."""
        from physlib.audit.report.text import sentences

        return "\n".join(line for lines in sentences(self).values() for line in lines)

    def _repr_html_(self) -> str:
        from physlib.audit.report.html import paragraphs

        return paragraphs(self.summary().split("\n"))

    def plot(self, which: str | None = None) -> Figure:
        """The main figure: where the quantity gains and loses; or another of `figures()` by name."""
        from physlib.audit.report.figures import FIGURES
        from physlib.core.errors import unknown

        which = which or "shift"
        if which not in FIGURES:
            raise unknown("figure", which, FIGURES)
        return FIGURES[which](self)

    def html(self) -> str:
        """The report: one file with everything in it."""
        from physlib.audit.report.html import report

        return report(self)

    def save(self, html: str | Path | None = None, json_file: str | Path | None = None) -> None:
        """Write the report, the record or both; each file is at every moment its old self or complete."""
        texts = {html: self.html() if html else None, json_file: self.to_json() if json_file else None}
        for path, text in texts.items():
            if path and text:
                write_atomic(Path(path), text.encode())

    def to_json(self) -> str:
        """The record as text."""
        return json.dumps(self.record(), indent=1, allow_nan=False) + "\n"

    def record(self) -> dict[str, Any]:
        """Every number of the report; what is not available is None. Masses are shares of all trajectories."""
        intake, bins, q = self.demos.intake, self.demos.bins, self.demos.intake.q
        found = {
            "schema_version": SCHEMA_VERSION,
            "physlib": {"version": _release(), "revision": revision()},
            "asked": self.asked,
            "demonstrations": {
                "file": intake.name,
                "trajectories": len(q),
                "steps": self.demos.shape[0],
                "column_mean": intake.mean,
                "column_standard_deviation": intake.scale,
                "unit": self.unit_in or None,
            },
            "quantity": {
                "name": self.demos.quantity.name,
                "unit": self.unit or None,
                "mean": q.mean(),
                "standard_deviation": q.std(),
                "quantiles": {str(p): np.quantile(q, p) for p in (0.005, 0.25, 0.5, 0.75, 0.995)},
            },
            "bins": {"edges": bins.edges, "intended": bins.intended},
            "forecast": self._forecast(),
            "sensitivity": {
                "first_step": self.sensitivity.windows,
                "slope": self.sensitivity.slope,
                "drift": self.sensitivity.drift,
            },
            "representations": [r._asdict() for r in self.ranking],
        }
        return plain(found | self._after())

    def _forecast(self) -> dict[str, Any]:
        outlook, intended = self.outlook, self.demos.bins.intended
        tv, low, high = outlook.tv(intended)
        shifts = [m.mean_shift for m in outlook.members]
        return {
            "kernel": kernel_record(outlook.typical.kernel),
            "range_over": "assumed sizes and spectra" if self.asked.residuals is None else "resampled residuals",
            "settings": [kernel_record(m.kernel) for m in outlook.members] if self.asked.residuals is None else None,
            "tv": tv,
            "tv_range": (low, high),
            "mean_shift": outlook.typical.mean_shift,
            "mean_shift_range": (min(shifts), max(shifts)),
            "mass": outlook.typical.mass,
            "mass_range": (outlook.low, outlook.high),
            "transition": outlook.typical.transition,
            "drift": outlook.typical.drift,
            "gains": outlook.gains,
            "losses": outlook.losses,
        }

    def _after(self) -> dict[str, Any]:
        """Keys that need samples; all there, all None without."""
        if self.findings is None:
            return dict.fromkeys(AFTER)
        f, c, e = self.findings, self.findings.comparison, self.findings.explanation
        white, base = e.white, e.rung(BASELINE)
        values = (
            {"file": f.name, "trajectories": f.count, "failed": c.failed},
            *(c.p_value, c.tv, c.tv_interval, c.tv_floor, c.w1, c.w1_interval, c.mean_shift, c.mean_shift_interval),
            *(c.gains, c.losses, c.mass),
            *(e.kernel, e.skill, e.skill_interval),
            *((None, None) if base is None else (base.skill, base.skill_interval)),
            *(e.advantage, e.advantage_interval),
            *(
                (None, None, None)
                if white is None
                else (white.size, white.size_interval, white.size * self.demos.scale)
            ),
            e.ladder,
            dataclasses.asdict(f.spectrum) | {"kind": f.spectrum.kind},
            {
                "within": f.plausibility.within,
                "expected": f.plausibility.expected,
                "quantiles": QUANTILES,
                "proxies": f.plausibility.proxies,
            },
        )
        return dict(zip(AFTER, values, strict=True))


AFTER = (
    *("samples", "p_value", "tv", "tv_interval", "tv_floor", "w1", "w1_interval", "mean_shift", "mean_shift_interval"),
    *("gains", "losses", "mass", "kernel", "skill", "skill_interval", "baseline_skill", "baseline_skill_interval"),
    *(
        "advantage",
        "advantage_interval",
        "scale",
        "scale_interval",
        "scale_data_units",
        "ladder",
        "spectrum",
        "plausibility",
    ),
)
"""Keys of a record that are None without samples."""


def _release() -> str | None:
    """Version of the installed library; None where it runs from its source."""
    try:
        return version("physlib")
    except PackageNotFoundError:
        return None


def kernel_record(kernel: Kernel) -> dict[str, Any]:
    """A kernel's name and numbers."""
    return {"name": kernel.name} | kernel.parameters


def plain(value: Any) -> Any:
    """Arrays, records and tuples as what JSON knows; what is not finite as None."""
    if dataclasses.is_dataclass(value):
        return plain(dataclasses.asdict(value))
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(v) for v in value]
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value
