"""Everything that an audit finds with samples: the comparison, its cause, their looks."""

from __future__ import annotations

import dataclasses

import numpy as np

from physlib.audit.after import Explanation, explain
from physlib.audit.agreement import agreement
from physlib.audit.compare import Comparison, compare
from physlib.audit.demonstrations import Demonstrations
from physlib.audit.groups import LEAST as LEAST_GROUPS
from physlib.audit.groups import dependence, groups_of
from physlib.audit.intake import Intake
from physlib.audit.io.read import Loaded
from physlib.audit.plausibility import read_plausibility
from physlib.audit.result import Baseline, SampleFindings
from physlib.audit.spectrum import read_spectrum
from physlib.core.rng import numpy_rng
from physlib.stats.samples import SamplePair

LEAST = 100  # trajectories below which nothing is tested


def find_shift(demos: Demonstrations, taken: Intake, paired: bool, kernel: str | None, seed: int) -> SampleFindings:
    """Everything that needs samples."""
    drawn, floor = taken.samples, None
    found = _compared(demos, drawn, taken.pair(paired), numpy_rng(seed, "audit comparison"))
    baseline = None
    if taken.baseline is not None:
        pair = dataclasses.replace(taken, samples=taken.baseline).pair(False)
        held = _compared(demos, taken.baseline, pair, numpy_rng(seed, "audit baseline"))
        baseline = Baseline(taken.baseline.name, len(taken.baseline.q), held)
        floor = max(found.tv_floor, held.tv)
    spectrum = read_spectrum(demos.kept, drawn.kept, demos.scale)
    tested = found.p_value is not None
    explanation = explain(demos, drawn, kernel, seed, floor or found.tv_floor) if tested else Explanation()
    unnamed = () if paired else (loaded for loaded in (demos.loaded, drawn) if groups_of(loaded) is None)
    return SampleFindings(
        drawn=drawn,
        comparison=found,
        baseline=baseline,
        spectrum=spectrum,
        explanation=explanation,
        agreement=agreement(demos, found, explanation, spectrum, seed),
        plausibility=read_plausibility(
            demos.kept,
            drawn.kept,
            demos.scale,
            numpy_rng(seed, "audit looks"),
            None if demos.units is None else demos.units[demos.loaded.rows],
        ),
        dependence=tuple(said for loaded in unnamed if (said := dependence(loaded)) is not None),
    )


def _compared(demos: Demonstrations, drawn: Loaded, pair: SamplePair, rng: np.random.Generator) -> Comparison:
    """Two sets of trajectories compared, and tested where there are enough."""
    groups = [g for g in (groups_of(demos.loaded), groups_of(drawn)) if g is not None]
    enough = min(len(demos.loaded.q), len(drawn.q)) >= LEAST and all(int(g.max()) + 1 >= LEAST_GROUPS for g in groups)
    return compare(demos.bins, demos.loaded.q, drawn.q, rng, pair, tested=enough)
