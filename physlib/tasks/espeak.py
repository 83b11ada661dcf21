"""Utterances from the synthesiser eSpeak NG, in process, with the time of each phoneme (tasks layer; extra `speech`)."""

from __future__ import annotations

import ctypes
from functools import cache
from importlib import metadata
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from physlib.core.errors import PhyslibError

SAMPLE_RATE = 22_050  # of the waveform, Hz
VOICE = b"en-us"
SLOWEST, FASTEST = 80, 320  # words a minute, between which the commanded rate has its effect
_SYNCHRONOUS, _PHONEME_EVENTS, _NO_EXIT = 2, 0x0001, 0x8000
_RATE, _UTF8, _PHONEMES, _PHONEME = 1, 0x0001, 0x0100, 7


class Utterance(NamedTuple):
    """A waveform and when its phonemes begin."""

    wave: Float[np.ndarray, " S"]  # of unit range, `SAMPLE_RATE` a second
    starts: Float[np.ndarray, " P"]  # s, of each phoneme, and of the silence after the last


class _Name(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),  # ms
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Name),
    ]


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


class _Synthesiser:
    """The library, which is one for a process, and what it says."""

    def __init__(self):
        try:
            import espeakng_loader as loader
        except ImportError:
            raise PhyslibError("espeakng-loader is missing: install it with pip install 'physlib[speech]'.") from None
        self.library = ctypes.CDLL(loader.get_library_path())
        self.waves: list[np.ndarray] = []
        self.starts: list[float] = []
        self.callback = _CALLBACK(self._hear)  # kept, or it is collected while the library calls it
        options = _PHONEME_EVENTS | _NO_EXIT
        if self.library.espeak_Initialize(_SYNCHRONOUS, 0, loader.get_data_path().encode(), options) != SAMPLE_RATE:
            raise PhyslibError("eSpeak NG did not start: install espeakng-loader again.")
        self.library.espeak_SetSynthCallback(self.callback)
        self.library.espeak_SetVoiceByName(VOICE)

    def _hear(self, wave, count, event) -> int:
        if wave and count > 0:
            self.waves.append(np.ctypeslib.as_array(wave, (count,)).copy())
        place = 0
        while event[place].type:
            if event[place].type == _PHONEME:
                self.starts.append(event[place].sample / SAMPLE_RATE)
            place += 1
        return 0

    def say(self, phonemes: str, words_per_minute: int) -> Utterance:
        self.waves, self.starts = [], []
        self.library.espeak_SetParameter(_RATE, words_per_minute, 0)
        text = f"[[{phonemes}]]".encode()
        flags = _UTF8 | _PHONEMES
        self.library.espeak_Synth(text, len(text) + 1, 0, 0, 0, flags, None, None)
        self.library.espeak_Synchronize()
        wave = np.concatenate(self.waves) if self.waves else np.empty(0, np.int16)
        return Utterance(wave / 32_768, np.array(self.starts))


@cache
def _synthesiser() -> _Synthesiser:
    return _Synthesiser()


def say(phonemes: str, words_per_minute: int) -> Utterance:
    """The utterance of phonemes in eSpeak's ASCII notation at a commanded rate; the same on every machine.

    Raises `PhyslibError` where the extra `speech` is not installed, and for a rate beyond `SLOWEST` and `FASTEST`.
    """
    if not SLOWEST <= words_per_minute <= FASTEST:
        raise PhyslibError(
            f"{words_per_minute} words a minute have no effect of their own: give {SLOWEST} to {FASTEST}."
        )
    return _synthesiser().say(phonemes, words_per_minute)


def synthesiser_version() -> str:
    """Version of the package whose sounds these are. Raises `PhyslibError` where it is not installed."""
    try:
        return metadata.version("espeakng-loader")
    except metadata.PackageNotFoundError:
        raise PhyslibError("espeakng-loader is missing: install it with pip install 'physlib[speech]'.") from None
