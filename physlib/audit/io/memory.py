"""Trajectories that are in memory: arrays, masked arrays, tensors, lists of episodes, dictionaries, Minari's datasets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from physlib.audit.io.layout import padded, trajectories
from physlib.audit.io.source import Source, checked, prefix
from physlib.audit.io.store import in_memory, slices
from physlib.core.errors import PhyslibError


def from_memory(data: Any, key: str) -> Source:
    """Trajectories of anything that NumPy can read: a mask is honoured, a list may hold episodes of unequal length.

    A dictionary is read as a file with these arrays would be.
    """
    if isinstance(data, Mapping):
        return trajectories(in_memory("dictionary", {str(name): _array(value) for name, value in data.items()}), key)
    if isinstance(data, Sequence) and len({np.shape(_array(episode)) for episode in data}) > 1:
        return from_episodes("list", [_array(episode) for episode in data])
    array = _array(data)
    steps = None
    if isinstance(array, np.ma.MaskedArray):
        real = ~np.ma.getmaskarray(array)
        if array.ndim == 3:
            steps = prefix(real.all(axis=2), "the mask of the array, inverted,")
            if len(steps) and steps.min() < 2:
                raise PhyslibError(f"array has episodes of {steps.min()} steps: each needs 2 to {array.shape[1]}.")
        array = array.data
        steps = None if steps is None or np.all(steps == array.shape[1]) else steps
    return checked(Source("array", array.shape, lambda: slices(array), steps), array.dtype)


def from_episodes(name: str, episodes: Sequence[np.ndarray], columns: tuple[str, ...] | None = None) -> Source:
    """Episodes `(S, D)`, each of its own length."""
    shapes = [np.shape(episode) for episode in episodes]
    if not shapes or any(len(shape) != 2 or shape[1:] != shapes[0][1:] for shape in shapes):
        raise PhyslibError(f"{name} must hold episodes of steps by columns, (S, D), of one D.")
    lengths = np.array([shape[0] for shape in shapes])
    if lengths.min() < 2:
        raise PhyslibError(f"episode {int(lengths.argmin())} of {name} has fewer than two steps: drop it.")
    x = padded(episodes, int(lengths.max()))
    steps = lengths if lengths.min() < lengths.max() else None
    return checked(Source(name, x.shape, lambda: slices(x), steps, columns=columns), x.dtype)


def from_minari(name: str, key: str, chosen: bool) -> Source:
    """Whole episodes of a local Minari dataset: the observations, or the entry `key` of them.

    Where observations have many columns whose meaning the dataset does not say, they are to be `chosen`.
    """
    from physlib.tasks.recorded import PLACES, recorded_observations

    episodes = list(recorded_observations(name))
    if isinstance(episodes[0], Mapping):
        found = next((place for place in (key, *(PLACES if key == "x" else ())) if place in episodes[0]), None)
        if found is None:
            raise PhyslibError(
                f"observations of '{name}' have no '{key}': choose --key among {', '.join(episodes[0])}."
            )
        return from_episodes(name, [np.asarray(episode[found]) for episode in episodes])
    if key not in ("x", "observation", "observations"):
        raise PhyslibError(f"observations of '{name}' are one array: leave out --key {key}, and choose --columns.")
    if np.ndim(episodes[0]) == 2 and episodes[0].shape[1] > 3 and not chosen:
        raise PhyslibError(
            f"observations of '{name}' have {episodes[0].shape[1]} columns, and not all of them may be positions: choose with --columns, as 0,1."
        )
    return from_episodes(name, [np.asarray(episode) for episode in episodes])


def _array(data: Any) -> Any:
    """An array of anything like one; tensors are taken from their device first, Dask's arrays stay where they are."""
    if hasattr(data, "numblocks"):
        if np.isnan(data.shape).any():
            raise PhyslibError("the chunks of the array are of unknown size: call its compute_chunk_sizes() first.")
        return data
    if isinstance(data, np.ndarray):
        return data
    if hasattr(data, "detach"):
        data = data.detach().cpu().numpy()
    try:
        return np.asanyarray(data)
    except (TypeError, ValueError, RuntimeError):
        raise PhyslibError(
            f"cannot read a {type(data).__name__} as trajectories: give an array (N, T, D), a list of episodes (S, D), or a file."
        ) from None
