"""A 1-D U-Net over time, after the temporal U-Net of Diffuser.

Janner et al., Planning with Diffusion for Flexible Behavior Synthesis (2022), appendix C: residual
blocks of two temporal convolutions with group normalisation, the noise level added between
them, strided convolutions down and transposed ones up.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from physlib.core.errors import PhyslibError
from physlib.models.mlp import NoiseEmbedding

KERNEL = 5  # steps seen by one convolution, as in Diffuser
GROUPS = 8


class ConvBlock(nn.Sequential):
    """Convolution over time, group normalisation, SiLU (Diffuser has Mish, several times slower on a CPU)."""

    def __init__(self, channels_in: int, channels_out: int):
        super().__init__(
            nn.Conv1d(channels_in, channels_out, KERNEL, padding=KERNEL // 2),
            nn.GroupNorm(GROUPS, channels_out),
            nn.SiLU(),
        )


class TemporalBlock(nn.Module):
    """Two convolution blocks with the noise embedding added between, and a shortcut."""

    def __init__(self, channels_in: int, channels_out: int, embedding: int):
        super().__init__()
        self.first = ConvBlock(channels_in, channels_out)
        self.embed = nn.Linear(embedding, channels_out)
        self.second = ConvBlock(channels_out, channels_out)
        same = channels_in == channels_out
        self.shortcut = nn.Identity() if same else nn.Conv1d(channels_in, channels_out, 1)

    def forward(self, h: Float[Tensor, "N C T"], e: Float[Tensor, "N E"]) -> Float[Tensor, "N C2 T"]:
        return self.second(self.first(h) + self.embed(e)[:, :, None]) + self.shortcut(h)


class UNet1d(nn.Module):
    """Temporal U-Net: local in time at each level, coarser levels see further.

    `multipliers` give the channels of each level in units of `width`. Raises `PhyslibError` when T
    cannot be halved once per level.
    """

    def __init__(self, steps: int, dims: int, width: int, multipliers: tuple[int, ...] = (1, 2, 4)):
        super().__init__()
        halvings = len(multipliers) - 1
        if steps % 2**halvings:
            raise PhyslibError(
                f"the U-Net halves time {halvings} times and needs T divisible by {2**halvings}, "
                f"but T is {steps}: use diffusion-mlp."
            )
        channels = [width * m for m in multipliers]
        wide = 4 * width
        self.embedding = NoiseEmbedding(wide)
        self.down, self.shrink, self.up, self.grow = (nn.ModuleList() for _ in range(4))
        previous = dims
        for c in channels:
            self.down.append(nn.ModuleList([TemporalBlock(previous, c, wide), TemporalBlock(c, c, wide)]))
            self.shrink.append(nn.Conv1d(c, c, 3, stride=2, padding=1))
            previous = c
        del self.shrink[-1]
        self.middle = nn.ModuleList([TemporalBlock(previous, previous, wide) for _ in range(2)])
        for coarse, fine in zip(reversed(channels[1:]), reversed(channels[:-1]), strict=True):
            self.grow.append(nn.ConvTranspose1d(coarse, fine, 4, stride=2, padding=1))
            self.up.append(nn.ModuleList([TemporalBlock(2 * fine, fine, wide), TemporalBlock(fine, fine, wide)]))
        self.leave = nn.Sequential(ConvBlock(width, width), nn.Conv1d(width, dims, 1))
        nn.init.zeros_(self.leave[-1].weight)

    def forward(self, x: Float[Tensor, "N T D"], c_noise: Float[Tensor, " N"]) -> Float[Tensor, "N T D"]:
        e = self.embedding(c_noise)
        h, skips = x.transpose(1, 2), []
        for level, blocks in enumerate(self.down):
            for block in blocks:
                h = block(h, e)
            if level < len(self.shrink):
                skips.append(h)
                h = self.shrink[level](h)
        for block in self.middle:
            h = block(h, e)
        for grow, blocks in zip(self.grow, self.up, strict=True):
            h = torch.cat([grow(h), skips.pop()], dim=1)
            for block in blocks:
                h = block(h, e)
        return self.leave(h).transpose(1, 2)
