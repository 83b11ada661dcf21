"""A spectrogram read out from a text, two frames a step, by attention that only moves forward.

After J. Shen et al., Natural TTS Synthesis by Conditioning WaveNet on Mel Spectrogram Predictions (Tacotron 2, 2018), made
small: encoder, pre-net whose dropout stays on, attention and decoder recurrent, stop token. Attention is the mixture of
A. Graves, Generating Sequences with Recurrent Neural Networks (2013).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from physlib.models.speaker import DIVERGENCE, PAIR, PHONEMES, Speaker, before

PRENET, COMPONENTS = 64, 4
TAIL = 4  # steps after the end that are learned too, or a stop that is missed once is missed for good
DROPPED = 0.5  # of the pre-net, in sampling too


@dataclass
class Reading:
    """Where a decoder is in its text: what the next step depends on."""

    attention: Float[Tensor, "N W"]
    decoder: Float[Tensor, "1 N W"]
    context: Float[Tensor, "N W"]
    position: Float[Tensor, "N G"]  # of each component of attention, in phonemes
    frames: Float[Tensor, "N E"]  # made last, E = 2 D


@dataclass(frozen=True)
class Truth:
    """What a decoder may be given of an utterance in place of its own; None where it goes by itself."""

    frames: Float[Tensor, "N S E"] | None = None  # made before each step
    position: Float[Tensor, "N S G"] | None = None  # of attention at each step
    stopped: Float[Tensor, "N S"] | None = None  # 1 from the step where speech has ended


class Tacotron(Speaker):
    """The next two frames from those before, with attention, and a stop token."""

    def __init__(self, mean, std, steps, width, latent=0, numbers=0):
        super().__init__(mean, std, steps, width, latent, numbers)
        entries = PAIR * self.dims
        self.width = width
        self.prenet = nn.ModuleList([nn.Linear(entries, PRENET), nn.Linear(PRENET, PRENET)])
        self.attend = nn.GRUCell(PRENET + width, width)
        self.where = nn.Linear(width, 3 * COMPONENTS)
        self.decode = nn.GRU(2 * width, width, batch_first=True)
        self.make = nn.Linear(2 * width, entries)
        self.stop = nn.Linear(2 * width, 1)

    def _prepared(self, frames: Float[Tensor, "*N E"], rng: torch.Generator) -> Float[Tensor, "*N H"]:
        for layer in self.prenet:
            frames = layer(frames).relu()
            kept = torch.rand(frames.shape, generator=rng, device=frames.device, dtype=frames.dtype) >= DROPPED
            frames = frames * kept / (1 - DROPPED)
        return frames

    def begin(self, memory: Float[Tensor, "N M W"], frames: Float[Tensor, "N E"]) -> Reading:
        """Before the first step."""
        blank = memory.new_zeros(len(memory), self.width)
        return Reading(blank, blank[None], blank, memory.new_zeros(len(memory), COMPONENTS), frames)

    def look(self, memory: Tensor, at: Reading, prepared: Tensor, position: Tensor | None = None) -> None:
        """Move attention on by one step, to `position` where that is given."""
        at.attention = self.attend(torch.cat([prepared, at.context], dim=1), at.attention)
        weight, step, width = self.where(at.attention).chunk(3, dim=1)
        step, width = nn.functional.softplus(step - 1), nn.functional.softplus(width) + 0.2
        at.position = at.position + step if position is None else position
        places = torch.arange(memory.shape[1], device=memory.device)
        near = torch.exp(-((places - at.position[:, :, None]) ** 2) / (2 * width[:, :, None] ** 2)) / width[:, :, None]
        share = torch.einsum("ng,ngp->np", weight.softmax(dim=1), near)
        at.context = torch.einsum("np,npw->nw", share, memory)

    def out(self, hidden: Float[Tensor, "N S V"]) -> tuple[Float[Tensor, "N S E"], Float[Tensor, "N S"]]:
        """Frames and the log odds that speech has ended, after the decoder."""
        return self.make(hidden), self.stop(hidden)[..., 0]

    def taught(
        self, memory: Tensor, before: Float[Tensor, "N S E"], rng: torch.Generator
    ) -> tuple[Float[Tensor, "N S E"], Float[Tensor, "N S"], Float[Tensor, "N S G"]]:
        """Frames, log odds of the end and positions at every step, given the true frames before it."""
        at, prepared, seen, positions = self.begin(memory, before[:, 0]), self._prepared(before, rng), [], []
        for step in range(before.shape[1]):
            self.look(memory, at, prepared[:, step])
            seen.append(torch.cat([at.attention, at.context], dim=1))
            positions.append(at.position)
        hidden = torch.stack(seen, dim=1)
        decoded, _ = self.decode(hidden)
        return *self.out(torch.cat([decoded, hidden[..., self.width :]], dim=2)), torch.stack(positions, dim=1)

    def loss(self, x, rng):
        """Mean squared error of the frames, cross-entropy of the stop token, and `DIVERGENCE` times that of the style."""
        pairs, text, script = self.split(x)
        style, divergence = self.heard(pairs, script, rng)
        stopped = self.stops(pairs)
        spoken = torch.cat([torch.ones_like(stopped[:, :TAIL]), 1 - stopped[:, :-TAIL]], dim=1)
        longest = int(spoken.sum(dim=1).max())
        pairs, stopped, spoken = pairs[:, :longest], stopped[:, :longest], spoken[:, :longest]
        made, odds, _ = self.taught(self.memory(text, style), before(pairs), rng)
        error = ((made - pairs).square().mean(dim=2) * spoken).sum() / spoken.sum()
        ending = nn.functional.binary_cross_entropy_with_logits(odds, stopped, spoken, reduction="sum") / spoken.sum()
        return error + ending + DIVERGENCE * divergence.mean()

    def speak(
        self, memory: Tensor, rng: torch.Generator, truth: Truth = Truth(), kept: Float[Tensor, "N R E"] | None = None
    ) -> Float[Tensor, "N S E"]:
        """Pairs of frames, one after another; the steps `kept` are taken as they are. After the end the last is held."""
        steps, flag = self.steps // PAIR, [self.dims - 1, 2 * self.dims - 1]
        kept = memory.new_empty(len(memory), 0, PAIR * self.dims) if kept is None else kept
        at, made = self.begin(memory, memory.new_zeros(len(memory), PAIR * self.dims)), []
        ended = torch.zeros(len(memory), dtype=torch.bool, device=memory.device)
        over = (1 - self.mean[-1]) / self.std[-1]
        for step in range(steps):
            told = at.frames if truth.frames is None else truth.frames[:, step]
            self.look(
                memory, at, self._prepared(told, rng), None if truth.position is None else truth.position[:, step]
            )
            seen = torch.cat([at.attention, at.context], dim=1)[:, None]
            decoded, at.decoder = self.decode(seen, at.decoder)
            frames, odds = self.out(torch.cat([decoded, seen[..., self.width :]], dim=2))
            frames = kept[:, step] if step < kept.shape[1] else frames[:, 0]
            ends = odds[:, 0] > 0 if truth.stopped is None else truth.stopped[:, step] > 0
            ended = ended | (ends & (step >= kept.shape[1]))
            at.frames = torch.where(ended[:, None], at.frames.index_fill(1, index(flag, frames), float(over)), frames)
            made.append(at.frames)
        return torch.stack(made, dim=1)

    @torch.no_grad()
    def sample(self, known, rng):
        """Utterances of scripts `(N, C)`."""
        memory = self.memory(known[:, :PHONEMES].long(), self.drawn(known, rng))
        return self.whole(self.speak(memory, rng))

    @torch.no_grad()
    def redraw(self, x, level, rng):
        """Keep the first steps of training data and let the model go on, in the style of the whole; `level` is its share."""
        pairs, text, script = self.split(x)
        kept = pairs[:, : pairs.shape[1] - round(level * pairs.shape[1])]
        return self.whole(self.speak(self.memory(text, self.heard(pairs, script, rng)[0]), rng, kept=kept))

    @torch.no_grad()
    def say_again(self, x, own, rng):
        pairs, text, script = self.split(x)
        heard, _ = self.heard(pairs, script, rng)
        _, _, position = self.taught(self.memory(text, heard), before(pairs), rng)
        truth = Truth(
            None if "frames" in own else before(pairs),
            None if "advance" in own else position,
            None if "stop" in own else self.stops(pairs),
        )
        style = self.drawn(script, rng) if "style" in own else heard
        return self.whole(self.speak(self.memory(text, style), rng, truth))

    @torch.no_grad()
    def local_error(self, x, level, rng):
        """Root-mean-square error of the frames of every step, given the true ones before it, at every level."""
        pairs, text, script = self.split(x)
        made, _, _ = self.taught(self.memory(text, self.heard(pairs, script, rng)[0]), before(pairs), rng)
        spoken = 1 - self.stops(pairs)
        return float((((made - pairs).square().mean(dim=2) * spoken).sum() / spoken.sum()).sqrt())


def index(places: list[int], like: Tensor) -> Int[Tensor, " I"]:
    """Places as a tensor where another one is."""
    return torch.tensor(places, device=like.device)
