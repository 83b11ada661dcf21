"""Diffusion in the formulation of Karras et al. (2022), around any backbone (models layer, objective).

T. Karras, M. Aittala, T. Aila, S. Laine, Elucidating the Design Space of Diffusion-Based Generative
Models (EDM). Equation and table numbers below are theirs. Data are normalised to unit standard
deviation here, so noise levels read as shares of a channel's standard deviation and
`sigma_data = 1`; their constants, given for 0.5, are doubled accordingly.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from physlib.core.errors import unknown
from physlib.models.base import TrajectoryModel

SIGMA_MIN, SIGMA_MAX, RHO = 0.004, 160.0, 7.0  # table 1, "sampling": range and spacing of noise levels
CHURN, CHURN_MIN, CHURN_MAX = math.sqrt(2) - 1, 0.1, 100.0  # algorithm 2, the most noise that is put back, and where
SAMPLERS = ("heun", "euler", "stochastic")
NEAR = 0.3  # noise level below which a denoised trajectory is one that could be measured, and penalised
Penalty = Callable[[Tensor, Tensor], Tensor]  # of denoised and clean trajectories, in data units
P_MEAN, P_STD = -1.2 + math.log(2.0), 1.2  # table 1, "training": log noise levels are N(P_MEAN, P_STD^2)


def noise_levels(steps: int) -> Float[Tensor, " L"]:
    """Decreasing noise levels from SIGMA_MAX to SIGMA_MIN, then 0 (equation 5)."""
    ramp = torch.linspace(0, 1, steps, dtype=torch.float64)
    low, high = SIGMA_MIN ** (1 / RHO), SIGMA_MAX ** (1 / RHO)
    return torch.cat([(high + ramp * (low - high)) ** RHO, torch.zeros(1, dtype=torch.float64)])


class Diffusion(TrajectoryModel):
    """Denoiser `D(x; sigma)` with EDM preconditioning, its loss, and the samplers; probes and plans are always deterministic."""

    error_name = "denoising_error"

    def __init__(
        self,
        backbone: nn.Module,
        mean: np.ndarray,
        std: np.ndarray,
        steps: int,
        heun_steps: int,
        sampler: str = "heun",
        noise_shift: float = 0.0,
        penalty: Penalty | None = None,
    ):
        """`backbone(x, c_noise)` maps `(N, T, D)` and `(N,)` to `(N, T, D)`; `heun_steps` noise levels in sampling.

        `noise_shift` is added to the mean log noise level of training; `penalty` is added to the loss. Raises
        `PhyslibError` for a sampler that is not one of `SAMPLERS`.
        """
        super().__init__(mean, std, steps)
        if sampler not in SAMPLERS:
            raise unknown("sampler", sampler, SAMPLERS)
        self.backbone = backbone
        self.heun_steps, self.sampler, self.noise_shift = heun_steps, sampler, noise_shift
        self.penalty = penalty

    def denoise(
        self, x: Float[Tensor, "N T D"], sigma: Float[Tensor, " N"], held: Float[Tensor, "N T D"] | None = None
    ) -> Float[Tensor, "N T D"]:
        """Denoised trajectories in normalised units (equation 7 with table 1's preconditioning).

        Entries of `held` that are not NaN replace what the network says.
        """
        s = sigma[:, None, None]
        total = (1 + s**2).sqrt()
        said = x / total**2 + s / total * self.backbone(x / total, sigma.log() / 4)
        return said if held is None else torch.where(held.isnan(), said, held)

    def given(self, x: Float[Tensor, "N T D"]) -> Float[Tensor, "N T D"] | None:
        """Entries of normalised trajectories that the model is told instead of asked for, the rest NaN; here none."""
        return None

    def loss(self, x: Float[Tensor, "N T D"], rng: torch.Generator) -> Float[Tensor, ""]:
        """Weighted denoising error (equation 8); 1 at initialisation, the best constant predictor."""
        x = self.normalise(x)
        return self._error(x, self.given(x), rng)

    def _error(self, x: Float[Tensor, "N T D"], held: Tensor | None, rng: torch.Generator) -> Float[Tensor, ""]:
        sigma = (P_MEAN + self.noise_shift + P_STD * torch.randn(len(x), generator=rng, device=x.device)).exp()
        noise = torch.randn(x.shape, generator=rng, device=x.device) * sigma[:, None, None]
        weight = (1 + sigma**2) / sigma**2
        denoised = self.denoise(x + noise, sigma, held)
        loss = (weight * (denoised - x).square().mean(dim=(1, 2))).mean()
        if self.penalty is None:
            return loss
        near = sigma < NEAR
        return loss + self.penalty(self.restore(denoised[near]), self.restore(x[near]))

    def _descend(
        self, x: Tensor, sigmas: Float[Tensor, " L"], held: Tensor | None = None, rng: torch.Generator | None = None
    ) -> Float[Tensor, "N T D"]:
        """Integrate the probability-flow equation down the noise levels (algorithm 1).

        With `rng`, noise is put back before each step where the level is between `CHURN_MIN` and `CHURN_MAX`
        (algorithm 2).
        """
        x = x.double()  # errors of the integrator stay below those of the network
        for now, then in pairwise(sigmas):
            if rng is not None and CHURN_MIN <= now <= CHURN_MAX:
                raised = now * (1 + CHURN)
                fresh = torch.randn(x.shape, generator=rng, device=x.device)
                x, now = x + (raised**2 - now**2).sqrt() * fresh, raised
            x = self._step(x, now, then, held)
        return x.to(self.dtype)

    def _step(self, x: Tensor, now: Tensor, then: Tensor, held: Tensor | None) -> Tensor:
        """From one noise level to the next; the last step, to 0, and the sampler `euler` go straight."""
        slope = (x - self._denoise_at(x, now, held)) / now
        euler = x + (then - now) * slope
        if then == 0 or self.sampler == "euler":
            return euler
        slope = (slope + (euler - self._denoise_at(euler, then, held)) / then) / 2
        return x + (then - now) * slope

    def _denoise_at(self, x: Tensor, sigma: Tensor, held: Tensor | None) -> Tensor:
        level = sigma.to(x.device, self.dtype).expand(len(x))
        return self.denoise(x.to(self.dtype), level, held).double()

    @torch.no_grad()
    def sample(self, n: int, rng: torch.Generator) -> Float[Tensor, "N T D"]:
        sigmas = noise_levels(self.heun_steps)
        noise = torch.randn(n, self.steps, self.dims, generator=rng, device=self.device)
        churn = rng if self.sampler == "stochastic" else None
        return self.restore(self._descend(noise * sigmas[0], sigmas, rng=churn))

    @torch.no_grad()
    def inpaint(self, known: Float[Tensor, "N T D"], rng: torch.Generator) -> Float[Tensor, "N T D"]:
        """Samples with the entries of `known` (data units) that are not NaN held, as Diffuser plans between end points.

        Held entries replace what the network says in every evaluation, so that they follow the exact
        flow from noise to their value and the network sees them at the noise level of the rest.
        """
        sigmas = noise_levels(self.heun_steps)
        noise = torch.randn(known.shape, generator=rng, device=self.device)
        held = self.normalise(known)
        start = torch.where(held.isnan(), 0, held) + noise * sigmas[0]
        return self.restore(self._descend(start, sigmas, held))

    @torch.no_grad()
    def redraw(self, x, level, rng):
        """Noise data to `level` (share of each channel's standard deviation) and let the model denoise them.

        What comes back is where the model moves trajectories that were right at that level: with a
        small level, the model's local deviation alone.
        """
        sigmas = noise_levels(self.heun_steps)
        start = torch.tensor([level], dtype=torch.float64)
        noise = torch.randn(x.shape, generator=rng, device=x.device)
        clean, levels = self.normalise(x), torch.cat([start, sigmas[sigmas < level]])
        return self.restore(self._descend(clean + level * noise, levels, self.given(clean)))

    @torch.no_grad()
    def local_error(self, x, level, rng):
        """Root-mean-square error of one denoising step over the noise level, both per entry of x."""
        clean = self.normalise(x)
        noisy = clean + level * torch.randn(x.shape, generator=rng, device=x.device)
        denoised = self.denoise(noisy, torch.full((len(x),), level, device=x.device), self.given(clean))
        return float((denoised - clean).square().mean().sqrt()) / level
