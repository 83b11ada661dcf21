"""What a linear autoencoder of given noise makes of data (kernels layer)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float

from physlib.core.errors import PhyslibError
from physlib.core.rng import numpy_rng
from physlib.kernels.base import TrajectoryKernel
from physlib.tasks.base import Task

DRAWS = 50_000  # trajectories behind the principal components


@lru_cache(maxsize=16)
def principal_components(
    task: Task,
) -> tuple[Float[np.ndarray, " TD"], Float[np.ndarray, " TD"], Float[np.ndarray, "TD TD"]]:
    """Mean, variances and directions (columns) of trajectories in channel standard deviations."""
    flat = (task.draw(DRAWS, numpy_rng(0, f"principal components {task.name}")).x / task.scale).reshape(DRAWS, -1)
    variances, directions = np.linalg.eigh(np.cov(flat.T))
    return flat.mean(axis=0), np.clip(variances, 1e-12, None), directions


@dataclass(frozen=True)
class LinearVAE(TrajectoryKernel):
    """Encode, move the latent variables towards the prior, decode: principal components are shrunk and blurred.

    A linear variational autoencoder with decoder noise `s` is probabilistic principal component analysis (J. Lucas et
    al., Don't Blame the ELBO!, 2019). With `a = max(0, 1 - s^2 / variance)` it sends a component c to `a c + s sqrt(a) e`:
    what varies less than the noise is lost, the rest keeps its variance less s^2. The decoder's mean is
    taken, as in sampling. The gap between the latent variables of data and the prior that replaces them is `t`: each
    goes to `sqrt(1 - t^2) z + t e`, which leaves a Gaussian as it is and blurs the surface that data fill, by a
    share of each component's own deviation. Raises `PhyslibError` for t above 1.
    """

    name = "linear-vae"
    most = {"t": 1.0}
    s: float  # decoder noise, share of each channel's standard deviation
    t: float  # weight of a fresh draw from the prior, 1 for nothing else

    def __post_init__(self):
        if self.t > 1:
            raise PhyslibError(
                f"t of linear-vae is the weight of a fresh draw and at most 1, but {self.t:g} was given."
            )

    def deviate(self, task, x, rng):
        mean, variances, directions = principal_components(task)
        parts = ((x / task.scale).reshape(len(x), -1) - mean) @ directions
        kept = np.clip(1 - self.s**2 / variances, 0, None)
        parts = kept * parts + self.s * np.sqrt(kept) * rng.standard_normal(parts.shape)
        fresh = np.sqrt(kept * variances) * rng.standard_normal(parts.shape)
        parts = np.sqrt(1 - self.t**2) * parts + self.t * fresh
        return (mean + parts @ directions.T).reshape(x.shape) * task.scale
