"""The ways in which files lay out trajectories: one array, frames one after another, or an array for every episode."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from physlib.audit.io.source import MASK, RATE, STEP_TIME, STEPS, TIMES, Source, checked, real_steps, step_times
from physlib.audit.io.store import BLOCK, Store
from physlib.core.errors import PhyslibError, unknown

ENDS = ("episode_ends", "ends", "traj_ends")
INDEX = (
    "episode_index",
    "episode",
    "episode_id",
    "episode_ids",
    "traj",
    "traj_id",
    "trajectory",
    "trajectory_id",
    "track_id",
)
"""Arrays beside frames that say where each trajectory ends, or which one each frame belongs to."""
SHOWN = 10  # names that a message lists


def trajectories(store: Store, key: str) -> Source:
    """The trajectories that a file holds under a name; `*` in it stands for the number of an episode.

    A name need not be whole: its end will do where that is clear. Raises `PhyslibError` where there is none such.
    """
    patterns = _patterns(store)
    found = next((p for p in (key, *_ending(key, patterns)) if p in patterns), None)
    if found is None:
        raise _no_key(store, key, patterns)
    names = patterns[found]
    if "*" in found:
        return _episodes(store, names)
    shape, dtype = store.arrays[found]
    beside = _beside(store, found, shape)
    if len(shape) == 2 and (ends := _ends(store, found, shape[0])) is not None:
        return _frames(store, found, ends, beside)
    source = checked(Source(store.name, shape, lambda: store.blocks(found)), dtype)
    steps = real_steps(store.name, shape, beside)
    dt, notes = step_times(store.name, shape[0], beside, steps)
    labels = {name: array for name, array in beside.items() if array.shape == shape[:1]}
    return dataclasses.replace(source, steps=steps, dt=dt, labels=labels, notes=notes)


def padded(episodes: Sequence[np.ndarray], length: int) -> np.ndarray:
    """Episodes `(S, D)` as one array `(n, T, D)`, the last step of each repeated behind it."""
    x = np.empty((len(episodes), length, *episodes[0].shape[1:]), np.result_type(*episodes))
    for row, episode in zip(x, episodes, strict=True):
        row[: len(episode)], row[len(episode) :] = episode, episode[-1]
    return x


def in_episodes(frames: Iterator[np.ndarray], ends: np.ndarray) -> Iterator[np.ndarray]:
    """Blocks of padded episodes from blocks of frames."""
    lengths = np.diff(ends, prepend=0)
    longest, ready, size, left, at = int(lengths.max()), [], 0, [], 0
    for block in frames:
        left.append(block)
        have = sum(map(len, left))
        if have < lengths[at]:
            continue
        rest = np.concatenate(left)
        while at < len(lengths) and len(rest) >= lengths[at]:
            ready.append(rest[: lengths[at]])
            rest, at, size = rest[lengths[at] :], at + 1, size + longest * block[:1].nbytes
            if size > BLOCK:
                yield padded(ready, longest)
                ready, size = [], 0
        left = [rest]
        if at == len(lengths):
            break
    if ready:
        yield padded(ready, longest)


def _patterns(store: Store) -> dict[str, list[str]]:
    """Names of arrays, with those that differ in a number of their group's name put together, in order of that number."""
    found: dict[str, list[str]] = {}
    for name in store.arrays:
        found.setdefault(name, [name])
        *groups, last = name.split("/")
        if any(re.search(r"\d+$", group) for group in groups):
            pattern = "/".join([re.sub(r"^.*?\d+$", "*", group) for group in groups] + [last])
            found.setdefault(pattern, []).append(name)
    for names in found.values():
        names.sort(key=lambda name: [int(part) for part in re.findall(r"\d+", name)])
    return {pattern: names for pattern, names in found.items() if "*" not in pattern or len(names) > 1}


def _ending(key: str, patterns: Mapping[str, list[str]]) -> list[str]:
    """Patterns, or whole names where there are none, that end in a key, where there is just one."""
    ends = [p for p in patterns if p.endswith(f"/{key}")]
    many = [p for p in ends if "*" in p]
    chosen = many or ends
    return chosen if len(chosen) == 1 else []


def _group(name: str) -> str:
    return name.rpartition("/")[0]


