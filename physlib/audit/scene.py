"""A scene from the words and files of a command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from physlib.core.errors import PhyslibError
from physlib.tasks.scenes import Scene


def read_scene(obstacles: str | None, agents: int | None, masses: str | None) -> Scene:
    """Raises `PhyslibError` where a file or a list cannot be read."""
    return Scene(None if obstacles is None else _places(Path(obstacles)), agents, _numbers(masses))


def _places(path: Path) -> np.ndarray:
    if not path.is_file():
        raise PhyslibError(f"there is no file {path}: check --obstacles.")
    try:
        read = np.load(path, allow_pickle=False) if path.suffix == ".npy" else _table(path)
        places = np.atleast_2d(np.asarray(read, float))
    except (OSError, ValueError, EOFError):
        raise PhyslibError(
            f"cannot read {path.name}: give --obstacles as .npy or .csv, a place in every row."
        ) from None
    if places.ndim != 2 or not places.size or not np.isfinite(places).all():
        raise PhyslibError(f"{path.name} must hold finite numbers, a place in every row: mend --obstacles.")
    return places


def _table(path: Path) -> np.ndarray:
    """Numbers with commas, below a line of names where there is one."""
    with path.open(encoding="utf-8", errors="replace") as file:
        named = any(letter.isalpha() and letter not in "eE" for letter in file.readline())
    return np.loadtxt(path, delimiter=",", skiprows=int(named), ndmin=2)


def _numbers(words: str | None) -> tuple[float, ...] | None:
    if words is None:
        return None
    try:
        return tuple(float(word) for word in words.split(","))
    except ValueError:
        raise PhyslibError(f"cannot read --masses '{words}': give numbers separated by commas, one a column.") from None
