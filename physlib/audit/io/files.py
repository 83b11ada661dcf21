"""Files of trajectories as arrays read in blocks, never unpickled and never whole in memory."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import Any
from zlib import error as ZlibError

import numpy as np

from physlib.core.errors import PhyslibError, unknown

BLOCK = 16_000_000  # bytes read at once
VALID = ("steps", "mask")
"""Arrays beside the trajectories that say how many steps of each are real."""
HDF5 = (".h5", ".hdf5", ".hdf")


@dataclass(frozen=True)
class Source:
    """Trajectories that can be read from front to back: `rows()` gives blocks `(n, T, D)` in order."""

    name: str  # of the file, without its folder
    shape: tuple[int, ...]
    rows: Callable[[], Iterator[np.ndarray]]
    steps: np.ndarray | None = None  # valid steps of each trajectory `(N,)`, where the file says so


def open_source(data: str | Path | np.ndarray, key: str = "x") -> Source:
    """What a path or an array holds, checked for kind and rank but not yet read.

    A path may be `.npy`, `.npz` or HDF5 with the array `key` of shape `(N, T, D)`, and beside it `steps` `(N,)` or a
    boolean `mask` `(N, T)` where episodes differ in length. Raises `PhyslibError` in one sentence for anything else.
    """
    if isinstance(data, np.ndarray):
        source = Source("array", data.shape, lambda: _slices(data))
        _check(source, data.dtype)
        return source
    path = Path(data)
    if not path.is_file():
        raise PhyslibError(f"there is no file {path}: check the name.")
    readers = {".npy": _npy, ".npz": _npz} | dict.fromkeys(HDF5, _hdf5)
    if path.suffix not in readers:
        raise PhyslibError(f"cannot tell what {path.name} is: give .npy, .npz, .h5 or .hdf5, or minari:NAME.")
    try:
        return readers[path.suffix](path, key)
    except (OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
        if isinstance(error, PhyslibError):
            raise
        raise _damaged(path, error) from None


def _damaged(path: Path, error: Exception) -> PhyslibError:
    detail = " ".join(str(error).split())[:90]
    return PhyslibError(f"{path.name} is truncated or not what its name says ({detail}): write it again.")


def _check(source: Source, dtype: np.dtype) -> None:
    """Raise unless the array can be trajectories."""
    if dtype.hasobject:
        raise PhyslibError(
            f"{source.name} holds Python objects, which are never unpickled: save a numeric array, padded to one length."
        )
    if dtype.kind not in "fiu":
        raise PhyslibError(f"{source.name} holds {dtype}, not real numbers: save a float array (N, T, D).")
    if len(source.shape) != 3:
        raise PhyslibError(
            f"{source.name} has rank {len(source.shape)}, shape {source.shape}: expected (N, T, D), trajectories by steps by columns."
        )


def _block_rows(shape: tuple[int, ...], itemsize: int) -> int:
    return max(1, BLOCK // max(1, math.prod(shape[1:]) * itemsize))


def _slices(array: Any) -> Iterator[np.ndarray]:
    """Blocks of anything that slices like an array."""
    rows = _block_rows(array.shape, array.dtype.itemsize)
    for start in range(0, array.shape[0], rows):
        yield np.asarray(array[start : start + rows])


def _header(file: BufferedIOBase, name: str) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, column order and type of the array whose `.npy` stream begins here."""
    if np.lib.format.read_magic(file)[0] == 1:
        return np.lib.format.read_array_header_1_0(file)
    file.seek(0)
    if np.lib.format.read_magic(file) != (2, 0):
        raise PhyslibError(f"{name} has a header of a newer kind than is read here: save it again with numpy.save.")
    return np.lib.format.read_array_header_2_0(file)


