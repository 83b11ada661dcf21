"""Diffusion between given end points, held in training and in sampling as Diffuser holds them (models layer).

Janner et al., Planning with Diffusion for Flexible Behavior Synthesis (2022), section 3.3: the first and
the last point are overwritten by what they should be, in the input of the network as in its output.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from physlib.core.errors import PhyslibError
from physlib.models.diffusion import Diffusion

ENDS = [0, -1]


class Planner(Diffusion):
    """Denoiser that always sees the true end points, whatever the noise level of the rest."""

    def given(self, x: Float[Tensor, "N T D"]) -> Float[Tensor, "N T D"]:
        held = torch.full_like(x, torch.nan)
        held[:, ENDS] = x[:, ENDS]
        return held

    def denoise(self, x, sigma, held=None):
        if held is not None:  # the preconditioning will divide by the total again
            x = torch.where(held.isnan(), x, held * (1 + sigma[:, None, None] ** 2).sqrt())
        return super().denoise(x, sigma, held)

    def sample(self, n: int, rng: torch.Generator) -> Float[Tensor, "N T D"]:
        """Raises `PhyslibError`: without end points there is nothing to plan between."""
        raise PhyslibError("a planner needs end points: use inpaint.")
