"""One integer seed and a purpose name give independent random generators.

Nothing in the library touches a global seed. Two purposes under one seed, and one purpose under
two seeds, give streams that share no state, so adding a step to an experiment does not move the
random numbers of the others.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from physlib.core.errors import PhyslibError

if TYPE_CHECKING:
    import torch


def _sequence(seed: int, purpose: str) -> np.random.SeedSequence:
    if seed < 0:
        raise PhyslibError(f"seed {seed} is negative: give 0 or more.")
    digest = hashlib.sha256(purpose.encode()).digest()
    return np.random.SeedSequence([seed, int.from_bytes(digest[:8], "little")])


def numpy_rng(seed: int, purpose: str) -> np.random.Generator:
    """NumPy generator for one purpose (`"data"`, `"forecast"`, ...) under one non-negative seed."""
    return np.random.default_rng(_sequence(seed, purpose))


def torch_rng(seed: int, purpose: str, device: str = "cpu") -> torch.Generator:
    """PyTorch generator for one purpose under one non-negative seed, on `device`."""
    import torch

    state = int(_sequence(seed, purpose).generate_state(1, np.uint64)[0])
    return torch.Generator(device).manual_seed(state & (2**63 - 1))
