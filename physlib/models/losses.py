"""Training losses of denoisers, functions `(denoiser, x, rng)` of clean normalised trajectories; 1 at initialisation."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from physlib.models.precond import Denoiser, StraightPath

P_MEAN, P_STD = (
    -1.2 + math.log(2.0),
    1.2,
)  # Karras et al., table 1, "training"; doubled, theirs being for sigma_data = 0.5
NEAR = 0.3  # noise level below which a denoised trajectory is one that could be measured, and penalised

Penalty = Callable[[Float[Tensor, "M T D"], Float[Tensor, "M T D"]], Float[Tensor, ""]]
"""Of denoised and clean trajectories."""


@dataclass(frozen=True)
class EDMLoss:
    """Denoising error weighted by `(1 + sigma^2) / sigma^2` at levels `ln(sigma) ~ N(P_MEAN + noise_shift, P_STD^2)`.

    Equation 8 of Karras et al. `penalty` is added, of trajectories whose noise is below `NEAR`.
    """

    noise_shift: float = 0.0
    penalty: Penalty | None = None

    def __call__(self, denoiser: Denoiser, x: Float[Tensor, "N T D"], rng: torch.Generator) -> Float[Tensor, ""]:
        sigma = (P_MEAN + self.noise_shift + P_STD * torch.randn(len(x), generator=rng, device=x.device)).exp()
        noise = torch.randn(x.shape, generator=rng, device=x.device) * sigma[:, None, None]
        denoised = denoiser(x + noise, sigma)
        weight = (1 + sigma**2) / sigma**2
        loss = (weight * (denoised - x).square().mean(dim=(1, 2))).mean()
        if self.penalty is None:
            return loss
        near = sigma < NEAR
        return loss + self.penalty(denoised[near], x[near])


def clean_loss(denoiser: Denoiser, x: Float[Tensor, "N T D"], rng: torch.Generator) -> Float[Tensor, ""]:
    """Mean squared error of denoised trajectories at the levels of `EDMLoss`, each weighing the same."""
    sigma = (P_MEAN + P_STD * torch.randn(len(x), generator=rng, device=x.device)).exp()
    noise = torch.randn(x.shape, generator=rng, device=x.device) * sigma[:, None, None]
    return (denoiser(x + noise, sigma) - x).square().mean()


def velocity_loss(denoiser: StraightPath, x: Float[Tensor, "N T D"], rng: torch.Generator) -> Float[Tensor, ""]:
    """Mean squared error of the velocity at times drawn evenly from (0, 1), halved."""
    t = torch.rand(len(x), generator=rng, device=x.device).clamp(1e-5, 1 - 1e-5)
    noise = torch.randn(x.shape, generator=rng, device=x.device)
    share = t[:, None, None]
    velocity = denoiser.velocity((1 - share) * x + share * noise, t)
    return (velocity - (noise - x)).square().mean() / 2
