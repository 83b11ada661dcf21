"""What follows from runs or tasks alone and takes long to compute: stored beside the runs, under a key of what it rests on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from physlib.core.files import read_sealed, seal, write_atomic
from physlib.core.provenance import revision
from physlib.runs.store import Store

Content = tuple[dict[str, np.ndarray], dict[str, Any]]  # arrays by name, and a JSON record


@dataclass(frozen=True)
class Derived:
    """One kind of derived result, a file for each profile."""

    folder: str
    kind: str
    title: str  # in messages
    basis: Callable[[str], Any]  # of a profile, a JSON value: the file's name changes with it
    compute: Callable[[str], Content]  # of a profile

    def path(self, profile: str) -> Path:
        """Where the result of a profile is stored."""
        key = hashlib.sha256(json.dumps(self.basis(profile)).encode()).hexdigest()[:10]
        return Store.of(profile).root / self.folder / f"{profile}-{self.kind}-{key}.safetensors"

    def make(self, profile: str) -> None:
        """Compute the result and store it in place of what rested on something else."""
        arrays, record = self.compute(profile)
        path = self.path(profile)
        write_atomic(path, seal(arrays, record | {"revision": revision()}))
        for old in path.parent.glob(f"{profile}-{self.kind}-*.safetensors"):
            if old != path:
                old.unlink()

    def load(self, profile: str) -> Content:
        """The stored result; at smoke it is made where it is missing.

        Raises `Missing` or `Damaged`, with the command that makes it.
        """
        if profile == "smoke" and not self.path(profile).exists():
            self.make(profile)
        return read_sealed(self.path(profile), self.title, "make them with: physlib benchmark")
