"""Forecast and measure how a generative model of motion shifts a physical quantity.

The few public names; everything else is reached through its module: `tasks`, `models`, `kernels`,
`forecast`, `experiment`, `judge`, `ledger`, `plots`.
"""

from physlib.errors import PhyslibError
from physlib.experiment import load, run
from physlib.profiles import resolve

__all__ = ["PhyslibError", "load", "resolve", "run"]
