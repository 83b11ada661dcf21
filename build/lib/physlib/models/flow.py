"""Flow matching along straight lines between noise and data (models layer, objective).

Y. Lipman et al., Flow Matching for Generative Modeling (2023); X. Liu, C. Gong, Q. Liu, Flow Straight and Fast (2023).
The straight path `(1 - t) x + t e` is noise of level `t / (1 - t)` on a shrunken trajectory, so everything that a
diffusion model does at a noise level carries over, its sampler included.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from physlib.models.diffusion import Diffusion


class FlowMatching(Diffusion):
    """A network that says the velocity `e - x`, trained at times drawn evenly from (0, 1)."""

    def velocity(self, x: Float[Tensor, "N T D"], t: Float[Tensor, " N"]) -> Float[Tensor, "N T D"]:
        """What the network says at points `(1 - t) x + t e` of the path."""
        return self.backbone(x, (t / (1 - t)).log() / 4)

    def denoise(self, x, sigma, held=None):
        """The end of the straight line through noisy trajectories `x + sigma e`, in normalised units."""
        t = sigma / (1 + sigma)
        point = x * (1 - t)[:, None, None]
        said = point - t[:, None, None] * self.velocity(point, t)
        return said if held is None else torch.where(held.isnan(), said, held)

    def loss(self, x, rng):
        """Mean squared error of the velocity, halved: 1 at initialisation."""
        x = self.normalise(x)
        t = torch.rand(len(x), generator=rng, device=x.device).clamp(1e-5, 1 - 1e-5)
        noise = torch.randn(x.shape, generator=rng, device=x.device)
        share = t[:, None, None]
        said = self.velocity((1 - share) * x + share * noise, t)
        return (said - (noise - x)).square().mean() / 2
