"""Utterances of four syllables with a flat prior over their speaking rate, as log-mel spectrograms.

The third system of Nishi et al. (2026b) is the speaking rate of a Tacotron 2; here a synthesiser makes utterances whose rate is
known (`physlib.tasks.utterances`), so that the demonstrations are flat by construction.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.spatial import KDTree

from physlib.core.files import read_sealed
from physlib.tasks.base import FiniteBankTask, TaskInfo, Trajectories
from physlib.tasks.espeak import say
from physlib.tasks.spectrogram import BANDS, FRAME_RATE
from physlib.tasks.utterances import (
    CONSONANTS,
    FRAMES,
    PACE,
    SILENT,
    SYLLABLES,
    THRESHOLD,
    Utterances,
    log_power,
    on_canvas,
    phonemes,
    random_text,
    rate_of,
    read,
    span,
    utterances,
)

SCRIPT = 16  # numbers that models of speech are given: the phonemes of a text, and in training the frames of each
STRATA = 55  # of equal probability, filled alike; a frame is wider than one, and rates gather within frames
_STORED = Path(__file__).with_name("utterances.safetensors")
"""A few utterances that come with the library: small sets are taken from them, and frames are compared with theirs."""


def _spoken(x: Float[np.ndarray, "N T D"]) -> tuple[Float[np.ndarray, "N T"], Bool[np.ndarray, "N T"]]:
    """Log power of each frame, and which lie between the first sound and the last."""
    begin, end = span(x)
    frame = np.arange(x.shape[1])
    return log_power(x), (frame > begin[:, None]) & (frame < end[:, None])


def loudness(x: Float[np.ndarray, "N T D"]) -> Float[np.ndarray, " N"]:
    """Mean decimal logarithm of the power from the first sound to the last."""
    power, spoken = _spoken(x)
    return np.sum(power * spoken, axis=1) / np.sum(spoken, axis=1)


def pauses(x: Float[np.ndarray, "N T D"]) -> Float[np.ndarray, " N"]:
    """Share of the frames from the first sound to the last that are silent, as before the burst of a consonant."""
    power, spoken = _spoken(x)
    return np.sum((power < THRESHOLD) & spoken, axis=1) / np.sum(spoken, axis=1)


def brightness(x: Float[np.ndarray, "N T D"]) -> Float[np.ndarray, " N"]:
    """Mean number of the band in which the middle of the power lies."""
    share = np.exp(np.log(10) * np.clip(x[..., :BANDS], SILENT, 10))
    middle = share @ np.arange(BANDS) / share.sum(axis=-1)
    spoken = _spoken(x)[1]
    return np.sum(middle * spoken, axis=1) / np.sum(spoken, axis=1)


class Speech(FiniteBankTask):
    """Nonsense words of four syllables, of a consonant and a vowel each."""

    family = "speech"
    differentiable = False
    info = TaskInfo(
        title="utterances of four syllables",
        rule=r"x = \text{eSpeak NG}(\text{text}, \text{words a minute})",
        quantity="speaking rate",
        symbol="r",
        unit="syllables/s",
        lo=2.5,
        hi=8.0,
        domain=(2.5, 8.0),
        steps=FRAMES,
        dims=BANDS + 1,
        nuisance="four consonants and four vowels, one of four each",
        regime="regular: sounds in a row",
        threshold=0.5,
        threshold_reason="frames nearer to natural ones than a consonant is to another, and four syllables",
        source="eSpeak NG 1.52, voice en-us; J. Shen et al., Tacotron 2 (2018), arXiv:1712.05884",
    )
    others = {"loudness": loudness, "pauses": pauses, "brightness": brightness}
    BANK = 4_000
    SCALED_BY = 200

    @cached_property
    def stored(self) -> Utterances:
        """The utterances that come with the library."""
        arrays, _ = read_sealed(_STORED, "set of utterances", "install physlib again.")
        return read(arrays)

    def sample(self, n, rng):
        """`n` utterances with as many in each of `STRATA` parts of the prior; sets no larger than the stored one are taken from it."""
        known = np.flatnonzero((self.stored.rate >= self.lo) & (self.stored.rate <= self.hi))
        if n <= len(known) and self.name == self.family:
            rows = rng.permutation(known)[:n]
            made = Utterances(*(part[rows] for part in self.stored))
        else:
            edges = self.prior.quantile(np.linspace(0, 1, STRATA + 1))
            made = utterances(n, edges, int(rng.integers(2**31)))
        return Trajectories(made.x, made.rate, np.concatenate([script(made), made.pace[:, None]], axis=1))

    def nuisance(self, q, rng):
        """Texts, with the pace that gives such a rate on average; durations are what comes of it."""
        text = random_text(len(q), rng)
        return np.concatenate([text, np.zeros_like(text), np.interp(q, *PACE)[:, None]], axis=1)

    def generate(self, q, z):
        """The utterances said again. The synthesiser's pitch wavers, so not to the last digit."""
        said = [on_canvas(say(phonemes(row[: 2 * SYLLABLES].astype(int)), round(float(row[-1])))) for row in z]
        return np.concatenate([made[0] for made in said])

    def measure(self, x):
        """Syllables a second, four over the time from the first sound to the last; NaN for silence."""
        return rate_of(np.asarray(x))

    def residual(self, x):
        """Root-mean-square distance of frames to the nearest natural one, in standard deviations of the channels.

        Infinite where there are not four syllables.
        """
        nearest, sounds = self.nearest_sounds(np.asarray(x))
        spoken = sounds >= 0
        off = np.sqrt(np.sum(nearest**2 * spoken, axis=1) / np.maximum(spoken.sum(axis=1), 1) / BANDS)
        return np.where(syllables(sounds) == SYLLABLES, off, np.inf)

    def nearest_sounds(self, x: Float[np.ndarray, "N T D"]) -> tuple[Float[np.ndarray, "N T"], Int[np.ndarray, "N T"]]:
        """Distance of each frame to the nearest natural one, and the phoneme of that; -1 before and after speech."""
        tree, labels = self._natural
        distance, place = tree.query(x[..., :BANDS] / self.scale[:BANDS], workers=1)
        begin, end = span(x)
        frame = np.arange(x.shape[1])
        within = (frame > begin[:, None]) & (frame < end[:, None])
        return distance, np.where(within, labels[place], -1)

    @cached_property
    def vowel_line(self) -> Float[np.ndarray, " 2"]:
        """Slope and intercept of the rate over the pace of vowels, among the stored utterances."""
        return np.polyfit(_between_vowels(self, self.stored.x), self.stored.rate, 1)

    @cached_property
    def _natural(self) -> tuple[KDTree, Int[np.ndarray, " F"]]:
        order = self.stored.order
        rows, frames = np.nonzero(order >= 0)
        return KDTree(self.stored.x[rows, frames, :BANDS] / self.scale[:BANDS]), self.stored.text[
            rows, order[rows, frames]
        ]


