"""Quantities that need to know more than the trajectory: obstacles, which columns are whose, masses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from jaxtyping import Float

from physlib.core.errors import PhyslibError
from physlib.tasks.quantities import Quantity


@dataclass(frozen=True)
class Scene:
    """What surrounds a trajectory, and what moves along it."""

    obstacles: Float[np.ndarray, "K D"] | None = (
        None  # places, and behind their coordinates a radius where there is one
    )
    agents: int | None = None  # how many share the columns, one after another
    masses: tuple[float, ...] | None = None  # one a column


def clearance(scene: Scene) -> Callable[..., Any]:
    """Least distance to any obstacle, over all steps; below 0 within one."""

    def measure(x, steps=None, dt=1.0):
        dims, known = x.shape[2], scene.obstacles
        if known.shape[1] not in (dims, dims + 1):
            raise PhyslibError(
                f"obstacles have {known.shape[1]} numbers each: give the {dims} coordinates, and a radius if any."
            )
        radius = known[:, dims] if known.shape[1] > dims else np.zeros(len(known))
        # beyond the real steps the last one is repeated
        gaps = [
            np.linalg.norm(x - place, axis=2).min(axis=1) - r for place, r in zip(known[:, :dims], radius, strict=True)
        ]
        return np.min(gaps, axis=0)

    return measure


def separation(scene: Scene) -> Callable[..., Any]:
    """Least distance between any two agents, over all steps."""

    def measure(x, steps=None, dt=1.0):
        if scene.agents < 2 or x.shape[2] % scene.agents:
            raise PhyslibError(
                f"{x.shape[2]} columns cannot be those of {scene.agents} agents, one after another: mend --agents."
            )
        places = np.split(x, scene.agents, axis=2)
        return np.min([np.linalg.norm(a - b, axis=2).min(axis=1) for a, b in combinations(places, 2)], axis=0)

    return measure


def mass_energy(scene: Scene) -> Callable[..., Any]:
    """Kinetic energy with the masses of the columns, averaged over time."""

    def measure(x, steps=None, dt=1.0):
        if len(scene.masses) != x.shape[2]:
            raise PhyslibError(
                f"there are {len(scene.masses)} masses for {x.shape[2]} columns: give --masses one each."
            )
        square = np.diff(x, axis=1) ** 2 @ np.asarray(scene.masses)  # 0 beyond the real steps
        count = x.shape[1] - 1 if steps is None else steps - 1
        return square.sum(axis=1) / count / dt**2 / 2

    return measure


def orientation_speed(scene: Scene) -> Callable[..., Any]:
    """Mean angular speed of a unit quaternion in four columns, whichever its sign."""

    def measure(x, steps=None, dt=1.0):
        if x.shape[2] != 4:
            raise PhyslibError(
                f"orientation_speed needs the four columns of a quaternion: choose them with --columns, not {x.shape[2]}."
            )
        unit = x / np.linalg.norm(x, axis=2, keepdims=True)
        near, far = (
            unit[:, :-1],
            unit[:, 1:] * np.sign((unit[:, :-1] * unit[:, 1:]).sum(axis=2, keepdims=True) + 1e-300),
        )
        apart, along = (np.linalg.norm(v, axis=2) for v in (far - near, far + near))
        angle = 4 * np.arctan2(apart, along)  # of the rotation, twice that between quaternions
        return angle.sum(axis=1) / (x.shape[1] - 1 if steps is None else steps - 1) / dt

    return measure


TABLE = {
    "clearance": (clearance, "{u}", "obstacles"),
    "separation": (separation, "{u}", "agents"),
    "mass_energy": (mass_energy, "mass ({u}/{t})^2", "masses"),
    "orientation_speed": (orientation_speed, "rad/{t}", None),
}
"""By name: what makes the measure, its unit, and what of the scene it needs."""


def scene_quantity(name: str, scene: Scene) -> Quantity:
    """One of `TABLE` in a scene. Raises `PhyslibError` where the scene lacks what it needs."""
    build, unit, need = TABLE[name]
    if need is not None and getattr(scene, need) is None:
        raise PhyslibError(f"{name} needs --{need}.")
    return Quantity(name, unit, build.__doc__.split("\n")[0], build(scene))
