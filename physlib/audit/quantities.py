"""A quantity by its name, or a reader's own function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float

from physlib.core.errors import PhyslibError, unknown
from physlib.core.imports import find
from physlib.tasks.quantities import QUANTITIES, Quantity
from physlib.tasks.scenes import TABLE, Scene, scene_quantity


def find_quantity(name: str, scene: Scene | None = None) -> Quantity:
    """A built-in quantity, or `module:function` imported from the working directory first: its code runs.

    `scene` holds what some of them need. The function takes positions `(N, T, D)` of the chosen columns and gives `(N,)` numbers. Raises `PhyslibError` for
    an unknown name (with the nearest), or a module that cannot be imported.
    """
    if ":" not in name:
        if name in TABLE:
            return scene_quantity(name, scene or Scene())
        if name not in QUANTITIES:
            raise unknown("quantity", name, [*QUANTITIES, *TABLE])
        return QUANTITIES[name]
    function = find(name)
    if not callable(function):
        raise PhyslibError(f"{name} is not a function: give module:function.")
    return Quantity(name, "", "the reader's own function", _guarded(name, function))


def _guarded(name: str, function: Callable) -> Callable[..., Float[np.ndarray, " N"]]:
    """The reader's function, its failures in one sentence."""

    def measure(x: Float[np.ndarray, "N T D"], steps: Any = None, dt: Any = None) -> Float[np.ndarray, " N"]:
        try:
            view = x.view()
            view.flags.writeable = False  # what it wrote would be forecast from
            q = np.asarray(function(view))
        except (Exception, SystemExit) as error:  # whatever it raises is its author's to know
            detail = " ".join(str(error).split())[:120]
            raise PhyslibError(f"quantity {name} raised {type(error).__name__}: {detail}.") from error
        if q.shape != x.shape[:1]:
            raise PhyslibError(f"quantity {name} gave shape {q.shape} for {len(x)} trajectories: expected ({len(x)},).")
        if q.dtype.kind not in "fiub":
            raise PhyslibError(f"quantity {name} gave {q.dtype} values: expected real numbers.")
        return q.astype(float)

    return measure


def check_enough(quantity: Quantity, steps: int, columns: int) -> None:
    """Raise where trajectories are too short or have too few columns for a quantity to mean anything."""
    if steps < quantity.least[0] or columns < quantity.least[1]:
        raise PhyslibError(
            f"{quantity.name} needs {quantity.least[0]} steps and {quantity.least[1]} column(s) or more: "
            f"there are {steps} and {columns}."
        )
