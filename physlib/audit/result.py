"""What an audit found: plain data, and its record as JSON knows it."""

from __future__ import annotations

import dataclasses
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from physlib.audit.after import Explanation
from physlib.audit.agreement import Agreement
from physlib.audit.before import ForecastRange
from physlib.audit.candidates import BASELINE
from physlib.audit.compare import Comparison
from physlib.audit.demonstrations import Demonstrations
from physlib.audit.ends import HardEnd, hard_ends
from physlib.audit.groups import GROUP
from physlib.audit.io.episodes import Reading
from physlib.audit.io.read import Loaded
from physlib.audit.plausibility import Plausibility
from physlib.audit.redraw import Decision
from physlib.audit.representation import RankedRepresentation
from physlib.audit.spectrum import Spectrum
from physlib.core.provenance import revision
from physlib.kernels import Kernel
from physlib.tasks.sensitivity import Sensitivity

SCHEMA_VERSION = 3  # raise by hand when a key of the record changes meaning


@dataclass(frozen=True)
class Baseline:
    """Real trajectories that were held out, compared like samples: the difference that is none of the model's."""

    name: str
    count: int
    comparison: Comparison


@dataclass(frozen=True)
class SampleFindings:
    """What only samples can tell."""

    drawn: Loaded = field(repr=False)
    comparison: Comparison
    baseline: Baseline | None
    spectrum: Spectrum
    explanation: Explanation
    agreement: Agreement  # of the best-fitting kernel with what it was not fitted to
    plausibility: Plausibility
    dependence: tuple[str, ...]  # why trajectories may depend on each other that are taken as independent
    decision: Decision | None = None  # when the model makes the shift, where it was asked to redraw

    @property
    def name(self) -> str:
        """Of the file of samples."""
        return self.drawn.name

    @property
    def count(self) -> int:
        """Number of samples."""
        return len(self.drawn.q)

    @property
    def shifted(self) -> bool | None:
        """Whether the test finds a shift; None without a test."""
        p = self.comparison.p_value
        return None if p is None else p < 0.05


@dataclass(frozen=True)
class Request:
    """What makes an audit the same when it is made again, beside its files."""

    quantity: str
    reading: Reading
    kernel: str | None  # the only one to be tried
    residuals: str | None  # name of the file that set the forecast's error
    seed: int
    samples_dt: float | None
    samples_key: str | None
    groups: str | None
    paired: str | None


