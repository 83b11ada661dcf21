"""The store: one small file per finished run, checked whole on every read.

A file is safetensors: named arrays and, in its header, the configuration, the provenance and a
SHA-256 digest over all bytes of the file (taken with the digest's own place zeroed). It is written
next to its place and moved there, so it is either whole or absent. A run under way holds an
operating-system lock, which ends with the process however the process ends.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from physlib.core.errors import PhyslibError
from physlib.core.files import Damaged, clear_partial, read_sealed, root, seal, write_atomic
from physlib.runs.config import Config
from physlib.runs.presets import command


@dataclass(frozen=True)
class Result:
    """A finished run."""

    config: Config
    arrays: dict[str, np.ndarray]  # see `runs/run.py` for names, shapes and units
    provenance: dict[str, Any]  # versions, processor, seconds, revision; never host, user or path

    def __getitem__(self, name: str) -> np.ndarray:
        return self.arrays[name]

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """Averaged weights as bfloat16 words, empty where the run did not keep them."""
        return {k.removeprefix("weights/"): v for k, v in self.arrays.items() if k.startswith("weights/")}


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

    def forecast(self, task: str, model: str) -> Path:
        """The file of the forecast of a task and model that is sealed before their evaluation runs exist."""
        return self.root / "sealed" / f"{task} {model}.json"

    def work(self, config: Config, kind: str) -> Path:
        """A scratch file of a run under way, `kind` its suffix."""
        return self.root / ".work" / f"{config.key}.{kind}"

    def get(self, config: Config) -> Result:
        """The stored run. Raises `Missing` or `Damaged`; the message names the file and the command to make it."""
        path, remedy = self.path(config), f"make it with: {command(config)}"
        arrays, record = read_sealed(path, f"run of {config.task} / {config.model}", remedy)
        try:
            stored, facts = Config(**record["config"]), record["provenance"]
        except (KeyError, TypeError) as error:
            raise Damaged(f"stored run {path} is damaged ({error}); {remedy}") from None
        if stored != config:
            raise Damaged(f"stored run {path} holds another run's configuration; {remedy}")
        return Result(config, arrays, facts)

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
        lock = FileLock(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except OSError as error:
            raise PhyslibError(f"cannot write under {self.root} ({error.strerror}): choose another folder.") from None
        try:
            for file in (self.path(config), self.work(config, "checkpoint")):
                clear_partial(file)
            yield
        finally:
            lock.release()
