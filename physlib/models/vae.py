"""A variational autoencoder whose noise is the error it makes.

D. P. Kingma and M. Welling, Auto-Encoding Variational Bayes (2014), with the decoder's noise at its optimum for
each batch (O. Rybkin, K. Daniilidis, S. Levine, Simple and Effective VAE Training with Calibrated Decoders, 2021)
and a normalising flow as prior, learned with the rest (X. Chen et al., Variational Lossy Autoencoder, 2017): the
trajectories of a system fill a thin surface in the latent space, which a Gaussian cannot follow.
"""

from __future__ import annotations

import numpy as np
import torch
import zuko
from jaxtyping import Float
from torch import Tensor, nn

from physlib.models.base import TrajectoryModel

LATENT = 16  # latent dimensions
TRANSFORMS, HIDDEN = 2, 128  # of the prior, and the width of the networks that set them
FINEST = 0.02  # dither of the data, in units of the channel's deviation: nothing is paid for precision below it


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


class FlowPrior(nn.Module):
    """A Gaussian over the latent variables, bent by an autoregressive spline flow (zuko's `NSF`)."""

    def __init__(self):
        super().__init__()
        self.flow = zuko.flows.NSF(LATENT, transforms=TRANSFORMS, hidden_features=(HIDDEN, HIDDEN))

    def log_density(self, z: Float[Tensor, "N Z"]) -> Float[Tensor, " N"]:
        """Log density without the constant `-Z log(2 pi) / 2`."""
        straight, volume = self.flow().transform.call_and_ladj(z)
        return volume - straight.square().sum(dim=1) / 2

    def draw(self, n: int, rng: torch.Generator) -> Float[Tensor, "N Z"]:
        """`n` draws."""
        return self.flow().transform.inv(self._noise(n, rng))

    def move(self, z: Float[Tensor, "N Z"], level: float, rng: torch.Generator) -> Float[Tensor, "N Z"]:
        """Go the share `level` of the way to a fresh draw, along an arc of the Gaussian before it is bent.

        Whatever the level, draws from the prior are draws from the prior again.
        """
        bend = self.flow().transform
        return bend.inv((1 - level**2) ** 0.5 * bend(z) + level * self._noise(len(z), rng))

    def _noise(self, n: int, rng: torch.Generator) -> Float[Tensor, "N Z"]:
        weight = next(self.parameters())
        return torch.randn(n, LATENT, generator=rng, device=weight.device, dtype=weight.dtype)


class VAE(TrajectoryModel):
    """Residual perceptrons over the flattened trajectory as encoder and decoder."""

    error_name = "reconstruction_error"

    def __init__(self, mean: np.ndarray, std: np.ndarray, steps: int, width: int, blocks: int):
        super().__init__(mean, std, steps)
        entries = steps * self.dims
        self.encoder = _network(entries, 2 * LATENT, width, blocks)
        self.decoder = _network(LATENT, entries, width, blocks)
        self.prior = FlowPrior()

    def decode(self, z: Float[Tensor, "N Z"]) -> Float[Tensor, "N T D"]:
        """Mean of the normalised trajectories given latent variables."""
        return self.decoder(z).unflatten(-1, (self.steps, self.dims))

    def encode(self, x: Float[Tensor, "N T D"], rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Latent variables `(N, Z)` drawn given normalised trajectories, and the log of their density over the prior's."""
        middle, spread = self.encoder(x.flatten(1)).chunk(2, dim=-1)
        noise = torch.randn(middle.shape, generator=rng, device=middle.device, dtype=middle.dtype)
        z = middle + (spread / 2).exp() * noise
        return z, -(noise.square() + spread).sum(dim=1) / 2 - self.prior.log_density(z)

    def loss(self, x, rng):
        """Negative evidence bound per entry without its constants, of data dithered by `FINEST`, at the batch's best noise."""
        x = self.normalise(x)
        z, divergence = self.encode(x, rng)
        error = (self.decode(z) - x).square().mean()
        return (error + FINEST**2).log() / 2 + divergence.mean() / (self.steps * self.dims)

    @torch.no_grad()
    def sample(self, n, rng):
        """The decoder's means: its noise is the error that it could not help, not something to add again."""
        return self.restore(self.decode(self.prior.draw(n, rng)))

    @torch.no_grad()
    def redraw(self, x, level, rng):
        """Encode, move the latent variables within the prior, decode."""
        z, _ = self.encode(self.normalise(x), rng)
        return self.restore(self.decode(self.prior.move(z, level, rng)))

    @torch.no_grad()
    def local_error(self, x, level, rng):
        """Root-mean-square error of decoding what was encoded, the same at every level."""
        clean = self.normalise(x)
        return float((self.decode(self.encode(clean, rng)[0]) - clean).square().mean().sqrt())
