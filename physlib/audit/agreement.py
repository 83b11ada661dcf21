"""Does what fits the bins also agree with the rest: the change of the mean, and the samples' own differences?"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from physlib.audit.after import Explanation
from physlib.audit.candidates import candidates
from physlib.audit.compare import Comparison
from physlib.audit.demonstrations import Demonstrations
from physlib.audit.io.episodes import Episodes
from physlib.audit.spectrum import CLEAR, Spectrum, mean_squares
from physlib.core.rng import numpy_rng
from physlib.kernels import TrajectoryKernel

SMALL = 0.1  # share of the observed change of the mean below which a kernel's own has no sign to speak of
TWICE = 1.5  # how much smaller the size must be that differences show before they contradict it
PROBED = 2_000  # trajectories that the kernel is put on


class Agreement(NamedTuple):
    """The best-fitting kernel beside what it was not fitted to."""

    contradictions: tuple[str, ...] = ()  # `mean`, `differences`: what says that it is not the cause
    size: float | None = None  # of this kernel, read from the samples' differences; None where they say nothing


def agreement(demos: Demonstrations, found: Comparison, e: Explanation, spectrum: Spectrum, seed: int) -> Agreement:
    """Compare the change of the mean that the kernel makes by itself, and what it adds to differences between steps."""
    fit = e.fit_of(e.kernel)
    if fit is None:
        return Agreement()
    reasons, (low, high) = [], found.mean_shift_interval
    surely = low > 0 or high < 0
    if surely and fit.mean_shift * found.mean_shift < 0 and abs(fit.mean_shift) > SMALL * abs(found.mean_shift):
        reasons.append("mean")
    size = None
    kernel = candidates(demos, fit.length, None).get(fit.kernel, lambda size: None)(fit.size)
    if isinstance(kernel, TrajectoryKernel) and fit.size > 0:
        x = Episodes(*(part[:PROBED] for part in demos.kept))
        moved = kernel.deviate(demos, x.x, numpy_rng(seed, "audit agreement"))
        added = (mean_squares(x._replace(x=moved), demos.scale) - mean_squares(x, demos.scale)).mean(axis=0)
        seen, error = np.array(spectrum.excess), np.array(spectrum.standard_error)
        if np.all(added > TWICE**2 * np.maximum(seen, 0) + CLEAR * error):
            reasons.append("differences")
        best = int(np.argmax(seen / error))
        if seen[best] > CLEAR * error[best] and added[best] > 0 and not spectrum.moved:
            size = float(fit.size * np.sqrt(seen[best] / added[best]))
    return Agreement(tuple(reasons), size)
