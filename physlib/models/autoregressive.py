"""One step after another, each drawn from a mixture of Gaussians given those before.

C. M. Bishop, Mixture Density Networks (1994), over a causal Transformer. A step that follows from the earlier
ones has no largest density: the width of a component is kept above `NARROWEST`.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from physlib.core.errors import PhyslibError
from physlib.models.base import TrajectoryModel
from physlib.models.transformer import Trunk

COMPONENTS = 8
SHORTEST = 8  # steps below which a share of them is no whole step
NARROWEST = 1e-3  # least standard deviation of a component, in units of the channel's


class Autoregressive(TrajectoryModel):
    """Causal Transformer with a mixture-density head, sampled step by step with a cache of keys and values."""

    error_name = "prediction_error"

    def __init__(self, mean: np.ndarray, std: np.ndarray, steps: int, width: int, blocks: int):
        super().__init__(mean, std, steps)
        if steps < SHORTEST:
            raise PhyslibError(f"a model of the next step needs {SHORTEST} steps or more, but T is {steps}.")
        self.start = nn.Parameter(torch.zeros(width))
        self.enter = nn.Linear(self.dims, width)
        self.trunk = Trunk(steps, width, blocks, causal=True)
        self.head = nn.Linear(width, COMPONENTS * (1 + 2 * self.dims))

    def _tokens(self, x: Float[Tensor, "N P D"]) -> Float[Tensor, "N P+1 W"]:
        """The start token and then the steps given: token t is what step t is predicted from."""
        return torch.cat([self.start.expand(len(x), 1, -1), self.enter(x)], dim=1)

    def predict(self, h: Float[Tensor, "N T W"]) -> MixtureSameFamily:
        """Distribution of each step in normalised units, from the trunk's output."""
        weight, middle, width = self.head(h).split([COMPONENTS, *[COMPONENTS * self.dims] * 2], dim=-1)
        middle, width = (part.unflatten(-1, (COMPONENTS, self.dims)) for part in (middle, width))
        width = NARROWEST + nn.functional.softplus(width + math.log(math.e - 1))  # 1 where the head says 0
        return MixtureSameFamily(Categorical(logits=weight), Independent(Normal(middle, width), 1))

    def loss(self, x, rng):
        """Negative log-likelihood per entry, in nats and normalised units; `rng` is not needed."""
        x = self.normalise(x)
        h, _ = self.trunk(self._tokens(x[:, :-1]))
        return -self.predict(h).log_prob(x).mean() / self.dims

    def _draw(self, step: MixtureSameFamily, rng: torch.Generator) -> Float[Tensor, "N 1 D"]:
        """A draw for the last token. PyTorch's distributions draw from the global generator alone."""
        chosen = torch.multinomial(step.mixture_distribution.probs[:, -1], 1, generator=rng)
        parts = step.component_distribution.base_dist
        index = chosen[:, :, None].expand(-1, 1, self.dims)
        middle, width = (part[:, -1].gather(1, index) for part in (parts.loc, parts.scale))
        return middle + width * torch.randn(middle.shape, generator=rng, device=middle.device, dtype=middle.dtype)

    def _continue(self, x: Float[Tensor, "N P D"], rng: torch.Generator) -> Float[Tensor, "N T D"]:
        """Normalised steps given so far, P of them perhaps none, and the model's own after them."""
        h, cache = self.trunk(self._tokens(x))
        steps = [x]
        for left in reversed(range(self.steps - x.shape[1])):
            steps.append(self._draw(self.predict(h), rng))
            if left:
                h, cache = self.trunk(self.enter(steps[-1]), cache)
        return torch.cat(steps, dim=1)

    @torch.no_grad()
    def sample(self, n, rng):
        nothing = torch.empty(n, 0, self.dims, device=self.device, dtype=self.dtype)
        return self.restore(self._continue(nothing, rng))

    def _kept(self, level: float) -> int:
        return self.steps - round(level * self.steps)

    @torch.no_grad()
    def redraw(self, x, level, rng):
        """Keep the first steps and let the model go on; `level` is the share of steps that it makes."""
        return self.restore(self._continue(self.normalise(x)[:, : self._kept(level)], rng))

    @torch.no_grad()
    def local_error(self, x, level, rng):
        """Root-mean-square error of the first step that the model makes after those kept at `level`."""
        x, kept = self.normalise(x), self._kept(level)
        h, _ = self.trunk(self._tokens(x[:, :kept]))
        return float((self._draw(self.predict(h), rng) - x[:, kept : kept + 1]).square().mean().sqrt())
