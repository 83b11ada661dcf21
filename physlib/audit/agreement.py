"""Does what fits the bins also agree with the rest: the change of the mean, and the samples' own differences?"""

from __future__ import annotations

import numpy as np

from physlib.audit.after import Explanation
from physlib.audit.candidates import candidates
from physlib.audit.compare import Comparison
from physlib.audit.demonstrations import Demonstrations
from physlib.audit.io.read import Loaded
from physlib.audit.spectrum import CLEAR, Spectrum, mean_squares
from physlib.core.rng import numpy_rng
from physlib.kernels import TrajectoryKernel

SMALL = 0.1  # share of the observed change of the mean below which a kernel's own has no sign to speak of
TWICE = 2.0  # how much more a kernel must add to the differences than the samples have before they contradict it
PROBED = 2_000  # trajectories that the kernel is put on


def contradictions(
    demos: Demonstrations, drawn: Loaded, found: Comparison, e: Explanation, spectrum: Spectrum, seed: int
) -> tuple[str, ...]:
    """Keys of what contradicts the best-fitting kernel: `mean`, `differences`."""
    fit = e.fit_of(e.kernel)
    if fit is None:
        return ()
    reasons, (low, high) = [], found.mean_shift_interval
    surely = low > 0 or high < 0
    if surely and fit.mean_shift * found.mean_shift < 0 and abs(fit.mean_shift) > SMALL * abs(found.mean_shift):
        reasons.append("mean")
    kernel = candidates(demos, fit.length, None).get(fit.kernel, lambda size: None)(fit.size)
    if isinstance(kernel, TrajectoryKernel) and fit.size > 0:
        x = demos.kept._replace(x=demos.kept.x[:PROBED], steps=demos.kept.steps[:PROBED])
        moved = kernel.deviate(demos, x.x, numpy_rng(seed, "audit agreement"))
        added = (mean_squares(x._replace(x=moved), demos.scale) - mean_squares(x, demos.scale)).mean(axis=0)
        seen, error = np.array(spectrum.excess), np.array(spectrum.standard_error)
        if np.all(added > TWICE * np.maximum(seen, 0) + CLEAR * error):
            reasons.append("differences")
    return tuple(reasons)
