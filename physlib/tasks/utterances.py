"""Sets of utterances with a given distribution of the measured speaking rate, made in a process of their own and kept.

The synthesiser lets its pitch waver from one utterance to the next, so that a waveform depends on those before it: a set is
made in order by a fresh process, which gives the same on every machine, and is kept in a file.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from tqdm import tqdm

from physlib.core.errors import PhyslibError
from physlib.core.files import Damaged, Missing, read_sealed, root, seal, write_atomic
from physlib.tasks.espeak import SAMPLE_RATE, Utterance, say, synthesiser_version
from physlib.tasks.spectrogram import BANDS, FLOOR, FRAME_RATE, HOP, log_mel

VERSION = 1  # raise by hand when the meaning of a set changes
CONSONANTS, VOWELS = ("t", "k", "s", "m"), ("A:", "i:", "u:", "E")
SYLLABLES = 4
FRAMES = 72  # of the canvas: the slowest utterance and a frame of silence at either end
SILENT = np.log10(FLOOR)
THRESHOLD = -4.4  # log power over all bands that parts speech from silence, here and in what models make
PACE: tuple[tuple[float, ...], tuple[float, ...]] = (
    (2.2, 2.5, 3.2, 4.0, 5.7, 7.7, 8.5, 9.2),
    (80, 100, 120, 150, 200, 250, 279, 300),
)
"""Syllables a second that come out, on average, of commanded words a minute."""


class Utterances(NamedTuple):
    """A set of utterances of four syllables."""

    x: Float[np.ndarray, "N T D"]  # log-mel spectrogram on the canvas, and a flag that is 1 once speech has ended
    rate: Float[np.ndarray, " N"]  # syllables a second
    text: Int[np.ndarray, "N 8"]  # phonemes, consonants 0 to 3 and vowels 4 to 7 in turn
    pace: Int[np.ndarray, " N"]  # commanded words a minute
    durations: Float[np.ndarray, "N 8"]  # of the phonemes, in frames
    order: Int[np.ndarray, "N T"]  # number of the phoneme within the text at each frame, -1 before and after speech


def log_power(x: Float[np.ndarray, "N T D"]) -> Float[np.ndarray, "N T"]:
    """Decimal logarithm of the power over all bands, that of silence where the flag says that speech has ended."""
    power = np.log10(np.sum(10 ** np.clip(np.nan_to_num(x[..., :BANDS], nan=SILENT), SILENT, 10), axis=-1))
    return np.where(x[..., BANDS] > 0.5, SILENT, power)


def span(x: Float[np.ndarray, "N T D"]) -> tuple[Float[np.ndarray, " N"], Float[np.ndarray, " N"]]:
    """When the power first rises above `THRESHOLD` and last falls below it, in frames, interpolated; NaN for silence.

    Whole frames would give rates in steps: .35 syllables a second near 8.
    """
    edge = np.full((len(x), 1), SILENT)
    power = np.concatenate([edge, log_power(x), edge], axis=1)
    loud, rows = power > THRESHOLD, np.arange(len(x))
    first, last = np.argmax(loud, axis=1), loud.shape[1] - 1 - np.argmax(loud[:, ::-1], axis=1)
    before, after = power[rows, first - 1], power[rows, np.minimum(last + 1, loud.shape[1] - 1)]
    with np.errstate(divide="ignore", invalid="ignore"):
        begin = first - (power[rows, first] - THRESHOLD) / (power[rows, first] - before)
        end = last + (power[rows, last] - THRESHOLD) / (power[rows, last] - after)
    heard = loud.any(axis=1)
    return np.where(heard, begin - 1, np.nan), np.where(heard, end - 1, np.nan)


def rate_of(x: Float[np.ndarray, "N T D"]) -> Float[np.ndarray, " N"]:
    """Speaking rate, syllables a second: four over the time from the first sound to the last."""
    begin, end = span(x)
    return SYLLABLES * FRAME_RATE / (end - begin)


def phonemes(text: Int[np.ndarray, " 8"]) -> str:
    """Phonemes in the synthesiser's notation, every syllable stressed alike."""
    sounds = (*CONSONANTS, *VOWELS)
    return "".join(f"'{sounds[a]}{sounds[b]}" for a, b in text.reshape(-1, 2))


