"""Files that are either whole or absent: atomic writes, and safetensors sealed with a digest."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from physlib.core.errors import PhyslibError

_DIGEST = re.compile(rb'"digest":"([0-9a-f]{64})"')
_BLANK = b"0" * 64
LARGEST = 1_000_000_000  # bytes of a stored file: a larger one is none of ours


class Missing(PhyslibError):
    """A stored file is not there."""


class Damaged(PhyslibError):
    """A stored file is truncated or altered; it is never used."""


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
    """Write `data` so that `path` is at every moment either its old self or complete. Raises `PhyslibError` where it cannot."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise PhyslibError(f"cannot write {path} ({error.strerror}): make room, or choose another folder.") from None
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()


def clear_partial(path: Path) -> None:
    """Remove what killed processes left beside a file that nobody writes now."""
    for left in path.parent.glob("*.partial"):
        if left.name.startswith(f"{path.name}."):
            left.unlink(missing_ok=True)


def read_sealed(path: Path, what: str, remedy: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays and record of a stored file. Raises `Missing` or `Damaged` with `what` it is and the `remedy`."""
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError(f"it is larger than {LARGEST / 1e9:g} GB")
        return unseal(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise Missing(f"no stored {what} {path.name}; {remedy}") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Damaged(f"stored {what} {path} is damaged ({error}); {remedy}") from None


def root(variable: str, folder: str) -> Path:
    """The folder that an environment variable names, else `folder` in the repository the package was imported from.

    Raises `PhyslibError` where there is neither.
    """
    if named := os.environ.get(variable):
        return Path(named)
    repository = Path(__file__).resolve().parents[2]
    if not (repository / "pyproject.toml").exists():
        raise PhyslibError(f"physlib is installed outside its repository: set {variable} to a folder.")
    return repository / folder
