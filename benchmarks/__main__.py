"""Speed as ratios within one run."""

import sys

import numpy as np
import torch

from benchmarks import decoding, forecasts, integrators
from benchmarks.clock import seconds
from physlib import kernels, models, tasks
from physlib.core.rng import numpy_rng, torch_rng
from physlib.forecasting.forecast import forecast
from physlib.kernels.expansion import unit_moments
from physlib.runs.presets import resolve
from physlib.runs.training import one_thread


def one_at_a_time(q: np.ndarray, z: np.ndarray) -> list[list[float]]:
    """Logistic trajectories by plain Python loops."""
    paths = []
    for parameter, first in zip(q, z[:, 0], strict=True):
        path = [first]
        for _ in range(15):
            path.append(parameter * path[-1] * (1 - path[-1]))
        paths.append(path)
    return paths


def step_time(name: str) -> float:
    """Seconds per trajectory of a forward and backward pass at the laptop profile's size."""
    config = resolve("logistic", name, "laptop", 0)
    model = models.build(name, np.array([0.6]), np.array([0.25]), 16, config.width, config.blocks, config.heun_steps)
    x, rng = torch.rand(config.batch, 16, 1), torch_rng(0, "bench")
    with one_thread():
        return seconds(lambda: model.loss(x, rng).backward(), 20) / config.batch


def main() -> None:
    """Print the ratios."""
    task = tasks.get_task("logistic")
    data = task.sample(100_000, numpy_rng(0, "bench"))
    whole = seconds(lambda: task.generate(data.q, data.z))
    single = seconds(lambda: one_at_a_time(data.q[:2_000], data.z[:2_000])) * 50
    monte_carlo = seconds(lambda: forecast(task, kernels.Isotropic(0.05), 100_000))
    expansion = seconds(lambda: unit_moments.__wrapped__(task), 1)
    mlp, unet = step_time("diffusion-mlp"), step_time("diffusion-unet")
    config = resolve("logistic", "diffusion-mlp", "laptop", 0)
    lines = {
        "trajectories one at a time / at once": single / whole,
        "expansion (20,000 trajectories) / Monte Carlo (100,000 draws)": expansion / monte_carlo,
        "training the MLP (laptop) / Monte Carlo (100,000 draws)": mlp * config.batch * config.steps / monte_carlo,
        "U-Net / MLP, training per trajectory": unet / mlp,
    }
    for name, ratio in (lines | decoding.ratios() | integrators.ratios() | forecasts.ratios()).items():
        sys.stdout.write(f"{name:<72} {ratio:8.1f}\n")


if __name__ == "__main__":
    main()