def _beside(store: Store, key: str, shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Small arrays in the group of an array, and what its file says of time."""
    found = {}
    known = (*STEPS, *MASK, *STEP_TIME, *RATE, *TIMES)
    for name, (other, dtype) in store.arrays.items():
        short = name.rpartition("/")[2]
        one_each = len(other) == 1 and other[:1] == shape[:1]
        if _group(name) == _group(key) and name != key and not dtype.hasobject and (short in known or one_each):
            found[short] = store.read(name)
    for group in (f"{_group(key)}/" if _group(key) else "", ""):
        for name in (*STEP_TIME, *RATE):
            if f"{group}{name}" in store.attributes:
                found.setdefault(name, np.array(store.attributes[f"{group}{name}"]))
    return found


def _ends(store: Store, key: str, count: int) -> np.ndarray | None:
    """Where each trajectory among frames ends, where the file says so; its own group first, then anywhere."""
    for names in (ENDS, INDEX):
        for name in names:
            places = [p for p in store.arrays if p.rpartition("/")[2] == name]
            place = next((p for p in places if _group(p) == _group(key)), places[0] if len(places) == 1 else None)
            if place is not None and not store.arrays[place][1].hasobject:
                return checked_ends(store.name, name, store.read(place), count, names is INDEX)
    return None


def checked_ends(name: str, key: str, values: np.ndarray, count: int, index: bool) -> np.ndarray:
    """Ends of trajectories, from these or from the trajectory that each of `count` frames belongs to."""
    values = np.asarray(values).reshape(-1)
    if index:
        if len(values) != count:
            raise PhyslibError(
                f"'{key}' in {name} must hold one number for each of the {count} frames: it holds {len(values)}."
            )
        ends = np.append(np.flatnonzero(values[1:] != values[:-1]) + 1, count)
        if len(np.unique(values)) != len(ends):
            raise PhyslibError(f"'{key}' in {name} comes back to trajectories that had ended: sort the frames by it.")
    else:
        ends = values
        whole = ends.dtype.kind in "fiu" and len(ends)
        if not whole or np.any(np.diff(ends, prepend=0) < 1) or ends[-1] != count:
            raise PhyslibError(f"'{key}' in {name} must rise to the number of frames, {count}: it ends at {ends[-1:]}.")
    lengths = np.diff(ends, prepend=0)
    if lengths.min() < 2:
        raise PhyslibError(f"{name} has trajectories of one step by '{key}': drop them, as one point is no motion.")
    return ends.astype(np.int64)


def _frames(store: Store, key: str, ends: np.ndarray, beside: Mapping[str, np.ndarray]) -> Source:
    return from_frames(store.name, store.arrays[key], lambda: store.blocks(key), ends, beside)


def from_frames(name: str, array, blocks, ends: np.ndarray, beside: Mapping[str, np.ndarray], columns=None) -> Source:
    """Trajectories from frames `(S, D)` one after another; `array` is their shape and type."""
    (count, dims), dtype = array
    lengths = np.diff(ends, prepend=0)
    longest, starts = int(lengths.max()), ends - lengths
    labels, times = {}, dict(beside)
    for key, values in beside.items():
        if values.shape != (count,):
            labels |= {key: values} if values.shape == lengths.shape else {}
            continue
        if key in TIMES:
            times[key] = np.concatenate(list(in_episodes(slices_of(values[:, None]), ends)))[..., 0]
        elif np.array_equal(values, np.repeat(values[starts], lengths)):  # one value a trajectory
            labels[key] = times[key] = values[starts]
    dt, notes = step_times(name, len(ends), times, lengths)
    steps = lengths if longest > lengths.min() else None
    shape = (len(ends), longest, dims)
    return checked(Source(name, shape, lambda: in_episodes(blocks(), ends), steps, dt, labels, columns, notes), dtype)


def slices_of(array: np.ndarray) -> Iterator[np.ndarray]:
    """An array as one block."""
    yield array


def _episodes(store: Store, names: Sequence[str]) -> Source:
    """An array for every episode."""
    shapes = [store.arrays[name][0] for name in names]
    dtypes = [store.arrays[name][1] for name in names]
    if any(dtype.kind not in "fiu" for dtype in dtypes) or any(len(s) != 2 or s[1:] != shapes[0][1:] for s in shapes):
        raise PhyslibError(
            f"'{names[0]}' and its like in {store.name} are not steps by columns, (S, D) of one D in every episode: choose another --key."
        )
    lengths = np.array([shape[0] for shape in shapes])
    if lengths.min() < 2:
        raise PhyslibError(
            f"'{names[int(lengths.argmin())]}' in {store.name} has fewer than two steps: drop that episode."
        )
    longest, each = int(lengths.max()), shapes[0][1] * np.result_type(*dtypes).itemsize

    def rows() -> Iterator[np.ndarray]:
        count, ready = max(1, BLOCK // (longest * each)), []
        for episode in store.each(names):
            ready.append(episode)
            if len(ready) == count:
                yield padded(ready, longest)
                ready = []
        if ready:
            yield padded(ready, longest)

    said = {name: np.array(store.attributes[name]) for name in (*STEP_TIME, *RATE) if name in store.attributes}
    beside = {"dt": times} if (times := _episode_times(store, names)) is not None else said
    dt, notes = step_times(store.name, len(names), beside, lengths)
    steps = lengths if longest > lengths.min() else None
    return checked(
        Source(store.name, (len(names), longest, shapes[0][1]), rows, steps, dt, notes=notes), np.result_type(*dtypes)
    )


def _episode_times(store: Store, names: Sequence[str]) -> np.ndarray | None:
    """Mean time between steps of each episode from an attribute of its groups."""
    for key in (*STEP_TIME, *RATE):
        found = [store.attributes.get(f"{_group(name)}/{key}") for name in names]
        if all(value is not None for value in found):
            return np.array(found, float) ** (1 if key in STEP_TIME else -1)
    return None


def _no_key(store: Store, key: str, patterns: Mapping[str, list[str]]) -> PhyslibError:
    """What a file holds instead, at most ten names, patterns first."""
    usable = [name for name in patterns if "*" in name]
    usable = usable or [name for name, (shape, _) in store.arrays.items() if len(shape) >= 2] or list(patterns)
    if not usable:
        return PhyslibError(f"{store.name} holds no arrays: save the trajectories under '{key}'.")
    if len(usable) <= SHOWN:
        error = unknown(f"array in {store.name}", key, usable)
    else:
        error = f"unknown array in {store.name} '{key}': it holds {', '.join(usable[:SHOWN])} and {len(usable) - SHOWN} more."
    return PhyslibError(f"{error} Name the trajectories with --key, as --key '{usable[0]}'.")