def script(made: Utterances) -> Float[np.ndarray, "N 16"]:
    """The phonemes of each utterance and how many frames each takes."""
    return np.concatenate([made.text, made.durations], axis=1)


def unsaid(n: int, rng: np.random.Generator) -> Float[np.ndarray, "N 16"]:
    """Texts that have not been said: their durations are not known."""
    text = random_text(n, rng)
    return np.concatenate([text, np.full(text.shape, np.nan)], axis=1)


def syllables(sounds: Int[np.ndarray, "N T"]) -> Int[np.ndarray, " N"]:
    """Stretches of vowels, a single frame of another sound within one not counted."""
    vowel = sounds >= len(CONSONANTS)
    return np.sum(vowel[:, 1:] & ~vowel[:, :-1], axis=1) + vowel[:, 0]


def vowel_rate(task: Speech, x: Float[np.ndarray, "N T D"]) -> Float[np.ndarray, " N"]:
    """The rate that the beginnings of vowels tell, as the nearest natural frames show them; NaN unless there are four.

    Three over the time from the first to the last, by the straight line that fits the stored utterances: the last
    syllable, which takes longer, is not among them.
    """
    return np.polyval(task.vowel_line, _between_vowels(task, np.asarray(x)))


def _between_vowels(task: Speech, x: Float[np.ndarray, "N T D"]) -> Float[np.ndarray, " N"]:
    """Syllables a second from the beginning of the first vowel to that of the last."""
    _, sounds = task.nearest_sounds(x)
    vowel = sounds >= len(CONSONANTS)
    begins = vowel & ~np.concatenate([np.zeros_like(vowel[:, :1]), vowel[:, :-1]], axis=1)
    first, last = np.argmax(begins, axis=1), begins.shape[1] - 1 - np.argmax(begins[:, ::-1], axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = (SYLLABLES - 1) * FRAME_RATE / (last - first)
    return np.where(begins.sum(axis=1) == SYLLABLES, rate, np.nan)
