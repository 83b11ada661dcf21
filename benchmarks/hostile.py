"""Arrays and files that nobody should give to an audit, and what it may do with them: a right answer, or one sentence."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import zarr
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from physlib.audit.io.episodes import Reading
from physlib.audit.io.open import open_trajectories
from physlib.audit.io.read import load
from physlib.core.errors import PhyslibError
from physlib.tasks.quantities import QUANTITIES

LENGTH = QUANTITIES["path_length"]
KINDS = ("npy", "npz", "deflated.npz", "h5", "zarr", "csv", "parquet")
DAMAGES = ("none", "truncated", "flipped", "emptied", "spliced", "renamed")
NAMES = ("x", "steps", "mask", "dt", "t", "episode_ends", "episode_index", "<script>", "a/b", "demo_1/x")
opened: list[str] = []
"""What ran that never should: pickles."""


class Bomb:
    """An object that tells when somebody unpickles it."""

    def __reduce__(self):
        return opened.append, ("a pickle was opened",)


def pickled() -> bytes:
    """A pickle that tells when it is opened."""
    return pickle.dumps(Bomb(), protocol=2)


def sealed(data: bytes) -> bytes:
    """A checkpoint's bytes with the digest that makes it whole."""
    return hashlib.sha256(data).digest() + data


KIND_OF_NUMBERS = st.sampled_from(["f2", "f4", "f8", ">f8", "i1", "i4", "u8", "?", "c16", "U3", "M8[s]", "O"])


@st.composite
def any_array(draw) -> np.ndarray:
    """An array of any kind, of up to four axes, short ones, with anything in it."""
    dtype = draw(KIND_OF_NUMBERS)
    shape = draw(arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=6))
    if dtype == "O":
        return np.full(shape, Bomb(), dtype=object)
    return draw(arrays.arrays(np.dtype(dtype), shape))


@st.composite
def trajectories(draw) -> np.ndarray:
    """Trajectories as they should be, of any numbers."""
    shape = draw(st.integers(2, 30)), draw(st.integers(2, 9)), draw(st.integers(1, 3))
    dtype = draw(st.sampled_from(["f4", "f8", ">f8", "i4"]))
    return draw(arrays.arrays(np.dtype(dtype), shape, elements={"min_value": -1000, "max_value": 1000}))


@st.composite
def contents(draw) -> dict[str, np.ndarray]:
    """Arrays by name, the first of them often as it should be."""
    found = {"x": draw(st.one_of(trajectories(), trajectories(), any_array()))}
    names = draw(st.lists(st.sampled_from(NAMES[1:]), max_size=2, unique=True))
    return found | {name: draw(any_array()) for name in names}


def write(path: Path, kind: str, found: dict[str, np.ndarray]) -> None:
    """A file of that kind with these arrays, as far as it can hold them."""
    if kind == "npy":
        np.save(path, found["x"])
    elif kind.endswith("npz"):
        (np.savez_compressed if "deflated" in kind else np.savez)(path, **found)
    elif kind == "h5":
        with h5py.File(path, "w") as file:
            for name, array in found.items():
                if array.dtype.kind not in "OUM":
                    file[name] = array
    elif kind == "zarr":
        group = zarr.open_group(path, mode="w")
        for name, array in found.items():
            if array.dtype.kind not in "OUM" and "script" not in name:
                group.create_array(name, data=array)
    else:
        table = _table(found["x"])
        table.to_csv(path, index=False) if kind == "csv" else table.to_parquet(path)


