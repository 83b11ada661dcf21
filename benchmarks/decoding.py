"""Sampling step by step with kept keys and values against reading the whole past again for every step."""

import torch

from benchmarks.clock import seconds
from physlib.core.rng import torch_rng
from physlib.models.autoregressive import Autoregressive
from physlib.runs.presets import resolve
from physlib.runs.training import one_thread

COUNT, STEPS = 256, 128


@torch.no_grad()
def whole_past(model: Autoregressive, n: int, rng: torch.Generator) -> torch.Tensor:
    """Samples without a cache: every step reads all before it."""
    x = torch.zeros(n, model.steps, model.dims)
    for t in range(model.steps):
        h, _ = model.trunk(model._tokens(x[:, :t]))
        x[:, t : t + 1] = model._draw(model.predict(h), rng)
    return model.restore(x)


def ratios() -> dict[str, float]:
    """Wall time without a cache over that with it, and the largest difference of what they draw."""
    config = resolve("logistic", "autoregressive-transformer", "laptop", 0)
    torch.manual_seed(0)
    model = Autoregressive(torch.zeros(1).numpy(), torch.ones(1).numpy(), STEPS, config.width, config.blocks)
    with one_thread():
        apart = (model.sample(COUNT, torch_rng(0, "d")) - whole_past(model, COUNT, torch_rng(0, "d"))).abs().max()
        cached = seconds(lambda: model.sample(COUNT, torch_rng(0, "d")), 3)
        plain = seconds(lambda: whole_past(model, COUNT, torch_rng(0, "d")), 1)
    return {f"sampling {STEPS} steps without a cache / with it (apart {float(apart):.0e})": plain / cached}
