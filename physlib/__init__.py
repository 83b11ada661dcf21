"""Forecast and measure how a generative model of motion shifts a physical quantity.

The public names, each imported when it is first asked for; modules behind them may move.
"""

from __future__ import annotations

import importlib
from typing import Any

_DOOR = {
    "core.errors": ("PhyslibError",),
    "core.rng": ("numpy_rng", "torch_rng"),
    "stats.histogram": ("bin_counts", "flat_mass"),
    "stats.distances": ("total_variation", "tv_floor"),
    "stats.intervals": ("mean_interval",),
    "tasks": ("Population", "Task", "FiniteBankTask", "RecurrenceTask", "TaskInfo", "Trajectories", "get_task"),
    "models.base": ("TrajectoryModel",),
    "kernels": (
        *("Kernel", "TrajectoryKernel", "NoShift", "Blur", "Shrink", "ShrinkAndBlur", "Isotropic", "StateScale"),
        *("Smooth", "SpeedScale", "DistanceScale", "InRepresentation", "Residuals"),
        *("Covariance", "Contract", "NoiseContract", "NoiseContractX", "Patch", "Pilot", "Expansion"),
        *("Rollout", "LinearVAE"),
    ),
    "forecasting.forecast": ("Forecast", "forecast"),
    "forecasting.score": ("score",),
    "forecasting.fit": ("fit",),
    "audit": ("audit", "Reading"),
    "runs.config": ("Config",),
    "runs.presets": ("resolve",),
    "runs.run": ("load_runs", "run"),
}
_WHERE = {name: module for module, names in _DOOR.items() for name in names}
__all__ = sorted(_WHERE)


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'physlib' has no attribute '{name}'")
    module = importlib.import_module(f"physlib.{_WHERE[name]}")
    return module if name == _WHERE[name] else getattr(module, name)  # `audit` is a package that can be called


def __dir__() -> list[str]:
    return __all__
