"""Learned coordinates: an invertible network in whose output white errors leave the quantity alone.

Couplings that scale and shift (L. Dinh, J. Sohl-Dickstein, S. Bengio, Density Estimation Using Real NVP, 2017) are
inverted exactly.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from physlib.core.rng import torch_rng
from physlib.mitigations.base import Change, Mitigation
from physlib.tasks import Task
from physlib.tasks.representations import Chart, Recoded

TRANSFORMS, HIDDEN = 6, (64, 64)
STEPS, BATCH, RATE = 1_500, 512, 2e-3
ERROR = 0.05  # size of the white error, in standard deviations of each code
BLOCK = 4_096  # trajectories through the network at once
BOUND = 3.0  # most that a small error may grow by on the way in or out, root mean square


class Learned(Mitigation):
    """The model sees codes that were learned before it; it stays unconditional."""

    name = "learned"

    def change(self, task, data, seen, rng):
        chart = learn(task, data.x, int(rng.integers(2**31)))
        return Change(task=Recoded(task, chart), arrays=chart.weights())


class FlowChart(Chart):
    """A flow of affine couplings over trajectories in units of each channel's standard deviation."""

    name = "learned coordinates"

    def __init__(self, task: Task):
        import torch
        import zuko

        self.shape, self.unit = task.shape, np.tile(task.scale, task.shape[0])
        size = int(np.prod(task.shape))
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.flow = zuko.flows.RealNVP(size, transforms=TRANSFORMS, hidden_features=HIDDEN).double()

    def encode(self, x):
        return self._through(self.flow().transform, x / self.unit.reshape(self.shape))

    def decode(self, codes):
        return self._through(self.flow().transform.inv, codes) * self.unit.reshape(self.shape)

    def _through(self, transform, x: Float[np.ndarray, "N T D"]) -> Float[np.ndarray, "N T D"]:
        import torch

        rows = torch.as_tensor(x).double().flatten(1)
        with torch.no_grad():
            return torch.cat([transform(block) for block in rows.split(BLOCK)]).numpy().reshape(x.shape)

    def weights(self) -> dict[str, np.ndarray]:
        """Trained weights by name, float32."""
        return {f"chart/{name}": p.detach().float().numpy() for name, p in self.flow.named_parameters()}

    def load(self, arrays: dict[str, np.ndarray]) -> FlowChart:
        """Inverse of `weights`."""
        import torch

        with torch.no_grad():
            for name, parameter in self.flow.named_parameters():
                parameter.copy_(torch.as_tensor(arrays[f"chart/{name}"]))
        return self


def learn(task: Task, x: Float[np.ndarray, "N T D"], seed: int) -> FlowChart:
    """Codes in which a white error of size `ERROR` moves the measured quantity least, in mean square.

    Errors may not grow by more than `BOUND` on either way, in and out: without that bound the network would make
    codes that no model could learn.
    """
    import torch
    from tqdm import tqdm

    chart = FlowChart(task)
    rng = torch_rng(seed, "chart")
    x = torch.as_tensor(x / chart.unit.reshape(chart.shape)).flatten(1)
    optimiser = torch.optim.Adam(chart.flow.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
    for _ in tqdm(range(STEPS), desc=f"learning coordinates of {task.name}", leave=False, disable=None):
        batch = x[torch.randint(len(x), (BATCH,), generator=rng)]
        loss = _spread(chart, task, batch, rng)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(chart.flow.parameters(), 1.0)
        optimiser.step()
        schedule.step()
    return chart


def _spread(chart: FlowChart, task: Task, x, rng):
    """Mean square change of the quantity over the range, and what exceeds the bound on distortion."""
    import torch

    transform, width = chart.flow().transform, task.hi - task.lo
    codes = transform(x)
    noise = ERROR * torch.randn(x.shape, generator=rng, dtype=x.dtype)
    moved = transform.inv(codes + codes.std(dim=0) * noise)
    out = (moved - x).square().mean().sqrt() / ERROR
    into = ((transform(x + noise) - codes) / codes.std(dim=0)).square().mean().sqrt() / ERROR
    unit = torch.as_tensor(chart.unit)
    before, after = (task.measure((v * unit).reshape(-1, *chart.shape)) for v in (x, moved))
    with torch.no_grad():  # beyond that the measurement may have no gradient
        good = (after - before).abs() < width
    change = task.measure((moved[good] * unit).reshape(-1, *chart.shape)) - before[good]
    excess = torch.relu(out - BOUND).square() + torch.relu(into - BOUND).square()
    return (change / width).square().mean() + excess + 0.01 * (~good).double().mean()
