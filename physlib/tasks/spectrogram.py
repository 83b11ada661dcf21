"""Log-mel spectrograms of waveforms, and waveforms that have a given one (tasks layer)."""

from __future__ import annotations

from functools import cache

import numpy as np
from jaxtyping import Float
from scipy.optimize import nnls
from scipy.signal import istft, stft

from physlib.tasks.espeak import SAMPLE_RATE

BANDS, HOP, WINDOW = 20, 512, 1_024
FRAME_RATE = SAMPLE_RATE / HOP  # frames a second
TOP = 8_000.0  # Hz, of the highest band
FLOOR = 1e-7  # power of silence; waveforms are of unit range
_OPTIONS = {"fs": SAMPLE_RATE, "nperseg": WINDOW, "noverlap": WINDOW - HOP}


def _mel(hertz: Float[np.ndarray, "*F"]) -> Float[np.ndarray, "*F"]:
    """Pitch as heard: D. O'Shaughnessy, Speech Communication (1987), page 150."""
    return 2_595 * np.log10(1 + hertz / 700)


@cache
def filters() -> Float[np.ndarray, "B F"]:
    """Triangles of even width in mel, one a band, whose weights sum to one."""
    corners = 700 * (10 ** (np.linspace(0, _mel(np.array([TOP]))[0], BANDS + 2) / 2_595) - 1)
    hertz = np.fft.rfftfreq(WINDOW, 1 / SAMPLE_RATE)
    low, middle, high = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    triangles = np.maximum(0, np.minimum((hertz - low) / (middle - low), (high - hertz) / (high - middle)))
    return triangles / triangles.sum(axis=1, keepdims=True)


def log_mel(wave: Float[np.ndarray, " S"]) -> Float[np.ndarray, "T B"]:
    """Decimal logarithm of the power in each band, frame by frame, not below that of `FLOOR`."""
    power = np.abs(stft(wave, **_OPTIONS)[2]) ** 2
    return np.log10(np.maximum(filters() @ power, FLOOR)).T


def sound(frames: Float[np.ndarray, "T B"], turns: int = 60, seed: int = 0) -> Float[np.ndarray, " S"]:
    """A waveform with that log-mel spectrogram.

    Powers of the bins from those of the bands by non-negative least squares; phases by D. Griffin and J. Lim, Signal
    Estimation from Modified Short-Time Fourier Transform (1984), with `turns` iterations from random ones.
    """
    bands = np.where(frames > np.log10(FLOOR) + 0.1, 10**frames, 0.0)
    size = np.sqrt(np.array([nnls(filters(), row)[0] for row in bands])).T
    phase = np.exp(2j * np.pi * np.random.default_rng(seed).random(size.shape))
    for _ in range(turns):
        wave = istft(size * phase, **_OPTIONS)[1]
        again = stft(wave, **_OPTIONS)[2][:, : size.shape[1]]
        phase = again / np.maximum(np.abs(again), 1e-12)
    return istft(size * phase, **_OPTIONS)[1]