def on_canvas(utterance: Utterance) -> tuple[Float[np.ndarray, "1 T D"], Int[np.ndarray, " T"]] | None:
    """Spectrogram that begins with a frame of silence, and which phoneme each frame is of; none where it is too long."""
    frames = log_mel(utterance.wave)
    begin, end = (float(time[0]) for time in span(np.pad(frames, ((0, 0), (0, 1)))[None]))  # no flag yet
    start = int(np.floor(begin)) - 1  # perhaps a frame before the first: silence
    if not np.isfinite(begin) or end - start > FRAMES - 2:
        return None
    x = np.full((1, FRAMES, BANDS + 1), SILENT)
    rows = np.arange(max(start, 0), min(len(frames), start + FRAMES))
    x[0, rows - start, :BANDS] = frames[rows]
    x[..., BANDS] = np.arange(FRAMES) > end - start
    time = (np.arange(FRAMES) + start) * HOP / SAMPLE_RATE
    order = np.searchsorted(utterance.starts[: 2 * SYLLABLES + 1], time, side="right") - 1
    return x, np.where((order >= 2 * SYLLABLES) | (x[0, :, BANDS] > 0), -1, order)


def random_text(n: int, rng: np.random.Generator) -> Int[np.ndarray, "N 8"]:
    """Phonemes of `n` texts of four syllables."""
    text = rng.integers(0, 4, (n, 2 * SYLLABLES))
    text[:, 1::2] += len(CONSONANTS)
    return text


def make(n: int, edges: Float[np.ndarray, " K"], rng: np.random.Generator) -> Utterances:
    """`n` utterances, equally many with a measured rate between each edge and the next, in random order."""
    wanted = np.full(len(edges) - 1, n // (len(edges) - 1))
    wanted[rng.permutation(len(wanted))[: n % len(wanted)]] += 1
    kept: list[tuple] = []
    with tqdm(total=n, desc="synthesising speech", leave=False, disable=None) as bar:
        while wanted.any():
            into = rng.choice(np.flatnonzero(wanted))
            pace = int(np.interp(rng.uniform(edges[into], edges[into + 1]), *PACE) + rng.normal(0, 5))
            text = random_text(1, rng)[0]
            pace = int(np.clip(pace, PACE[1][0], PACE[1][-1]))
            said = say(phonemes(text), pace)
            made = on_canvas(said)
            if made is None:
                continue
            rate = float(rate_of(made[0])[0])
            at = int(np.searchsorted(edges, rate, side="right")) - 1
            if 0 <= at < len(wanted) and wanted[at]:
                wanted[at] -= 1
                durations = np.diff(said.starts[: 2 * SYLLABLES + 1]) * FRAME_RATE
                kept.append((made[0][0], rate, text, pace, durations, made[1]))
                bar.update()
    order = rng.permutation(n)
    return Utterances(*(np.array(part)[order] for part in zip(*kept, strict=True)))


def utterances(n: int, edges: Float[np.ndarray, " K"], seed: int) -> Utterances:
    """The set that `make` makes with that seed in a fresh process, from its file where it has been made before.

    Raises `PhyslibError` where the extra `speech` is not installed, and where the process fails.
    """
    request = {"n": n, "edges": [round(float(edge), 6) for edge in edges], "seed": seed, "version": VERSION}
    key = hashlib.sha256(json.dumps(request | {"espeak": synthesiser_version()}).encode()).hexdigest()[:12]
    path = root("PHYSLIB_BUILD", "_build") / "speech" / f"{key}.safetensors"
    try:
        arrays, _ = read_sealed(path, "set of utterances", "it is made again.")
    except (Missing, Damaged):
        start = "import sys; from physlib.tasks import utterances; utterances.write(*sys.argv[1:])"
        command = [sys.executable, "-c", start, json.dumps(request), str(path)]
        if subprocess.run(command, check=False).returncode:
            raise PhyslibError("utterances could not be made: see the message above.") from None
        arrays, _ = read_sealed(path, "set of utterances", "make room on the disk.")
    return read(arrays)


def read(arrays: dict[str, np.ndarray]) -> Utterances:
    """A set from the arrays of its file, whose rates are measured anew."""
    x, whole = arrays["x"].astype(float), ("text", "pace", "order")
    parts = {name: arrays[name].astype(int if name in whole else float) for name in Utterances._fields[2:]}
    return Utterances(x, rate_of(x), **parts)


def write(request: str, path: str) -> None:
    """Make a set, as JSON asks for it, and write its file: what the fresh process does."""
    wanted = json.loads(request)
    made = make(wanted["n"], np.array(wanted["edges"]), np.random.default_rng(wanted["seed"]))
    small = {"x": np.float16, "text": np.int8, "pace": np.int16, "durations": np.float16, "order": np.int8}
    arrays = {name: getattr(made, name).astype(kind) for name, kind in small.items()}
    write_atomic(Path(path), seal(arrays, wanted))