@dataclass(frozen=True)
class AuditResult:
    """Everything that one audit found."""

    demos: Demonstrations
    unit_in: str  # of the columns
    warnings: tuple[str, ...]  # what looks wrong in the files
    request: Request
    forecast: ForecastRange
    sensitivity: Sensitivity
    ranking: list[RankedRepresentation]
    findings: SampleFindings | None  # None without samples

    @property
    def ends(self) -> list[HardEnd]:
        """Hard ends of the demonstrations' quantity."""
        return hard_ends(self.demos.loaded.finite, self.forecast.typical)

    def record(self) -> dict[str, Any]:
        """Every number of the report; what is not available is None. Masses are shares of all trajectories."""
        loaded, bins, q = self.demos.loaded, self.demos.bins, self.demos.loaded.finite
        found = {
            "schema_version": SCHEMA_VERSION,
            "physlib": {"version": _release(), "revision": revision()},
            "asked": self.request,
            "warnings": self.warnings,
            "demonstrations": {
                "file": loaded.name,
                "trajectories": len(loaded.q),
                "groups": None if self.demos.units is None else len(np.unique(loaded.labels[GROUP])),
                "effective": self.demos.counted.effective,
                "undefined": len(loaded.q) - len(q),
                "dropped": loaded.dropped,
                "steps": self.demos.shape[0],
                "column_mean": loaded.mean,
                "column_standard_deviation": loaded.scale,
                "unit": self.unit_in or None,
            },
            "quantity": {
                "name": self.demos.quantity.name,
                "unit": self.demos.unit or None,
                "mean": q.mean(),
                "standard_deviation": q.std(),
                "quantiles": {str(p): np.quantile(q, p) for p in (0.005, 0.25, 0.5, 0.75, 0.995)},
            },
            "bins": {"edges": bins.edges, "intended": bins.reference},
            "forecast": self._forecast(),
            "hard_ends": self.ends,
            "sensitivity": {
                "first_step": self.sensitivity.windows,
                "slope": self.sensitivity.slope,
                "drift": self.sensitivity.drift,
            },
            "representations": self.ranking,
        }
        found |= dict.fromkeys(AFTER) if self.findings is None else _after(self.findings, self.demos)
        return plain(found)

    def _forecast(self) -> dict[str, Any]:
        typical, members = self.forecast.typical, self.forecast.members
        tv, low, high = self.forecast.tv
        shifts, assumed = [m.mean_shift for m in members], self.request.residuals is None
        return {
            "kernel": _kernel(typical.kernel),
            "range_over": "assumed sizes and spectra" if assumed else "resampled residuals",
            "settings": [_kernel(m.kernel) for m in members] if assumed else None,
            "tv": tv,
            "tv_range": (low, high),
            "mean_shift": typical.mean_shift,
            "mean_shift_range": (min(shifts), max(shifts)),
            "mass": typical.mass,
            "mass_range": (self.forecast.low, self.forecast.high),
            "transition": typical.transition,
            "drift": [None, *typical.drift, None, None],  # by row of the mass; none beyond the bins
            "gains": self.forecast.gains,
            "losses": self.forecast.losses,
        }


AFTER = (
    *("samples", "baseline", "dependence", "contradictions", "size_in_differences", "effective"),
    *("p_value", "tv", "tv_interval", "tv_floor", "w1", "w1_interval", "mean_shift", "mean_shift_interval"),
    *("gains", "losses", "mass", "kernel", "skill", "skill_interval", "baseline_skill", "baseline_skill_interval"),
    *("advantage", "advantage_interval", "scale", "scale_interval", "scale_data_units", "ladder"),
    *("spectrum", "plausibility", "decision"),
)
"""Keys of a record that are None without samples."""


def _after(findings: SampleFindings, demos: Demonstrations) -> dict[str, Any]:
    """Keys that need samples."""
    comparison, explanation = asdict(findings.comparison), asdict(findings.explanation)
    del explanation["mass"]  # of a forecast, not of what was seen
    base, white, held = findings.explanation.fit_of(BASELINE), findings.explanation.white, findings.baseline
    return {
        "samples": {"file": findings.name, "trajectories": findings.count, "failed": comparison.pop("failed")},
        "baseline": held and {"file": held.name, "trajectories": held.count, **asdict(held.comparison)},
        "dependence": findings.dependence,
        "contradictions": findings.agreement.contradictions,
        "size_in_differences": findings.agreement.size,
        **comparison,
        **explanation,
        "baseline_skill": base and base.skill,
        "baseline_skill_interval": base and base.skill_interval,
        "scale": white and white.size,
        "scale_interval": white and white.size_interval,
        "scale_data_units": white and white.size * demos.scale,
        "spectrum": asdict(findings.spectrum) | {"kind": findings.spectrum.kind},
        "plausibility": findings.plausibility,
        "decision": findings.decision,
    }


def _release() -> str | None:
    """Version of the installed library; None where it runs from its source."""
    try:
        return version("physlib")
    except PackageNotFoundError:
        return None


def _kernel(kernel: Kernel) -> dict[str, Any]:
    """A kernel's name and numbers."""
    return {"name": kernel.name} | kernel.parameters


def plain(value: Any) -> Any:
    """Arrays, records and tuples as what JSON knows; what is not finite as None."""
    if dataclasses.is_dataclass(value):
        return plain(asdict(value))
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(v) for v in value]
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value
