"""Paths from recordings: Minari datasets of an agent that moves in the plane (tasks layer; needs the extra `maze`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Float

from physlib.core.errors import PhyslibError

PLACES = ("achieved_goal", "observation")
"""Entries of a dictionary of observations that hold the position, best first; Gymnasium-Robotics has both."""


def minari_paths(dataset: str, steps: int = 64, stride: int = 1) -> Float[np.ndarray, "N T 2"]:
    """Paths of `steps` positions, `stride` recorded steps apart, cut one after another from a local Minari dataset.

    What is left over at the end of an episode is dropped; positions are in the dataset's unit (PointMaze: cells).
    Raises `PhyslibError` where Minari is not installed, where there is no such dataset on this machine, where it
    holds no positions, where no episode is long enough, or for fewer than two steps or a stride below one.
    """
    if steps < 2 or stride < 1:
        raise PhyslibError(
            f"a path of {steps} steps with stride {stride} is none: give two steps or more, stride 1 or more."
        )
    reach = (steps - 1) * stride + 1
    paths: list[np.ndarray] = []
    for observations in recorded_observations(dataset):
        places = _positions(observations, dataset)
        paths += [places[i : i + reach : stride] for i in range(0, len(places) - reach + 1, reach)]
    if not paths:
        raise PhyslibError(
            f"no episode of '{dataset}' has {reach} observations: ask for fewer steps or a smaller stride."
        )
    return np.array(paths)


def recorded_observations(dataset: str) -> Iterator[Any]:
    """Observations of each episode of a local Minari dataset, an array or a dictionary of arrays.

    Raises `PhyslibError` where Minari is not installed, or where there is no such dataset on this machine.
    """
    try:
        import minari
    except ImportError:
        raise PhyslibError("minari is missing: install it with pip install 'physlib[maze]'.") from None
    try:
        recorded = minari.load_dataset(dataset)
    except FileNotFoundError:
        raise PhyslibError(
            f"there is no Minari dataset '{dataset}' on this machine: download it with minari download {dataset}."
        ) from None
    for episode in recorded.iterate_episodes():
        yield episode.observations


def _positions(observations: Any, dataset: str) -> Float[np.ndarray, "S 2"]:
    if isinstance(observations, dict):
        observations = next((observations[key] for key in PLACES if key in observations), None)
    if not isinstance(observations, np.ndarray) or observations.ndim != 2 or observations.shape[1] < 2:
        raise PhyslibError(
            f"the observations of '{dataset}' hold no positions: expected two or more columns, x and y first, "
            f"or a dictionary with one of {', '.join(PLACES)}."
        )
    return observations[:, :2].astype(float)
