"""A variational autoencoder whose noise is the error it makes (models layer, objective).

D. P. Kingma and M. Welling, Auto-Encoding Variational Bayes (2014), with the decoder's noise at its optimum for
each batch (O. Rybkin, K. Daniilidis, S. Levine, Simple and Effective VAE Training with Calibrated Decoders, 2021).
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from physlib.models.base import Generator

LATENT = 16  # latent dimensions; those not needed fall back to the prior
SMALLEST = 1e-8  # keeps the logarithm of the error finite


class _Residual(nn.Module):
    """Normalise, widen, narrow, add to the input."""

    def __init__(self, width: int):
        super().__init__()
        self.layers = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.SiLU(), nn.Linear(2 * width, width)
        )

    def forward(self, h):
        return h + self.layers(h)


def _network(inputs: int, outputs: int, width: int, blocks: int) -> nn.Sequential:
    hidden = [_Residual(width) for _ in range(blocks)]
    return nn.Sequential(nn.Linear(inputs, width), *hidden, nn.LayerNorm(width), nn.Linear(width, outputs))


class VAE(Generator):
    """Residual perceptrons over the flattened trajectory as encoder and decoder."""

    error_name = "reconstruction_error"

    def __init__(self, mean: np.ndarray, std: np.ndarray, steps: int, width: int, blocks: int):
        super().__init__(mean, std, steps)
        entries = steps * self.dims
        self.encoder = _network(entries, 2 * LATENT, width, blocks)
        self.decoder = _network(LATENT, entries, width, blocks)

    def encode(self, x: Float[Tensor, "N T D"]) -> tuple[Float[Tensor, "N Z"], Float[Tensor, "N Z"]]:
        """Mean and log variance of the latent posterior of normalised trajectories."""
        middle, spread = self.encoder(x.flatten(1)).chunk(2, dim=-1)
        return middle, spread

    def decode(self, z: Float[Tensor, "N Z"]) -> Float[Tensor, "N T D"]:
        """Mean of the normalised trajectories given latent variables."""
        return self.decoder(z).unflatten(-1, (self.steps, self.dims))

    def _latent(self, x: Float[Tensor, "N T D"], rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """A draw from the posterior, and its divergence from the prior in nats, `(N,)`."""
        middle, spread = self.encode(x)
        noise = torch.randn(middle.shape, generator=rng, device=middle.device)
        divergence = (middle.square() + spread.exp() - 1 - spread).sum(dim=1) / 2
        return middle + (spread / 2).exp() * noise, divergence

    def loss(self, x, rng):
        """Negative evidence bound per entry without its constants, at the best noise for the batch."""
        x = self.normalise(x)
        z, divergence = self._latent(x, rng)
        error = (self.decode(z) - x).square().mean()
        return (error + SMALLEST).log() / 2 + divergence.mean() / (self.steps * self.dims)

    @torch.no_grad()
    def sample(self, n, rng):
        """The decoder's means: its noise is the error that it could not help, not something to add again."""
        return self.restore(self.decode(torch.randn(n, LATENT, generator=rng, device=self.device)))

    @torch.no_grad()
    def redraw(self, x, level, rng):
        """Encode, go the share `level` of the way to the prior, decode; at 0 the model's reconstruction."""
        z, _ = self._latent(self.normalise(x), rng)
        fresh = torch.randn(z.shape, generator=rng, device=z.device)
        return self.restore(self.decode((1 - level**2) ** 0.5 * z + level * fresh))

    @torch.no_grad()
    def local_error(self, x, level, rng):
        """Root-mean-square change by `redraw`, in normalised units."""
        return float(((self.redraw(x, level, rng) - x) / self.std).square().mean().sqrt())
