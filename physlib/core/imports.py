"""From names to objects: `module:name` of a reader, and public names of a package that are imported when first used."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
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


def public(
    package: str, names: Mapping[str, Sequence[str]]
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """`__getattr__`, `__dir__` and `__all__` of a package whose public names lie in its modules (PEP 562).

    `names` maps a module, relative to the package, to its public names; a name may be that module or one within it.
    """
    where = {name: f"{package}.{module}" for module, found in names.items() for name in found}

    def attribute(name: str) -> Any:
        if name not in where:
            raise AttributeError(f"module '{package}' has no attribute '{name}'")
        module = importlib.import_module(where[name])
        if module.__name__ == f"{package}.{name}":
            return module
        return getattr(module, name) if hasattr(module, name) else importlib.import_module(f"{where[name]}.{name}")

    return attribute, lambda: sorted(where), sorted(where)
