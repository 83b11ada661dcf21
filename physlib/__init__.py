"""Forecast and measure how a generative model of motion shifts a physical quantity.

The few public names; everything else is reached through its module, in the layers `tasks`, `models`,
`kernels`, `forecast`, `experiment`, `ledger`, `plots`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from physlib.errors import PhyslibError

if TYPE_CHECKING:
    from physlib.store import Result

__all__ = ["PhyslibError", "load"]


def load(
    task: str, model: str, profile: str = "laptop", seeds: Iterable[int] | None = None, pilot: bool = False
) -> list[Result]:
    """Stored runs of one task and model, by default all judged seeds (or all pilot seeds).

    Reads the repository the package was imported from, or `PHYSLIB_RESULTS`; never trains. Raises
    `PhyslibError` naming the command that makes a run that is missing or damaged.
    """
    from physlib.profiles import JUDGED_SEEDS, PILOT_SEEDS, resolve
    from physlib.store import Store

    seeds = (PILOT_SEEDS if pilot else JUDGED_SEEDS) if seeds is None else seeds
    return [Store.of(profile).get(resolve(task, model, profile, seed, pilot)) for seed in seeds]
