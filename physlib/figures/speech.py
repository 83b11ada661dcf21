"""Pictures of speech, which can be heard too: utterances, rates by model, which part narrows them."""

from __future__ import annotations

import base64
import html
import io
import wave
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from jaxtyping import Float

from physlib.figures.style import (
    COLOURS,
    GREY,
    INK,
    CaptionedFigure,
    Numbers,
    Origin,
    caption,
    styled,
    subplots,
)
from physlib.tasks.espeak import SAMPLE_RATE
from physlib.tasks.spectrogram import BANDS, sound


def _audio(frames: Float[np.ndarray, "T B"]) -> bytes:
    """A WAV file, 16 bits, as loud as it can be."""
    heard, buffer = sound(frames), io.BytesIO()
    heard = heard / max(np.abs(heard).max(), 1e-9)
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", "not compressed"))
        file.writeframes((0.9 * 32_767 * heard).astype("<i2").tobytes())
    return buffer.getvalue()


@styled
def _picture(frames: Float[np.ndarray, "T B"]) -> bytes:
    figure, ax = plt.subplots(figsize=(2.6, 1.1), layout="constrained")
    ax.imshow(frames.T, origin="lower", aspect="auto", cmap="Greys", vmin=-6, vmax=-2.5)
    ax.set(xticks=[], yticks=[])
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    plt.close(figure)
    return buffer.getvalue()


@dataclass(frozen=True, repr=False)
class Utterances:
    """Spectrograms side by side, each with a player: sound from the spectrogram alone, by the method of Griffin and Lim."""

    name: str
    spoken: Mapping[str, Float[np.ndarray, "T D"]]  # what is said under it, and the frames
    finding: str
    origin: Origin

    def __repr__(self) -> str:
        return f"{self.name}: {self.finding}"

    def _repr_html_(self) -> str:
        parts = []
        for title, x in self.spoken.items():
            frames = x[x[:, BANDS] < 0.5, :BANDS]
            picture, heard = (base64.b64encode(data).decode() for data in (_picture(frames), _audio(frames)))
            label = html.escape(title)
            parts.append(
                f'<div class="phys-utterance"><img alt="Spectrogram, {label}" src="data:image/png;base64,{picture}">'
                f'<audio controls preload="metadata" aria-label="{label}" src="data:audio/wav;base64,{heard}"></audio>'
                f"<p>{label}</p></div>"
            )
        alt = html.escape(f"Spectrograms with players: {', '.join(self.spoken)}.")
        return (
            f'<figure class="phys" id="{self.name}"><div role="img" aria-label="{alt}" class="phys-utterances">'
            f"{''.join(parts)}</div>{caption(self.finding, self.origin)}</figure>"
        )


@styled
def rates_by_model(
    name: str, edges: Float[np.ndarray, " E"], shares: Mapping[str, Float[np.ndarray, "S M"]], origin: Origin
) -> CaptionedFigure:
    """Observed over intended share in each bin of the rate, a line a model, mean over seeds with their range.

    `shares` are masses with underflow first and overflow and failures last, as `evaluation.shares` gives them.
    """
    figure, axes = subplots(6.2, 3.8)
    ax, middle = axes[0, 0], (edges[:-1] + edges[1:]) / 2
    ax.axhline(1, color=GREY, lw=1)
    numbers, parts = Numbers(), []
    for colour, (model, mass) in zip(cycle(COLOURS), shares.items(), strict=False):
        ratio = mass[:, 1:-2] * len(middle)
        ax.plot(middle, ratio.mean(axis=0), color=colour, label=model)
        ax.fill_between(middle, ratio.min(axis=0), ratio.max(axis=0), color=colour, alpha=0.2, lw=0)
        numbers.add(model=model, rate=middle, ratio=ratio.mean(axis=0).round(3))
        beyond = 1 - mass[:, 1:-2].sum(axis=1).mean()
        parts.append(f"{model} {ratio[:, 0].mean():.2f} and {ratio[:, -1].mean():.2f}, {beyond:.0%} beyond the range")
    ax.set(xlabel="speaking rate (syllables/s)", ylabel="made / shown", ylim=(0, None))
    ax.legend()
    finding = (
        f"How often each rate is made, as a multiple of how often it was shown. At the two ends: {'; '.join(parts)}."
    )
    alt = f"A line for each model over the speaking rate; 1 is right. At the ends: {'; '.join(parts)}."
    return CaptionedFigure(name, figure, finding, alt, origin, numbers)


@styled
def narrowing_by_part(name: str, rows: pd.DataFrame, origin: Origin) -> CaptionedFigure:
    """By how much each part narrows the scatter of rates: a dot a seed, a bar for the mean.

    `rows`: `model`, `part`, `seed`, `narrowing`, a share of the spread shown.
    """
    models = list(rows.model.unique())
    heights = [rows[rows.model == model].part.nunique() for model in models]
    figure, axes = subplots(6.2, 0.8 + 0.32 * sum(heights), rows=1, columns=1)
    ax, at, labels, told = axes[0, 0], 0, [], []
    for colour, model in zip(cycle(COLOURS), models, strict=False):
        for part, some in rows[rows.model == model].groupby("part", sort=False):
            ax.barh(at, some.narrowing.mean(), color=colour, alpha=0.6, height=0.7)
            ax.plot(some.narrowing, np.full(len(some), at), "o", color=INK, ms=3)
            labels.append(f"{model}: {part}")
            told.append(f"{model}, {part} {some.narrowing.mean():+.2f}")
            at += 1
    ax.axvline(0, color=INK, lw=1)
    ax.set_yticks(range(at), labels)
    ax.invert_yaxis()
    ax.set(xlabel="share of the scatter of rates that it takes away")
    finding = f"Which part of a model narrows its rates. Means over seeds: {'; '.join(told)}."
    alt = f"Bars, one a part of each model. {'; '.join(told)}."
    return CaptionedFigure(name, figure, finding, alt, origin, [rows])
