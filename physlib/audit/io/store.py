"""Arrays by name within a file, read in blocks, never unpickled and never whole in memory unless they are small."""

from __future__ import annotations

import contextlib
import math
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BufferedIOBase
from pathlib import Path
from tokenize import TokenError
from typing import Any
from zlib import error as ZlibError

import numpy as np

from physlib.core.errors import PhyslibError

BLOCK = 16_000_000  # bytes read at once
LARGE, PACKED = 1_000_000_000, 200
"""Bytes from which a file must not hold more than so many times its own size: no measurement packs that well."""
UNREADABLE = (
    *(OSError, EOFError, ValueError, KeyError, TypeError, RuntimeError, SyntaxError),
    *(TokenError, ZlibError, zipfile.BadZipFile),
)
"""What libraries raise for files that are not what their names say."""


@dataclass(frozen=True)
class Store:
    """Arrays by name, with `/` between groups, and numbers that a file says of itself."""

    name: str  # of the file, without its folder
    arrays: Mapping[str, tuple[tuple[int, ...], np.dtype]]  # shapes and types
    blocks: Callable[[str], Iterator[np.ndarray]]  # of one array, from front to back
    each: Callable[[Sequence[str]], Iterator[np.ndarray]]  # whole arrays, one after another
    attributes: Mapping[str, float] = field(default_factory=dict)

    def read(self, name: str) -> np.ndarray:
        """One whole array."""
        return next(self.each([name]))


def open_store(path: Path) -> Store:
    """Arrays of `.npy`, `.npz`, HDF5 or Zarr. Raises `PhyslibError` in one sentence for anything else."""
    readers = {".npy": _npy, ".npz": _npz, ".h5": _hdf5, ".hdf5": _hdf5, ".hdf": _hdf5, ".zarr": _zarr}
    reader = readers.get(path.suffix, _zarr if path.name.endswith(".zarr.zip") or path.is_dir() else None)
    if reader is None:
        raise PhyslibError(
            f"cannot tell what {path.name} is: give .npy, .npz, .h5, .hdf5, .zarr, .csv or .parquet, or minari:NAME; "
            "anything else, save with numpy.savez."
        )
    with told(path.name):
        store = reader(path)
    check_size(path, sum(math.prod(shape) * dtype.itemsize for shape, dtype in store.arrays.values()))
    return store


@contextlib.contextmanager
def told(name: str) -> Iterator[None]:
    """Whatever a library says of a file that it cannot read, as one sentence."""
    try:
        yield
    except PhyslibError:
        raise
    except UNREADABLE as error:
        raise damaged(name, error) from None


def check_size(path: Path, held: int) -> None:
    """Raise for a small file, or folder, that says that it holds very much: no memory would do for it."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    size = sum(file.stat().st_size for file in files)
    if held > LARGE and held > PACKED * size:
        raise PhyslibError(
            f"{path.name} says that it holds {held / 1e9:.1f} GB in {size / 1e6:.2f} MB on disk, more than any measurement "
            "packs: if it is right, save it unpacked."
        )


def damaged(name: str, error: Exception) -> PhyslibError:
    """For a file that ends too early, or is something else."""
    detail = " ".join(str(error).split())[:90]
    return PhyslibError(f"{name} is truncated or not what its name says ({detail}): write it again.")


def in_memory(name: str, arrays: Mapping[str, Any]) -> Store:
    """Arrays that are there already."""
    return Store(
        name,
        {key: (array.shape, array.dtype) for key, array in arrays.items()},
        lambda key: slices(arrays[key]),
        lambda keys: (np.asarray(arrays[key]) for key in keys),
    )


def block_rows(shape: tuple[int, ...], itemsize: int) -> int:
    """How many rows of an array make a block."""
    return max(1, BLOCK // max(1, math.prod(shape[1:]) * itemsize))


def slices(array: Any) -> Iterator[np.ndarray]:
    """Blocks of anything that slices like an array; of Dask's arrays each chunk is computed once."""
    if hasattr(array, "numblocks"):
        array = array.rechunk(dict.fromkeys(range(1, array.ndim), -1))
        for chunk in range(array.numblocks[0]):
            yield from slices(np.asarray(array.blocks[chunk]))
        return
    rows = block_rows(array.shape, array.dtype.itemsize)
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


