"""Audits of several quantities of the same trajectories, with the rate of false discoveries controlled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from scipy.stats import false_discovery_control

from physlib.audit.result import SCHEMA_VERSION, AuditResult, plain

LEVEL = 0.05


def adjusted(values: Sequence[float | None]) -> list[float | None]:
    """P-values adjusted for their number; those of tests that were not made stay None and do not count."""
    tested = [value for value in values if value is not None]
    mended = iter(false_discovery_control(tested) if tested else [])
    return [None if value is None else float(next(mended)) for value in values]


class AuditTable:
    """Audits by quantity, and for each the p-value adjusted for their number (Y. Benjamini and Y. Hochberg 1995)."""

    def __init__(self, audits: Sequence[AuditResult]):
        self.audits = list(audits)

    def __iter__(self) -> Iterator[AuditResult]:
        return iter(self.audits)

    def __len__(self) -> int:
        return len(self.audits)

    @property
    def adjusted(self) -> list[float | None]:
        """Of all shifts whose adjusted p-value is under 5 %, at most 5 % are none, on average; None without a test."""
        return adjusted([None if a.findings is None else a.findings.comparison.p_value for a in self.audits])

    def shifted_beyond(self, bound: float) -> list[str]:
        """Quantities with a shift that is tested and larger than a bound on total variation."""
        return [
            a.demos.quantity.name
            for a, p in zip(self.audits, self.adjusted, strict=True)
            if p is not None and p < LEVEL and a.findings.comparison.tv > bound
        ]

    def record(self) -> dict[str, Any]:
        """Every record, and the table on top."""
        return {
            "schema_version": SCHEMA_VERSION,
            "table": [plain(row) for row in self.rows()],
            "audits": {a.demos.quantity.name: a.record() for a in self.audits},
        }

    def rows(self) -> list[dict[str, Any]]:
        """The main numbers of each audit."""
        rows = []
        for a, adjusted in zip(self.audits, self.adjusted, strict=True):
            found, forecast = a.findings, a.forecast
            row = {
                "quantity": a.demos.quantity.name,
                "unit": a.demos.unit,
                "mean": float(np.mean(a.demos.loaded.finite)),
            }
            row |= {"forecast_tv": forecast.tv[0], "forecast_mean_shift": forecast.typical.mean_shift}
            if found is not None:
                c = found.comparison
                row |= {"p_value": c.p_value, "p_adjusted": adjusted, "tv": c.tv, "tv_floor": c.tv_floor}
                row |= {
                    "mean_shift": c.mean_shift,
                    "mean_shift_interval": c.mean_shift_interval,
                    "skill": found.explanation.skill,
                }
            rows.append(row)
        return rows
