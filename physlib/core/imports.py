"""From `module:name` to the object."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

from physlib.core.errors import PhyslibError


def find(reference: str) -> Any:
    """What `module:name` stands for; the working directory is searched first. Raises `PhyslibError` where nothing does."""
    module, _, name = reference.partition(":")
    if not module or not name:
        raise PhyslibError(f"cannot read '{reference}': write it as module:Name.")
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        found = importlib.import_module(module)
    except Exception as error:  # a reader's code may raise anything
        raise PhyslibError(
            f"cannot import {module} ({type(error).__name__}: {error}): run from the folder that holds it, and mend it."
        ) from None
    finally:
        sys.path.remove(here)
    if not hasattr(found, name):
        raise PhyslibError(f"module {module} has no {name}: check the name behind the colon.")
    return getattr(found, name)