def _table(x: np.ndarray) -> pd.DataFrame:
    """Frames of trajectories where they are some; else whatever it is, in a column."""
    if x.ndim != 3 or not x.size or x.dtype.kind not in "fiu":
        return pd.DataFrame({"x": x.ravel().astype(str), "episode": np.arange(x.size) // 3})
    frames = pd.DataFrame(x.reshape(-1, x.shape[2]).astype(float), columns=[f"c{d}" for d in range(x.shape[2])])
    return frames.assign(episode=np.repeat(np.arange(len(x)), x.shape[1]))


def damage(path: Path, how: str, place: float, noise: bytes) -> None:
    """Spoil a file, or one of a folder's, at a place between 0 and 1."""
    files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    if how in ("none", "renamed") or not files:
        return
    file = files[int(place * (len(files) - 1))]
    data, at = bytearray(file.read_bytes()), int(place * file.stat().st_size)
    if how == "truncated":
        data = data[:at]
    elif how == "emptied":
        data = bytearray()
    elif how == "flipped" and data:
        data[min(at, len(data) - 1)] ^= noise[0] or 1
    elif how == "spliced":
        data[at:at] = noise
    file.write_bytes(data)


@st.composite
def cases(draw) -> tuple[str, dict[str, np.ndarray], str, float, bytes]:
    """A kind of file, what it holds, and what befell it."""
    place, noise = draw(st.floats(0, 1)), draw(st.binary(min_size=1, max_size=40))
    return draw(st.sampled_from(KINDS)), draw(contents()), draw(st.sampled_from(DAMAGES)), place, noise


def faults(case: tuple[str, dict[str, np.ndarray], str, float, bytes], folder: Path) -> list[str]:
    """What an audit did with a file that it must not do; nothing, if all is well."""
    kind, found, how, place, noise = case
    path = folder / f"demos.{kind}"
    write(path, kind, found)
    damage(path, how, place, noise)
    if how == "renamed":
        path = path.rename(folder / f"other.{KINDS[int(place * (len(KINDS) - 1))]}")
    before = sorted(folder.rglob("*"))
    said = _judged(path, found["x"] if how == "none" and set(found) == {"x"} and found["x"].ndim == 3 else None)
    if sorted(folder.rglob("*")) != before:
        said.append("it left a file behind")
    return said


def faults_in_memory(data: Any) -> list[str]:
    """The same for anything that is no file."""
    return _judged(data, data if isinstance(data, np.ndarray) and data.ndim == 3 else None)


def _judged(data: Any, x: np.ndarray | None) -> list[str]:
    """Faults of reading, where `x` is what must come out."""
    opened.clear()
    try:
        source = open_trajectories(data, reading := Reading())
        q = load(source, LENGTH, reading, np.random.default_rng(0), source.shape[1]).q
        said = [] if x is None or np.allclose(q, _lengths(x), rtol=1e-6, equal_nan=True) else ["a wrong answer"]
    except PhyslibError as error:
        good = x is not None and x.ndim == 3 and x.dtype.kind in "fiu" and min(x.shape) > 1 and np.isfinite(x).all()
        said = ["it refuses what is right"] if good and np.abs(x).max() < 1e6 else []
        said += [] if "\n" not in str(error) and len(str(error)) < 600 else [f"no sentence: {error}"]
    except Exception as error:  # what else it raises is what is looked for
        said = [f"{type(error).__name__}: {error}"]
    return said + opened


def _lengths(x: np.ndarray) -> np.ndarray:
    return np.linalg.norm(np.diff(x.astype(float), axis=1), axis=2).sum(axis=1)


def bombs(folder: Path) -> dict[str, Path]:
    """Small files that say they hold terabytes."""
    shape, found = (10**9, 50, 2), {kind: folder / f"bomb.{kind}" for kind in ("npz", "h5", "zarr", "npy")}
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(found["npz"], "w") as archive:
        archive.writestr("x.npy", header.getvalue())
    found["npy"].write_bytes(header.getvalue())
    with h5py.File(found["h5"], "w") as file:
        file.create_dataset("x", shape, "f8", chunks=(1000, 50, 2))
    zarr.open_group(found["zarr"], mode="w").create_array("x", shape=shape, chunks=(1000, 50, 2), dtype="f8")
    found["deflated.npz"] = folder / "bomb.deflated.npz"
    with (
        zipfile.ZipFile(found["deflated.npz"], "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("x.npy", "w") as member,
    ):
        member.write(header.getvalue())
        for _ in range(8):  # 80 MB of zeros in 80 kB, and the rest is claimed
            member.write(bytes(10_000_000))
    found["header"] = folder / "header.npy"
    long = json.dumps({"descr": "<f8", "fortran_order": False, "shape": [2, 2, 2], "more": "a" * 10_000_000})
    found["header"].write_bytes(b"\x93NUMPY\x02\x00" + len(long).to_bytes(4, "little") + long.encode())
    return found
