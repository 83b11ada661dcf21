"""What a forecast costs by each kernel, against white error, and how much memory a million long trajectories take."""

import resource

import numpy as np

from benchmarks.clock import seconds
from physlib import kernels, tasks
from physlib.forecasting.forecast import forecast
from physlib.kernels.expansion import unit_moments

DRAWS = 100_000
SLOW = 5_000  # draws of kernels that are timed by fewer


def ratios() -> dict[str, float]:
    """Wall time of a forecast per draw over that of white error on the logistic map, and gibibytes at the end."""
    task = tasks.get_task("logistic")
    unit_moments(task)
    white = seconds(lambda: forecast(task, kernels.Isotropic(0.05), DRAWS)) / DRAWS
    quick = (kernels.Covariance(np.eye(16), 0.05), kernels.NoiseContract(0.05, 0.05), kernels.Expansion(0.05))
    slow = (kernels.NoiseContractX(0.05, 0.05), kernels.Patch(0.05))
    found = {}
    for kernel, draws in (*((k, DRAWS) for k in quick), *((k, SLOW) for k in slow)):
        taken = seconds(lambda kernel=kernel, draws=draws: forecast(task, kernel, draws), 1) / draws
        found[f"a forecast by {kernel.name} / by isotropic"] = taken / white
    forecast(tasks.get_task("maze-umaze"), kernels.Isotropic(0.02), 1_000_000)
    found["GiB at most, a million paths of 64 x 2 included"] = (
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    )
    return found
