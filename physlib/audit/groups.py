"""Rows that depend on each other: groups and conditions that a reader names, and what is seen without."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int
from scipy.stats import spearmanr

from physlib.audit.io.read import Loaded
from physlib.audit.io.source import Source
from physlib.core.errors import PhyslibError
from physlib.stats.clusters import group_codes

LEAST = 8  # groups below which nothing is tested
GROUP, CONDITION = "--groups", "--paired"
"""Labels under which a source carries them."""
ROW = "row"
"""The condition that is the place in the file."""
NAMES = re.compile(r"episode|traj|subject|scene|seed|demo|session|person|pedestrian|agent|track|group|user|task", re.I)
ALIKE, SURE = 0.2, 4.0  # rank correlation of neighbouring rows, and its standard errors, beyond which they are alike


def with_labels(source: Source, label: str, spec: Any, optional: bool = False) -> Source:
    """The source with the labels that `spec` names: an array beside the trajectories, a file of them, or an array.

    Raises `PhyslibError` where there are none such, unless they are `optional`, or not one a trajectory.
    """
    if spec is None:
        return source
    if isinstance(spec, (str, Path)):
        values = source.labels.get(str(spec))
        if values is None and label == CONDITION and spec == ROW:
            values = np.arange(source.shape[0])
        if values is None and Path(spec).is_file():
            values = _file(Path(spec))
        if values is None and optional:
            return source
        if values is None:
            known = f"it has {', '.join(list(source.labels)[:10])}" if source.labels else "it has none"
            raise PhyslibError(
                f"{source.name} has no array '{spec}' of one label a trajectory ({known}), and there is no such file: mend {label}."
            )
    else:
        values = np.asarray(spec)
    if values.shape != source.shape[:1]:
        raise PhyslibError(
            f"{label} gives {np.size(values)} labels for the {source.shape[0]} trajectories of {source.name}: give one each."
        )
    return dataclasses.replace(source, labels={**source.labels, label: values})


def _file(path: Path) -> np.ndarray:
    """Labels of a `.npy` file, or of a text file with one in every line."""
    try:
        if path.suffix == ".npy":
            return np.load(path, allow_pickle=False).reshape(-1)
        return np.loadtxt(path, dtype=str, delimiter=",", ndmin=1).reshape(-1)
    except (OSError, ValueError, EOFError) as error:
        raise PhyslibError(
            f"cannot read labels from {path.name} ({' '.join(str(error).split())[:80]}): give .npy, or text with one a line."
        ) from None


def groups_of(loaded: Loaded) -> Int[np.ndarray, " N"] | None:
    """Independent groups of the trajectories as whole numbers, None where each is its own."""
    labels = loaded.labels.get(GROUP)
    return None if labels is None else group_codes(labels)


def conditions(demonstrated: Loaded, sampled: Loaded) -> Int[np.ndarray, " N2"]:
    """For each sample, the row of the demonstration that has its condition. Raises where there is not just one."""
    known, wanted = demonstrated.labels[CONDITION], sampled.labels[CONDITION]
    values, first, number = np.unique(known, return_index=True, return_counts=True)
    if number.max() > 1:
        raise PhyslibError(
            f"condition '{values[number.argmax()]}' belongs to {number.max()} demonstrations: --paired needs one of each."
        )
    place = np.searchsorted(values, wanted).clip(0, len(values) - 1)
    lost = np.flatnonzero(values[place] != wanted)
    if len(lost):
        raise PhyslibError(
            f"{len(lost)} samples answer conditions that no demonstration has, the first '{wanted[lost[0]]}': mend --paired."
        )
    return first[place]


def dependence(loaded: Loaded) -> str | None:
    """In a sentence, why the trajectories of a file may depend on each other; None where nothing says so."""
    count, seen = len(loaded.q), loaded.repeats
    reasons = []
    if seen.dependent:
        reasons.append(
            f"{seen.sharing:,} of {seen.rows:,} share a stretch of motion with another, {seen.distinct:,} are distinct"
        )
    elif (alike := _neighbours(loaded.q)) is not None:
        reasons.append(f"neighbours in the file are alike (rank correlation {alike:.2f})")
    named = _named(loaded.labels, count)
    if named is not None:
        reasons.append(f"'{named}' takes {len(np.unique(loaded.labels[named])):,} values")
    if not reasons:
        return None
    remedy = f"--groups {named or 'KEY (or a file of labels)'}"
    return f"The {count:,} trajectories of {loaded.name} may depend on each other: {'; '.join(reasons)}. Give {remedy}."


def _neighbours(q: np.ndarray) -> float | None:
    """Rank correlation of neighbouring rows where it is beyond chance and matters."""
    good = np.isfinite(q)
    both = good[1:] & good[:-1]
    if both.sum() < 20 or np.ptp(q[good]) == 0:
        return None
    found = float(np.nan_to_num(spearmanr(q[:-1][both], q[1:][both]).statistic))
    return found if found > max(ALIKE, SURE / np.sqrt(both.sum())) else None


def _named(labels: Mapping[str, np.ndarray], count: int) -> str | None:
    """A label that looks like groups: some trajectories have the same."""
    for name, values in labels.items():
        if NAMES.search(name) and values.shape == (count,) and 1 < len(np.unique(values)) <= count / 2:
            return name
    return None
