"""Pictures of videos: clips as they move, velocities in and out, which attribute is kept."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import cycle

import numpy as np
import pandas as pd
from jaxtyping import Float

from physlib.figures.style import (
    BLUE,
    COLOURS,
    GREY,
    INK,
    ORANGE,
    CaptionedFigure,
    Numbers,
    Origin,
    caption,
    panel_grid,
    styled,
    subplots,
)

ZOOM, TALL = 8, 26  # pixels on the screen of one pixel of a clip, and height of a row
PAUSE = 160  # milliseconds between frames
SEEN = 120  # dots drawn of each set


def _coloured(clip: Float[np.ndarray, "T D"]) -> np.ndarray:
    """Frames as colours on white, `(T, P, 3)`."""
    red, blue = np.clip(clip.reshape(len(clip), 2, -1).transpose(1, 0, 2), 0, 1)
    return (255 * np.stack([1 - blue, 1 - np.clip(red + blue, 0, 1) * 0.9, 1 - red], axis=-1)).astype(np.uint8)


@styled
def space_time(name: str, clips: Mapping[str, Float[np.ndarray, "T D"]], origin: Origin) -> CaptionedFigure:
    """Each clip as one picture: space to the right, time downwards, so that a body in motion is a slanted stripe."""
    figure, axes = panel_grid(len(clips), 4, 1.7, 2.0, sharey=True)
    numbers = Numbers()
    for ax, (title, clip) in zip(axes.flat, clips.items(), strict=False):
        ax.imshow(_coloured(clip), aspect="auto", interpolation="nearest")
        ax.set(title=title, xticks=[], yticks=[])
        ax.axhline(2.5, color=INK, lw=0.8, ls=":")
        numbers.add(clip=title, frame=np.repeat(np.arange(len(clip)), clip.shape[1]), value=np.round(clip.ravel(), 3))
    axes[0, 0].set_ylabel("time, downwards")
    finding = (
        "Clips as pictures, space to the right and time downwards. Above the dotted line are the frames that are given."
    )
    alt = f"Slanted stripes of colour: {', '.join(clips)}."
    return CaptionedFigure(name, figure, finding, alt, origin, numbers)


@dataclass(frozen=True, repr=False)
class Animation:
    """Clips that play side by side, as one GIF in the page."""

    name: str
    clips: Mapping[str, Float[np.ndarray, "T D"]]
    finding: str
    origin: Origin

    def __repr__(self) -> str:
        return f"{self.name}: {self.finding}"

    def _repr_html_(self) -> str:
        from PIL import Image

        rows = [np.repeat(np.repeat(_coloured(clip)[:, None], TALL, 1), ZOOM, 2) for clip in self.clips.values()]
        gap = np.full((rows[0].shape[0], 4, rows[0].shape[2], 3), 200, dtype=np.uint8)
        frames = np.concatenate([part for row in rows for part in (row, gap)][:-1], axis=1)
        images, buffer = [Image.fromarray(frame) for frame in frames], io.BytesIO()
        images[0].save(buffer, "GIF", save_all=True, append_images=images[1:], duration=PAUSE, loop=0)
        data, alt = (
            base64.b64encode(buffer.getvalue()).decode(),
            html.escape(f"Moving shadows, one above the other: {', '.join(self.clips)}."),
        )
        return (
            f'<figure class="phys" id="{self.name}"><img role="img" aria-label="{alt}" alt="{alt}" style="max-width:100%" '
            f'src="data:image/gif;base64,{data}">{caption(self.finding, self.origin)}</figure>'
        )


@styled
def velocity_in_out(name: str, clips: pd.DataFrame, shown: tuple[float, float], origin: Origin) -> CaptionedFigure:
    """Velocity made against the true one, a dot a clip, with what the training cases predict.

    `clips`: `set`, `true`, `made`, `predicted`; `shown` is the range of training.
    """
    figure, axes = subplots(6.2, 4.2)
    ax = axes[0, 0]
    ax.axvspan(*shown, color=GREY, alpha=0.2, lw=0)
    top = float(clips.true.max()) * 1.05
    ax.plot([0, top], [0, top], color=INK, lw=1)
    for colour, (kind, some) in zip(cycle(COLOURS), clips.groupby("set", sort=False), strict=False):
        part = some.iloc[:SEEN]
        ax.plot(part.true, part.made, ".", color=colour, ms=4, alpha=0.6, label=kind)
    line = clips.sort_values("true")
    ax.plot(line.true, line.predicted, ",", color=GREY)
    bins = pd.cut(line.true, 24)
    means = line.groupby(bins, observed=True)[["true", "predicted"]].mean()
    ax.plot(means.true, means.predicted, color=INK, lw=1.6, ls="--", label="nearest training cases")
    ax.set(
        xlabel="true velocity (m/s)",
        ylabel="velocity made (m/s)",
        ylim=(min(-0.5, clips.made.quantile(0.01)), top + 0.5),
    )
    ax.legend(fontsize=8, ncols=2)
    parts = [
        f"{kind} {some.true.median():.2f} to {some.made.median():.2f}"
        for kind, some in clips.groupby("set", sort=False)
    ]
    finding = (
        f"Beyond the velocities of training (grey) the ball goes on at another speed than it came. Median true to median made "
        f"velocity: {'; '.join(parts)}. On the line the law holds; dashed, what the training cases predict."
    )
    alt = f"Scatter of made against true velocity with a diagonal. {'; '.join(parts)}."
    return CaptionedFigure(name, figure, finding, alt, origin, [clips])


@styled
def attributes_kept(name: str, rows: pd.DataFrame, origin: Origin) -> CaptionedFigure:
    """For each pair of attributes, the share of swapped clips that keep the first, and the share that keep the second.

    `rows`: `pair` (first and second), `first`, `second`, `predicted`, the predicted share that keeps the first.
    """
    figure, axes = subplots(6.2, 0.9 + 0.4 * len(rows))
    ax, at = axes[0, 0], np.arange(len(rows))
    ax.barh(at, rows["first"], color=ORANGE, height=0.6, label="first kept")
    ax.barh(at, -rows["second"], color=BLUE, height=0.6, label="second kept")
    ax.plot(2 * rows.predicted - 1, at, "D", color=INK, ms=6, mfc="none", mew=1.5, label="predicted balance")
    ax.axvline(0, color=INK, lw=1)
    ax.set_yticks(at, rows["pair"])
    ax.invert_yaxis()
    ax.set(xlim=(-1.05, 1.05), xlabel="share of swapped clips", xticks=[-1, -0.5, 0, 0.5, 1])
    ax.set_xticklabels(["1", "0.5", "0", "0.5", "1"])
    figure.legend(loc="outside lower center", ncols=3)
    listed = "; ".join(f"{row.pair} {row.first:.2f} and {row.second:.2f}" for row in rows.itertuples())
    finding = f"Which of two attributes a model keeps when a clip swaps them. First and second: {listed}."
    alt = f"Bars to the right for the first attribute and to the left for the second. {listed}."
    return CaptionedFigure(name, figure, finding, alt, origin, [rows])
