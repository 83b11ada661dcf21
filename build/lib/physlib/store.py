"""The store: one small file per finished run, checked whole on every read (running layer).

A file is safetensors: named arrays and, in its header, the configuration, the provenance and a
SHA-256 digest over all bytes of the file (taken with the digest's own place zeroed). It is written
next to its place and moved there, so it is either whole or absent. A run under way holds an
operating-system lock, which ends with the process however the process ends.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from filelock import FileLock
from safetensors import SafetensorError

from physlib.errors import PhyslibError
from physlib.profiles import Config

_DIGEST = re.compile(rb'"digest":"([0-9a-f]{64})"')
_BLANK = b"0" * 64


class Missing(PhyslibError):
    """A stored run that was asked for is not there."""


class Damaged(PhyslibError):
    """A stored file is truncated or altered; it is never used."""


@dataclass(frozen=True)
class Result:
    """A finished run."""

    config: Config
    arrays: dict[str, np.ndarray]  # see `experiment.py` for names, shapes and units
    provenance: dict[str, Any]  # versions, processor, seconds, revision; never host, user or path

    def __getitem__(self, name: str) -> np.ndarray:
        return self.arrays[name]

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """Averaged weights as bfloat16 words, empty where the run did not keep them."""
        return {k.removeprefix("weights/"): v for k, v in self.arrays.items() if k.startswith("weights/")}


def seal(arrays: dict[str, np.ndarray], record: dict[str, Any]) -> bytes:
    """Arrays and a JSON record as the bytes of a safetensors file that carries its own digest."""
    metadata = {"record": json.dumps(record), "digest": _BLANK.decode()}
    blank = safetensors.numpy.save({k: np.asarray(v, order="C") for k, v in arrays.items()}, metadata)
    digest = hashlib.sha256(blank).hexdigest().encode()
    return blank.replace(b'"digest":"' + _BLANK, b'"digest":"' + digest, 1)


def unseal(data: bytes) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Inverse of `seal`. Raises `ValueError` when any byte differs from what was sealed."""
    length = min(int.from_bytes(data[:8], "little"), len(data))
    found = _DIGEST.search(data, 8, 8 + length)
    if found is None:
        raise ValueError("no digest")
    blank = data[: found.start(1)] + _BLANK + data[found.end(1) :]
    if hashlib.sha256(blank).hexdigest().encode() != found.group(1):
        raise ValueError("the content does not match its digest")
    try:
        arrays = safetensors.numpy.load(data)
    except SafetensorError as error:
        raise ValueError(str(error)) from None
    return arrays, json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["record"])


def write_atomic(path: Path, data: bytes) -> None:
    """Write `data` so that `path` is at every moment either its old self or complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    with partial.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def read_sealed(path: Path, what: str, remedy: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays and record of a stored file. Raises `Missing` or `Damaged` with `what` it is and the `remedy`."""
    try:
        return unseal(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise Missing(f"no stored {what} {path.name}; {remedy}") from None
    except (ValueError, KeyError) as error:
        raise Damaged(f"stored {what} {path} is damaged ({error}); {remedy}") from None


def root(variable: str, folder: str) -> Path:
    """The folder that an environment variable names, else `folder` in the repository the package was imported from.

    Raises `PhyslibError` where there is neither.
    """
    if named := os.environ.get(variable):
        return Path(named)
    repository = Path(__file__).resolve().parent.parent
    if not (repository / "pyproject.toml").exists():
        raise PhyslibError(f"physlib is installed outside its repository: set {variable} to a folder.")
    return repository / folder


class Store:
    """Finished runs under one folder."""

    def __init__(self, root: Path):
        self.root = root

    @classmethod
    def of(cls, profile: str) -> Store:
        """Where a profile's runs are: `_build/store` for smoke, `results` for the others.

        Both lie in the repository the package was imported from, unless `PHYSLIB_BUILD` and
        `PHYSLIB_RESULTS` name other folders; the working directory never matters.
        """
        if profile == "smoke":
            return cls(root("PHYSLIB_BUILD", "_build") / "store")
        return cls(root("PHYSLIB_RESULTS", "results"))

    def path(self, config: Config) -> Path:
        """The file of a run; its name says what it is."""
        name = f"{config.profile}-{config.role}-seed{config.seed}-{config.key}.safetensors"
        return self.root / config.task / config.model / name

    def work(self, config: Config, kind: str) -> Path:
        """A scratch file of a run under way, `kind` its suffix."""
        return self.root / ".work" / f"{config.key}.{kind}"

    def get(self, config: Config) -> Result:
        """The stored run. Raises `Missing` or `Damaged`; the message names the file and the command to make it."""
        path, remedy = self.path(config), f"make it with: {config.command}"
        arrays, record = read_sealed(path, f"run of {config.task} / {config.model}", remedy)
        try:
            stored = Config(**record["config"])
        except (KeyError, TypeError) as error:
            raise Damaged(f"stored run {path} is damaged ({error}); {remedy}") from None
        if stored != config:
            raise Damaged(f"stored run {path} holds another run's configuration; {remedy}")
        return Result(config, arrays, record["provenance"])

    def put(self, result: Result) -> Path:
        """Write a finished run and return its file."""
        path = self.path(result.config)
        record = {"config": dataclasses.asdict(result.config), "provenance": result.provenance}
        write_atomic(path, seal(result.arrays, record))
        return path

    @contextmanager
    def lock(self, config: Config) -> Iterator[None]:
        """Hold the run: a second process asking for it waits here, and then finds it finished."""
        path = self.work(config, "lock")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise PhyslibError(f"cannot write under {self.root} ({error.strerror}): choose another folder.") from None
        with FileLock(path):
            yield
