"""A residual multilayer perceptron over the flattened trajectory."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn


class NoiseEmbedding(nn.Module):
    """Sinusoidal features of the log noise level, then two layers; shared by the backbones.

    Vaswani et al., Attention Is All You Need (2017), section 3.5, applied to the noise level.
    """

    def __init__(self, width: int, features: int = 32):
        super().__init__()
        frequencies = torch.exp(torch.linspace(math.log(0.5), math.log(50.0), features // 2))
        self.register_buffer("frequencies", frequencies, persistent=False)
        self.layers = nn.Sequential(nn.Linear(features, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU())

    def forward(self, c_noise: Float[Tensor, " N"]) -> Float[Tensor, "N W"]:
        phase = c_noise[:, None] * self.frequencies
        return self.layers(torch.cat([phase.cos(), phase.sin()], dim=-1))


class ResidualBlock(nn.Module):
    """Normalise, widen, add the noise embedding, narrow, add to the input."""

    def __init__(self, width: int):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, 2 * width)
        self.embed = nn.Linear(width, 2 * width)
        self.narrow = nn.Linear(2 * width, width)

    def forward(self, h: Float[Tensor, "N W"], e: Float[Tensor, "N W"]) -> Float[Tensor, "N W"]:
        return h + self.narrow(nn.functional.silu(self.widen(self.norm(h)) + self.embed(e)))


class MLP(nn.Module):
    """Residual MLP: sees every time step at once and knows nothing of their order."""

    def __init__(self, steps: int, dims: int, width: int, blocks: int):
        super().__init__()
        self.embedding = NoiseEmbedding(width)
        self.enter = nn.Linear(steps * dims, width)
        self.blocks = nn.ModuleList(ResidualBlock(width) for _ in range(blocks))
        self.leave = nn.Linear(width, steps * dims)
        nn.init.zeros_(self.leave.weight)

    def forward(self, x: Float[Tensor, "N T D"], c_noise: Float[Tensor, " N"]) -> Float[Tensor, "N T D"]:
        e = self.embedding(c_noise)
        h = self.enter(x.flatten(1))
        for block in self.blocks:
            h = block(h, e)
        return self.leave(h).view_as(x)
