"""A Transformer over time: each step of a trajectory is a token.

Vaswani et al., Attention Is All You Need (2017), with normalisation before each sublayer (Xiong et al., On Layer
Normalization in the Transformer Architecture, 2020) and learned positions.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from physlib.core.errors import PhyslibError
from physlib.models.mlp import NoiseEmbedding

HEAD = 16  # channels of one attention head

Cache = list[tuple[Tensor, Tensor]]  # keys and values `(N, heads, T, HEAD)` that each block has seen so far


class Attention(nn.Module):
    """Multi-head self-attention; with a cache the new tokens see the old ones."""

    def __init__(self, width: int):
        super().__init__()
        self.enter = nn.Linear(width, 3 * width)
        self.leave = nn.Linear(width, width)

    def forward(
        self, h: Float[Tensor, "N T W"], causal: bool, seen: tuple[Tensor, Tensor] | None
    ) -> tuple[Float[Tensor, "N T W"], tuple[Tensor, Tensor]]:
        query, key, value = (part.unflatten(-1, (-1, HEAD)).transpose(1, 2) for part in self.enter(h).chunk(3, dim=-1))
        if seen is not None:
            key, value = torch.cat([seen[0], key], dim=2), torch.cat([seen[1], value], dim=2)
        mixed = scaled_dot_product_attention(query, key, value, is_causal=causal and seen is None)
        return self.leave(mixed.transpose(1, 2).flatten(2)), (key, value)


class AttentionBlock(nn.Module):
    """Attention, then a two-layer perceptron on each token, each added to what came in."""

    def __init__(self, width: int):
        super().__init__()
        self.before_attention, self.before_feed = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width)
        self.feed = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(approximate="tanh"), nn.Linear(4 * width, width))

    def forward(self, h, causal, seen):
        mixed, seen = self.attention(self.before_attention(h), causal, seen)
        h = h + mixed
        return h + self.feed(self.before_feed(h)), seen


class Trunk(nn.Module):
    """Positions, blocks and a final normalisation; `causal` tokens see only those before them.

    Raises `PhyslibError` when the width is not a multiple of `HEAD`.
    """

    def __init__(self, steps: int, width: int, blocks: int, causal: bool):
        super().__init__()
        if width % HEAD:
            raise PhyslibError(f"the Transformer's width is {width}: give a multiple of {HEAD}.")
        self.causal = causal
        self.positions = nn.Parameter(0.02 * torch.randn(steps, width))
        self.blocks = nn.ModuleList(AttentionBlock(width) for _ in range(blocks))
        self.norm = nn.LayerNorm(width)

    def forward(self, h: Float[Tensor, "N T W"], cache: Cache | None = None) -> tuple[Float[Tensor, "N T W"], Cache]:
        """Tokens out, and the cache to give with the tokens that follow; a single new token at a time."""
        start = cache[0][0].shape[2] if cache else 0
        h = h + self.positions[start : start + h.shape[1]]
        kept = []
        for i, block in enumerate(self.blocks):
            h, seen = block(h, self.causal, cache[i] if cache else None)
            kept.append(seen)
        return self.norm(h), kept


class Transformer(nn.Module):
    """Denoising backbone: every step sees every other; the noise embedding is added to each."""

    def __init__(self, steps: int, dims: int, width: int, blocks: int):
        super().__init__()
        self.embedding = NoiseEmbedding(width)
        self.enter = nn.Linear(dims, width)
        self.trunk = Trunk(steps, width, blocks, causal=False)
        self.leave = nn.Linear(width, dims)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(self, x: Float[Tensor, "N T D"], c_noise: Float[Tensor, " N"]) -> Float[Tensor, "N T D"]:
        h, _ = self.trunk(self.enter(x) + self.embedding(c_noise)[:, None])
        return self.leave(h)
