"""The command `physlib new-task`: a task of one's own, whole, with its test."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from physlib.core.errors import PhyslibError
from physlib.core.files import write_atomic

TASK = '''"""A ball that is dropped and bounces; its restitution is balanced."""

import array_api_compat
import numpy as np

from physlib.tasks import Task, TaskInfo

GRAVITY, DT = 9.81, 0.05  # m/s^2, s between points


class {name}(Task):
    """Heights of a ball that bounces off the floor, each bounce `q` times as fast as it came."""

    family = "{family}"
    version = 1  # raise it when the meaning of the data changes
    info = TaskInfo(
        title="bouncing ball",
        rule=r"v \\to -q\\,v",  # LaTeX
        quantity="restitution",
        symbol="q",
        unit="1",
        lo=0.5,  # range of the flat prior
        hi=0.9,
        domain=(0.1, 0.99),  # where the rule makes sense
        steps=32,  # T
        dims=2,  # D: height, speed
        nuisance="first height, uniform on 0.5 to 1.5 m",
        regime="regular",
        threshold=0.1,  # looks right below this residual, in units of the standard deviation
        threshold_reason="a tenth of the signal is a few line widths in a plot",
        source="elementary mechanics",
    )

    def nuisance(self, q, rng):
        """What else is random, (N, Z)."""
        return rng.uniform(0.5, 1.5, (len(q), 1))

    def generate(self, q, z):
        """The trajectories (N, T, D) of quantities (N,) and nuisance (N, Z), in closed form from bounce to bounce."""
        height, speed = z[:, 0].copy(), np.zeros(len(q))
        x = np.empty((len(q), self.info.steps, 2))
        for t in range(self.info.steps):
            x[:, t] = np.stack([height, speed], axis=1)
            left = np.full(len(q), DT)
            for _ in range(8):  # bounces within a step
                fall = (speed + np.sqrt(speed**2 + 2 * GRAVITY * np.maximum(height, 0))) / GRAVITY
                hits = fall < left
                go = np.where(hits, fall, left)
                height, speed = height + speed * go - GRAVITY * go**2 / 2, speed - GRAVITY * go
                height, speed = np.where(hits, 0.0, height), np.where(hits, -q * speed, speed)
                left = left - go
        return x

    def measure(self, x):
        """The quantity (N,) from trajectories alone: the root of the ratio of energies after and before each bounce."""
        xp = array_api_compat.array_namespace(x)
        energy = x[..., 1] ** 2 / 2 + GRAVITY * x[..., 0]
        before, after = energy[..., :-1], energy[..., 1:]
        bounced = (x[..., :-1, 1] < 0) & (x[..., 1:, 1] > 0)
        weight = xp.where(bounced, before, xp.zeros_like(before))
        ratio = xp.sum(weight * after, axis=-1) / xp.sum(weight * before, axis=-1)
        return xp.sqrt(xp.clip(ratio, 1e-6, 1.0))

    def residual(self, x):
        """How far a trajectory is from the dynamics: energy that is gained or lost where nothing bounces."""
        xp = array_api_compat.array_namespace(x)
        energy = x[..., 1] ** 2 / 2 + GRAVITY * x[..., 0]
        flies = (x[..., :-1, 1] > 0) | (x[..., 1:, 1] < 0)
        change = xp.where(flies, energy[..., 1:] - energy[..., :-1], xp.zeros_like(energy[..., 1:]))
        return xp.sqrt(xp.mean(change**2, axis=-1)) / GRAVITY
'''
TEST = '''"""The contract of the task, checked clause by clause, and a fact that is known in closed form."""

import numpy as np
from {module} import GRAVITY, {name}

from physlib.cli.check import check


def test_it_keeps_the_contract_of_a_task():
    assert all(clause.passed for clause in check("{module}:{name}"))


def test_a_bounce_takes_the_square_of_the_restitution_off_the_height():
    task = {name}()
    x = task.generate(np.array([0.8]), np.array([[1.0]]))[0]
    energy = x[:, 1] ** 2 / 2 + GRAVITY * x[:, 0]
    levels = np.unique(energy.round(6))[::-1]
    assert np.allclose(levels[1:3] / levels[:2], 0.64, atol=1e-4)
'''


def new_task(
    name: Annotated[str, typer.Argument(help="Name of the class, as BouncingBall.")],
    folder: Annotated[str, typer.Option(help="Where to write the module and its test.")] = ".",
) -> None:
    """Write a task of your own, whole and with a test, to start from: a bouncing ball."""
    if not name.isidentifier():
        raise PhyslibError(f"'{name}' is no name of a class: use letters, digits and _, as in BouncingBall.")
    place, module = Path(folder), name.lower()
    if not place.is_dir():
        raise PhyslibError(f"there is no folder '{folder}': make it first.")
    texts = {place / f"{module}.py": TASK, place / f"test_{module}.py": TEST}
    for path in texts:
        if path.exists():
            raise PhyslibError(f"{path} is there already: choose another name or folder.")
    for path, text in texts.items():
        filled = text.replace("{name}", name).replace("{family}", module.replace("_", "-")).replace("{module}", module)
        write_atomic(path, filled.encode())
        typer.echo(f"wrote {path}")
    typer.echo(f"check it with: physlib check {module}:{name}; then: physlib forecast {module}:{name}")
