"""What models of speech share: a text, pairs of frames, and a style that is drawn, given, or absent.

The style is that of Y. Zhang et al., Learning Latent Representations for Style Control and Transfer in End-to-End Speech
Synthesis (2019). Training data are `(N, T, D + C)`: D channels, of which the last is 1 once speech has ended, and C numbers,
the same at each step: a script, that is the phonemes of the text and the frames that each takes, and numbers of the style
where it is given.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from physlib.models.base import TrajectoryModel

SYMBOLS, PHONEMES, SCRIPT = 9, 8, 16
"""Phonemes and the end of the text; of a text; numbers of a script."""
PAIR = 2  # frames a step
EMBEDDED = 32
DIVERGENCE = 0.004  # weight of the latent style's divergence from its prior; at .02 the style was not used (seed 100)


class ReferenceEncoder(nn.Module):
    """A distribution of the style of an utterance, given its frames."""

    def __init__(self, entries: int, width: int, latent: int):
        super().__init__()
        self.listen = nn.GRU(entries, width, batch_first=True)
        self.head = nn.Linear(width, 2 * latent)

    def forward(self, frames: Float[Tensor, "N S E"]) -> tuple[Float[Tensor, "N Z"], Float[Tensor, "N Z"]]:
        """Mean and log variance."""
        middle, spread = self.head(self.listen(frames)[1][0]).chunk(2, dim=-1)
        return middle, spread


class Speaker(TrajectoryModel):
    """What models of speech share: text, pairs of frames, a style that is drawn, given, or absent."""

    error_name = "prediction_error"

    def __init__(self, mean: np.ndarray, std: np.ndarray, steps: int, width: int, latent: int, numbers: int = 0):
        channels = mean.shape[-1] - SCRIPT - numbers
        super().__init__(mean[..., :channels], std[..., :channels], steps)
        self.latent, self.numbers = latent, numbers
        style = latent + numbers
        self.register_buffer("style_mean", torch.as_tensor(mean[..., channels + SCRIPT :], dtype=torch.float32))
        self.register_buffer("style_std", torch.as_tensor(std[..., channels + SCRIPT :], dtype=torch.float32))
        self.embed = nn.Embedding(SYMBOLS, EMBEDDED)
        self.encode = nn.GRU(EMBEDDED, width // 2, batch_first=True, bidirectional=True)
        self.enter_style = nn.Linear(style, width) if style else None
        self.reference = ReferenceEncoder(PAIR * self.dims, width, latent) if latent else None

    def memory(self, text: Int[Tensor, "N P"], style: Float[Tensor, "N Z"]) -> Float[Tensor, "N P+1 W"]:
        """The text, encoded, with its end, and the style added to each phoneme."""
        end = torch.full_like(text[:, :1], SYMBOLS - 1)
        encoded, _ = self.encode(self.embed(torch.cat([text, end], dim=1)))
        return encoded if self.enter_style is None else encoded + self.enter_style(style)[:, None]

    def split(self, x: Float[Tensor, "N T C"]) -> tuple[Float[Tensor, "N S E"], Int[Tensor, "N P"], Tensor]:
        """Normalised pairs of frames, text, and all numbers `(N, C)` that came with it, of training data."""
        frames, script = self.normalise(x[..., : self.dims]), x[:, 0, self.dims :]
        return frames.reshape(len(x), self.steps // PAIR, -1), script[:, :PHONEMES].long(), script

    def stops(self, pairs: Float[Tensor, "N S E"]) -> Float[Tensor, "N S"]:
        """1 from the pair whose first frame comes after the end."""
        flag = self.dims - 1
        return (pairs[..., flag] * self.std[flag] + self.mean[flag] > 0.5).to(pairs.dtype)

    def given(self, script: Float[Tensor, "N C"]) -> Float[Tensor, "N M"]:
        """Normalised numbers of a style that is given."""
        return (script[:, SCRIPT:] - self.style_mean) / self.style_std

    def heard(self, pairs: Tensor, script: Tensor, rng: torch.Generator) -> tuple[Float[Tensor, "N Z"], Tensor]:
        """A style of utterances, drawn given their frames, and its divergence from the prior, nats."""
        if self.reference is None:
            return self.given(script), pairs.new_zeros(len(pairs))
        middle, spread = self.reference(pairs)
        noise = torch.randn(middle.shape, generator=rng, device=pairs.device, dtype=pairs.dtype)
        divergence = (middle.square() + spread.exp() - spread - 1).sum(dim=1) / 2
        return torch.cat([middle + (spread / 2).exp() * noise, self.given(script)], dim=1), divergence

    def drawn(self, script: Tensor, rng: torch.Generator) -> Float[Tensor, "N Z"]:
        """A style from the prior."""
        noise = torch.randn(len(script), self.latent, generator=rng, device=script.device, dtype=self.dtype)
        return torch.cat([noise, self.given(script)], dim=1)

    @abstractmethod
    def say_again(
        self, x: Float[Tensor, "N T C"], own: Collection[str], rng: torch.Generator
    ) -> Float[Tensor, "N T D"]:
        """Training data said again, the parts `own` by the model itself and the others as they truly were.

        Parts: `advance`, where attention is; `stop`, when speech ends; `frames`, what is fed back; `durations` of phonemes;
        `style`, drawn from the prior or as it was heard.
        """

    def whole(self, pairs: Float[Tensor, "N S E"]) -> Float[Tensor, "N T D"]:
        """Frames in data units."""
        return self.restore(pairs.reshape(len(pairs), self.steps, self.dims))


def before(pairs: Float[Tensor, "N S E"]) -> Float[Tensor, "N S E"]:
    """What was there before each pair: zero before the first."""
    return torch.cat([torch.zeros_like(pairs[:, :1]), pairs[:, :-1]], dim=1)