def _stream(opened: Callable[[], BufferedIOBase], name: str) -> Iterator[np.ndarray]:
    """Blocks of a `.npy` stream that cannot be mapped into memory, such as a compressed one."""
    with opened() as file:
        shape, _, dtype = _header(file, name)
        rows, each = _block_rows(shape, dtype.itemsize), math.prod(shape[1:]) * dtype.itemsize
        for start in range(0, shape[0], rows):
            count = min(rows, shape[0] - start)
            try:
                raw = file.read(count * each)
            except (ZlibError, zipfile.BadZipFile, EOFError, OSError) as error:
                raise _damaged(Path(name), error) from None
            if len(raw) != count * each:
                raise PhyslibError(f"{name} is truncated: it ends within trajectory {start + len(raw) // each}.")
            yield np.frombuffer(raw, dtype).reshape(count, *shape[1:])


def _npy(path: Path, key: str) -> Source:
    with path.open("rb") as file:
        shape, _, dtype = _header(file, path.name)
    source = Source(path.name, shape, lambda: _slices(np.load(path, mmap_mode="r", allow_pickle=False)))
    _check(source, dtype)
    np.load(path, mmap_mode="r", allow_pickle=False)  # fails here, not half way, when bytes are missing
    return source


def _npz(path: Path, key: str) -> Source:
    with zipfile.ZipFile(path) as archive:
        names = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
        if key not in names:
            raise _no_key(path, key, names)
        with archive.open(f"{key}.npy") as file:
            shape, by_column, dtype = _header(file, path.name)
        beside = {}
        for name in set(VALID) & set(names):
            with archive.open(f"{name}.npy") as file:
                beside[name] = np.lib.format.read_array(file, allow_pickle=False)
    if by_column:
        raise PhyslibError(f"'{key}' in {path.name} is in column order: save numpy.ascontiguousarray({key}).")

    def opened() -> BufferedIOBase:
        with zipfile.ZipFile(path) as archive:  # the file stays open until its member is closed
            return archive.open(f"{key}.npy")

    source = Source(path.name, shape, lambda: _stream(opened, path.name), _valid_steps(path.name, shape, beside))
    _check(source, dtype)
    return source


def _hdf5(path: Path, key: str) -> Source:
    try:
        import h5py
    except ImportError:
        raise PhyslibError(f"reading {path.name} needs h5py: pip install h5py, or save the array as .npy.") from None
    with h5py.File(path, "r") as file:
        found: list[str] = []
        file.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None)
        if key not in found:
            raise _no_key(path, key, found)
        shape, dtype = file[key].shape, file[key].dtype
        beside = {name: file[name][()] for name in set(VALID) & set(found)}

    def rows() -> Iterator[np.ndarray]:
        with h5py.File(path, "r") as file:
            yield from _slices(file[key])

    source = Source(path.name, shape, rows, _valid_steps(path.name, shape, beside))
    _check(source, dtype)
    return source


def _no_key(path: Path, key: str, names: list[str]) -> PhyslibError:
    if not names:
        return PhyslibError(f"{path.name} holds no arrays: save the trajectories under '{key}'.")
    error = unknown(f"array in {path.name}", key, names)
    return PhyslibError(f"{error} Name it with --key.")


def _valid_steps(name: str, shape: tuple[int, ...], beside: dict[str, np.ndarray]) -> np.ndarray | None:
    """How many steps of each trajectory are real, from `steps` or from a mask that is true up to there."""
    if not beside or len(shape) != 3:
        return None
    if "steps" in beside:
        steps = beside["steps"]
        if steps.shape != shape[:1] or steps.dtype.kind not in "iu":
            raise PhyslibError(f"'steps' in {name} must be {shape[0]} whole numbers, one a trajectory.")
    else:
        mask = beside["mask"]
        if mask.shape != shape[:2] or mask.dtype.kind not in "biu":
            raise PhyslibError(f"'mask' in {name} must be booleans of shape {shape[:2]}, true where a step is real.")
        mask = mask.astype(bool)
        steps = mask.sum(axis=1)
        if not np.array_equal(mask, np.arange(shape[1]) < steps[:, None]):
            raise PhyslibError(f"'mask' in {name} must be true from the first step to the last real one, without gaps.")
    if len(steps) and not 2 <= steps.min() <= steps.max() <= shape[1]:
        raise PhyslibError(f"{name} has episodes of {steps.min()} to {steps.max()} steps: each needs 2 to {shape[1]}.")
    return steps.astype(np.int64)
