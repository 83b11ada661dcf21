"""JSON records that carry a digest of their content, so that one that was altered is known."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from physlib.core.files import Damaged, Missing, write_atomic


def digest(record: dict[str, Any]) -> str:
    """SHA-256 of a record without its digest."""
    content = {key: value for key, value in record.items() if key != "digest"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def write_record(path: Path, record: dict[str, Any]) -> dict[str, Any]:
    """Write a record with its digest, which is returned with it."""
    sealed = record | {"digest": digest(record)}
    write_atomic(path, json.dumps(sealed, indent=1).encode())
    return sealed


def read_record(path: Path) -> dict[str, Any]:
    """A record from its file. Raises `Missing` or `Damaged`."""
    try:
        record = json.loads(path.read_text())
    except FileNotFoundError:
        raise Missing(f"no sealed record {path.name} is stored.") from None
    except (OSError, ValueError) as error:
        raise Damaged(f"sealed record {path} cannot be read ({error}).") from None
    if not isinstance(record, dict) or digest(record) != record.get("digest"):
        raise Damaged(f"{path} was altered after it was sealed.")
    return record
