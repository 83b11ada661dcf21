"""Diffusion that is told numbers about the trajectory it makes, with classifier-free guidance (models layer).

J. Ho and T. Salimans, Classifier-Free Diffusion Guidance (2022): one network learns to denoise with what it is told
and, for a share of the batch, without; sampling goes along the difference of the two.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from physlib.core.errors import PhyslibError
from physlib.models.diffusion import Diffusion, noise_levels

UNTOLD = 0.1  # share of a batch that is denoised without being told


class Guided(Diffusion):
    """Denoiser of trajectories of D channels, told C numbers of each, which travel behind the D as constant channels."""

    def __init__(
        self,
        backbone: nn.Module,
        mean: Float[np.ndarray, "*T DC"],
        std: Float[np.ndarray, "*T DC"],
        steps: int,
        heun_steps: int,
        told: int,
        guidance: float = 1.0,
        **options,
    ):
        """`backbone` has `D + C + 1` channels, the last of which says whether anything was told; of what it returns the
        first D count. `guidance` 1 follows what was told, more exaggerates it.
        """
        super().__init__(backbone, mean[..., :-told], std[..., :-told], steps, heun_steps, **options)
        self.guidance = guidance
        for name, values in (("told_mean", mean), ("told_std", std)):  # alike at all steps
            last = values.reshape(-1, values.shape[-1])[0, -told:]
            self.register_buffer(name, torch.as_tensor(last, dtype=torch.float32))

    def _flagged(self, told: Float[Tensor, "N C"]) -> Float[Tensor, "N C1"]:
        """What the network is told, normalised, and a one."""
        told = (told - self.told_mean) / self.told_std
        return torch.cat([told, torch.ones_like(told[:, :1])], dim=1)

    def denoise(self, x, sigma, held):
        """`held` `(N, C + 1)` is what is told, zeros where nothing is."""
        said = self._said(x, sigma, held)
        if self.training or self.guidance == 1:
            return said
        alone = self._said(x, sigma, torch.zeros_like(held))
        return alone + self.guidance * (said - alone)

    def _said(self, x: Tensor, sigma: Tensor, held: Tensor) -> Float[Tensor, "N T D"]:
        s = sigma[:, None, None]
        total = (1 + s**2).sqrt()
        seen = torch.cat([x / total, held[:, None].expand(-1, self.steps, -1)], dim=2)
        return x / total**2 + s / total * self.backbone(seen, sigma.log() / 4)[..., : self.dims]

    def loss(self, x: Float[Tensor, "N T DC"], rng: torch.Generator) -> Float[Tensor, ""]:
        """Denoising error, a share of the batch untold."""
        held = self._flagged(x[:, 0, self.dims :])
        kept = torch.rand(len(x), 1, generator=rng, device=x.device) >= UNTOLD
        return self._error(self.normalise(x[..., : self.dims]), held * kept, rng)

    @torch.no_grad()
    def ask(self, told: Float[Tensor, "N C"], rng: torch.Generator) -> Float[Tensor, "N T D"]:
        """A trajectory for each row of what the model is told, in data units."""
        sigmas = noise_levels(self.heun_steps)
        noise = torch.randn(len(told), self.steps, self.dims, generator=rng, device=self.device)
        return self.restore(self._descend(noise * sigmas[0], sigmas, self._flagged(told)))

    def sample(self, n: int, rng: torch.Generator) -> Float[Tensor, "N T D"]:
        """Raises `PhyslibError`: without being told anything there is nothing to follow."""
        raise PhyslibError("this model has to be told what to make: use ask.")
