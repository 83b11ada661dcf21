"""The fixed-step integrator of order 8 against SciPy's and torchdiffeq's, on pendulums of 20 to 60 J."""

from collections.abc import Callable

import numpy as np
import torch
from scipy.integrate import solve_ivp
from torchdiffeq import odeint

from benchmarks.clock import seconds
from physlib import tasks
from physlib.core.rng import numpy_rng
from physlib.tasks.pendulum import DT, SUBSTEPS, energy, rate
from physlib.tasks.rk8 import integrate

COUNT, ALONE = 1_000, 20  # trajectories together, and where a library takes one at a time
TOLERANCE = 1e-9


def ratios() -> dict[str, float]:
    """Wall time of the others over ours for as many trajectories, at about the same largest relative energy error."""
    task = tasks.get_task("pendulum-chaotic-state")
    start = task.states(task.sample(COUNT, numpy_rng(0, "integrators")).x)[..., 0]
    steps = task.shape[0]
    times = DT * np.arange(steps)

    def ours() -> np.ndarray:
        return integrate(rate, start, DT, steps, SUBSTEPS)

    def scipy() -> np.ndarray:
        options = {"method": "DOP853", "rtol": TOLERANCE, "atol": TOLERANCE, "t_eval": times}
        span = (0, times[-1])
        return np.stack([solve_ivp(lambda _, y: rate(y), span, y, **options).y.T for y in start.T[:ALONE]], axis=-1)

    def by_torch(method: str, **options: float) -> Callable[[], np.ndarray]:
        y, t = torch.as_tensor(start), torch.as_tensor(times)
        tolerances = {"rtol": TOLERANCE, "atol": TOLERANCE}
        return lambda: odeint(lambda _, y: rate(y), y, t, method=method, options=options, **tolerances).numpy()

    whole, mine = seconds(ours, 3), ours()
    found = {}
    others = {
        "SciPy DOP853, one trajectory at a time": (scipy, COUNT / ALONE),
        "torchdiffeq dopri5, one step size for all": (by_torch("dopri5"), 1),
        "torchdiffeq rk4, 20 steps a point": (by_torch("rk4", step_size=DT / 20), 1),
    }
    for name, (work, share) in others.items():
        theirs = work()
        same = mine[..., : theirs.shape[-1]]
        found[f"{name} ({error(theirs):.0e}, ours {error(same):.0e})"] = seconds(work, 1) * share / whole
    return found


def error(path: np.ndarray) -> float:
    """Largest relative energy error of states `(T, 4, N)`."""
    level = energy(np.moveaxis(path, 1, 0))
    return float(np.abs(level / level[0] - 1).max())