def _stream(opened: Callable[[], BufferedIOBase], name: str, key: str) -> Iterator[np.ndarray]:
    """Blocks of a `.npy` stream that cannot be mapped into memory, such as a compressed one."""
    with opened() as file:
        shape, by_column, dtype = _header(file, name)
        if by_column:
            raise PhyslibError(f"'{key}' in {name} is in column order: save numpy.ascontiguousarray({key}).")
        rows, each = block_rows(shape, dtype.itemsize), math.prod(shape[1:]) * dtype.itemsize
        for start in range(0, shape[0], rows):
            count = min(rows, shape[0] - start)
            with told(name):
                raw = file.read(count * each)
            if len(raw) != count * each:
                raise PhyslibError(f"{name} is truncated: it ends within row {start + len(raw) // each} of '{key}'.")
            yield np.frombuffer(raw, dtype).reshape(count, *shape[1:])


def _npy(path: Path) -> Store:
    with path.open("rb") as file:
        shape, _, dtype = _header(file, path.name)
    if not dtype.hasobject:
        np.load(path, mmap_mode="r", allow_pickle=False)  # fails here, not half way, when bytes are missing

    def load() -> np.ndarray:
        return np.load(path, mmap_mode="r", allow_pickle=False)

    return Store(path.name, {"x": (shape, dtype)}, lambda key: slices(load()), lambda keys: (load() for _ in keys))


def _npz(path: Path) -> Store:
    found = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith(".npy"):
                with archive.open(name) as file:
                    shape, _, dtype = _header(file, path.name)
                found[name.removesuffix(".npy")] = (shape, dtype)

    def opened(key: str) -> BufferedIOBase:
        with zipfile.ZipFile(path) as archive:  # the file stays open until its member is closed
            return archive.open(f"{key}.npy")

    def each(keys: Sequence[str]) -> Iterator[np.ndarray]:
        for key in keys:
            with told(path.name), opened(key) as file:
                yield np.lib.format.read_array(file, allow_pickle=False)

    return Store(path.name, found, lambda key: _stream(lambda: opened(key), path.name, key), each)


def _hdf5(path: Path) -> Store:
    try:
        import h5py
    except ImportError:
        raise PhyslibError(f"reading {path.name} needs h5py: pip install 'physlib[files]', or save as .npz.") from None
    found, said = {}, {}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.shape is not None:
            found[name] = (item.shape, item.dtype)
        said.update(_numbers(name, item.attrs))

    with h5py.File(path, "r") as file:
        said.update(_numbers("", file.attrs))
        file.visititems(visit)
    return _tree(path.name, found, lambda: h5py.File(path, "r"), said)


def _zarr(path: Path) -> Store:
    try:
        import zarr
    except ImportError:
        raise PhyslibError(f"reading {path.name} needs zarr: pip install 'physlib[files]', or save as .npz.") from None

    class _Opened:
        def __enter__(self):
            return zarr.open_group(zarr.storage.ZipStore(path, mode="r") if path.is_file() else str(path), mode="r")

        def __exit__(self, *_):
            return None

    with _Opened() as root:
        members = dict(root.members(max_depth=None))
        found = {name: (item.shape, item.dtype) for name, item in members.items() if isinstance(item, zarr.Array)}
        said = _numbers("", root.attrs)
    return _tree(path.name, found, _Opened, said)


def _tree(name: str, found: Mapping[str, tuple], opened: Callable[[], Any], said: Mapping[str, float]) -> Store:
    """Of a file with groups."""

    def blocks(key: str) -> Iterator[np.ndarray]:
        with told(name), opened() as file:
            yield from slices(file[key])

    def each(keys: Sequence[str]) -> Iterator[np.ndarray]:
        with told(name), opened() as file:
            for key in keys:
                yield np.asarray(file[key][()])

    return Store(name, found, blocks, each, said)


def _numbers(group: str, attributes: Mapping[str, Any]) -> dict[str, float]:
    """Attributes that are numbers, by the name of their group and their own."""
    prefix = f"{group}/" if group else ""
    return {f"{prefix}{key}": float(v) for key, v in attributes.items() if isinstance(v, (int, float, np.number))}
