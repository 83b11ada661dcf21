"""A spectrogram from a text whose durations are predicted first, with neither attention nor stop token.

After Y. Ren et al., FastSpeech: Fast, Robust and Controllable Text to Speech (2019), with the style of `physlib.models.speaker`.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from physlib.models.speaker import DIVERGENCE, PHONEMES, SCRIPT, Speaker

SEEN = 5  # frames that each layer sees
SHORTEST = 0.3  # frames that a phoneme takes at least


class ByDurations(Speaker):
    """Frames of each phoneme, then all frames at once."""

    def __init__(self, mean, std, steps, width, latent=0, numbers=0):
        super().__init__(mean, std, steps, width, latent, numbers)
        self.last = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 1))
        layers = [(width + 1, width), (width, width), (width, width)]
        hidden = [part for sizes in layers for part in (nn.Conv1d(*sizes, SEEN, padding="same"), nn.SiLU())]
        self.decode = nn.Sequential(*hidden, nn.Conv1d(width, self.dims, SEEN, padding="same"))

    def log_durations(self, memory: Float[Tensor, "N M W"]) -> Float[Tensor, "N P"]:
        """Logarithm of the frames of each phoneme."""
        return self.last(memory[:, :PHONEMES])[..., 0]

    def lay_out(self, memory: Float[Tensor, "N M W"], durations: Float[Tensor, "N P"]) -> Float[Tensor, "N T D"]:
        """Normalised frames: each phoneme's encoding for as long as it lasts, then that of the end, and where within it."""
        ends = 1 + durations.cumsum(dim=1)  # a frame of silence comes first
        frame = torch.arange(self.steps, device=memory.device, dtype=memory.dtype).expand(len(memory), -1).contiguous()
        at = torch.searchsorted(ends.contiguous(), frame, right=True)
        spoken = memory.gather(1, at[..., None].expand(-1, -1, memory.shape[2]))
        begun = torch.cat([torch.ones_like(ends[:, :1]), ends], dim=1).gather(1, at)
        within = (frame - begun)[..., None] / 10
        return self.decode(torch.cat([spoken, within], dim=2).mT).mT

    def loss(self, x, rng):
        """Mean squared errors of the frames, at the true durations, and of the log durations, and that of the style."""
        pairs, text, script = self.split(x)
        style, divergence = self.heard(pairs, script, rng)
        memory, true = self.memory(text, style), script[:, PHONEMES:SCRIPT].clamp(min=SHORTEST)
        clean = pairs.reshape(len(pairs), self.steps, -1)
        error = (self.lay_out(memory, true) - clean).square().mean()
        return error + (self.log_durations(memory) - true.log()).square().mean() + DIVERGENCE * divergence.mean()

    @torch.no_grad()
    def sample(self, known, rng):
        """Utterances of scripts `(N, C)`, of which only the phonemes are read."""
        memory = self.memory(known[:, :PHONEMES].long(), self.drawn(known, rng))
        return self.restore(self.lay_out(memory, self.log_durations(memory).exp()))

    @torch.no_grad()
    def redraw(self, x, level, rng):
        """Say training data again in a style that lies `level` of the way from their own to a fresh draw."""
        pairs, text, script = self.split(x)
        own, fresh = self.heard(pairs, script, rng)[0], self.drawn(script, rng)
        memory = self.memory(text, (1 - level**2) ** 0.5 * own + level * fresh)
        return self.restore(self.lay_out(memory, self.log_durations(memory).exp()))

    @torch.no_grad()
    def say_again(self, x, own, rng):
        pairs, text, script = self.split(x)
        style = self.drawn(script, rng) if "style" in own else self.heard(pairs, script, rng)[0]
        memory, true = self.memory(text, style), script[:, PHONEMES:SCRIPT].clamp(min=SHORTEST)
        durations = self.log_durations(memory).exp() if "durations" in own else true
        return self.restore(self.lay_out(memory, durations))

    @torch.no_grad()
    def local_error(self, x, level, rng):
        """Root-mean-square error of the frames at the true durations, at every level."""
        pairs, text, script = self.split(x)
        memory = self.memory(text, self.heard(pairs, script, rng)[0])
        made = self.lay_out(memory, script[:, PHONEMES:SCRIPT].clamp(min=SHORTEST))
        return float((made - pairs.reshape(len(pairs), self.steps, -1)).square().mean().sqrt())
