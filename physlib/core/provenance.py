"""Where a result comes from: processor, versions, revision."""

from __future__ import annotations

import os
import platform
import subprocess
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any


def provenance(device: str) -> dict[str, Any]:
    """Processor, versions and revision behind a run on `device`; never host, user or path."""
    import torch

    processor = next(
        (line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.machine(),
    )
    return {
        "processor": processor,
        "cores": os.cpu_count(),
        "device": torch.cuda.get_device_name() if device == "cuda" else "cpu",
        "python": platform.python_version(),
        "torch": torch.__version__.split("+")[0],
        "numpy": version("numpy"),
        "revision": revision(),
        "dirty": None if (changes := _git("status", "--porcelain", "--", "physlib")) is None else bool(changes),
    }


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []


def _git(*words: str) -> str | None:
    """Output of git on the repository that the package was imported from; None outside one."""
    folder = Path(__file__).resolve().parents[2]
    if not (folder / ".git").exists():  # installed: a repository further up would be somebody else's
        return None
    try:
        answer = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=False)
    except OSError:  # no git on this machine
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None


@lru_cache
def revision() -> str | None:
    """Short hash of the revision of the code that this process imported, None where that cannot be known."""
    return _git("rev-parse", "--short", "HEAD")
