"""Forecast and measure how a generative model of motion shifts a physical quantity.

`from physlib import ...` is the door: the names below, each imported when it is first used, and the packages
`audit`, `evaluation`, `figures`, `kernels`, `mitigations`, `models`, `studies` and `tasks`. Modules behind them may move.
"""

from physlib.core.imports import public

__getattr__, __dir__, __all__ = public(
    __name__,
    {
        "core.errors": ("PhyslibError",),
        "core.rng": ("numpy_rng", "torch_rng"),
        "stats.histogram": ("Bins", "flat_mass"),
        "stats.distances": ("shift_r2", "total_variation", "tv_floor"),
        "stats.intervals": ("mean_interval",),
        "tasks": ("FiniteBankTask", "Population", "RecurrenceTask", "Task", "TaskInfo", "Trajectories", "get_task"),
        "models.base": ("TrajectoryModel",),
        "models.losses": ("EDMLoss",),
        "kernels": (
            *(
                "Kernel",
                "QuantityKernel",
                "TrajectoryKernel",
                "NoShift",
                "Blur",
                "Shrink",
                "ShrinkAndBlur",
                "Isotropic",
                "StateScale",
            ),
            *("Smooth", "SpeedScale", "DistanceScale", "InRepresentation", "Residuals"),
            *("Covariance", "Contract", "NoiseContract", "NoiseContractX", "Manifold", "Patch", "Pilot", "Expansion"),
            *("Rollout", "LinearVAE"),
        ),
        "forecasting.forecast": ("Forecast", "forecast"),
        "forecasting.fit": ("Response", "fit"),
        "forecasting.score": ("score",),
        "audit": ("QUANTITIES", "Reading", "audit"),
        "runs.config": ("Config",),
        "runs.diagnostics": ("covariances",),
        "runs.presets": ("resolve",),
        "runs.run": ("fetch", "load_runs", "run"),
        "runs.setup": ("training_data",),
    },
)
