"""Paths through mazes with a prior over their length, or over their mean speed."""

from __future__ import annotations

import dataclasses
from functools import cached_property
from typing import ClassVar

import array_api_compat
import numpy as np
from jaxtyping import Float
from scipy.optimize.elementwise import find_root

from physlib.core.errors import PhyslibError
from physlib.tasks.base import FiniteBankTask, TaskInfo, Trajectories
from physlib.tasks.maze_geometry import Curves, Grid, cut_corners
from physlib.tasks.priors import DEFAULT
from physlib.tasks.quantities import max_speed, path_length, travel_energy, turns

RADIUS = 0.1  # of the agent, in cells; PointMaze's
RAMP = 0.15  # share of the time spent starting, and stopping
PEAK = 1 / (1 - RAMP)  # largest speed over mean speed
LONGEST_STEP = 0.5  # cells; with longer ones chords would cut through walls
CHUNK = 5_000  # paths made at once

U_MAZE = ("#####", "#...#", "###.#", "#...#", "#####")
MEDIUM_MAZE = ("########", "#..##..#", "#..#...#", "##...###", "#..#...#", "#.#..#.#", "#...#..#", "########")
LARGE_MAZE = (
    "############",
    "#....#.....#",
    "#.##.#.#.#.#",
    "#......#...#",
    "#.####.###.#",
    "#..#.#.....#",
    "##.#.#.#.###",
    "#..#...#...#",
    "############",
)


def progress(steps: int) -> Float[np.ndarray, " T"]:
    """Share of the way done at each step: raised-cosine start and stop, even speed between."""
    time = np.linspace(0, 1, steps)
    edge = np.minimum(np.minimum(time, 1 - time), RAMP)
    ramp = PEAK * (edge - RAMP / np.pi * np.sin(np.pi * edge / RAMP)) / 2  # way done within the nearer ramp
    even = PEAK * np.clip(time - RAMP, 0, 1 - 2 * RAMP)
    return np.where(time <= 0.5, ramp + even, 1 - ramp - PEAK * np.clip(1 - RAMP - time, 0, None))


class Maze(FiniteBankTask):
    """Smooth tours through a maze, cut where the path is q cells long. A subclass supplies `layout`.

    The nuisance variables are the control points of a tour long enough for any q; the path follows the
    curve through them from rest to rest. Raises `PhyslibError` when paths are too long for the horizon.
    """

    layout: ClassVar[tuple[str, ...]]
    others = {"travel energy": travel_energy, "maximum speed": max_speed, "turns": turns}

    def __init__(self, lo: float | None = None, hi: float | None = None, prior: str = DEFAULT):
        longest = LONGEST_STEP * (self.info.steps - 1) / PEAK
        if hi is not None and hi > longest:
            raise PhyslibError(
                f"paths of {hi:g} cells do not fit the horizon of {self.info.steps} points, "
                f"whose steps are at most {LONGEST_STEP:g} cell: give hi of at most {longest:.4g}."
            )
        super().__init__(lo, hi, prior)

    @cached_property
    def grid(self) -> Grid:
        """The maze."""
        return Grid(self.layout)

    @property
    def longest(self) -> float:
        """Length of the longest path, cells."""
        return self.hi

    def sample(self, n, rng):
        """`n` paths, in chunks whose control points fit the processor's cache."""
        q = self.prior_draws(n, rng)
        z = self.nuisance(q, rng)
        parts = [self.generate(q[i : i + CHUNK], z[i : i + CHUNK]) for i in range(0, n, CHUNK)]
        return Trajectories(np.concatenate(parts), q, z)

    def nuisance(self, q, rng):
        """Control points of the tours, flattened."""
        cells = int(np.ceil(2 * self.longest)) + 3  # a cell is worth half its side at the very least
        return self.grid.tour(len(q), cells, rng).reshape(len(q), -1)

    def generate(self, q, z):
        return self.walk(q, z)

    def walk(self, length: Float[np.ndarray, " N"], z: Float[np.ndarray, "N Z"]) -> Float[np.ndarray, "N T 2"]:
        """Paths of a measured length along the tours.

        Chords are shorter than the arcs they cut, so the arc is lengthened until the chords sum to `length`.
        """
        curves = Curves(cut_corners(z.reshape(len(z), -1, 2)))
        share = progress(self.info.steps)

        def missing(arc, length, row):
            return path_length(curves.at(arc[:, None] * share, row)) - length

        ends = (length, 1.5 * length + 1)  # the chords of an arc sum to less than it, and to well over half of it
        found = find_root(missing, ends, args=(length, np.arange(len(z))), tolerances={"xatol": 1e-12, "fatol": 1e-12})
        return curves.at(found.x[:, None] * share, np.arange(len(z)))

    def measure(self, x):
        return path_length(x)

    def residual(self, x):
        """The worse of two ratios: radius over least clearance along the path, longest step over what is allowed."""
        xp = array_api_compat.array_namespace(x)
        a, b = x[..., :-1, :2], x[..., 1:, :2]
        between = xp.stack([a, 0.75 * a + 0.25 * b, (a + b) / 2, 0.25 * a + 0.75 * b, b], axis=-2)
        clearance = xp.min(self.grid.clearance(between), axis=(-2, -1))
        allowed = 1.25 * PEAK * self.longest / (self.info.steps - 1)
        return xp.maximum(RADIUS / xp.clip(clearance, 1e-3, None), max_speed(x[..., :2]) / allowed)


_UMAZE = TaskInfo(
    title="paths through PointMaze's UMaze",
    rule=r"x_t = c(\ell\, g(t/T)), \quad \textstyle\sum_t |x_{t+1} - x_t| = q",
    quantity="path length",
    symbol="q",
    unit="cells",
    lo=2.0,
    hi=10.0,
    domain=(0.5, 1e3),
    steps=64,
    dims=2,
    nuisance="a tour: random goals joined by shortest routes, jittered by .22 in each cell, corners cut",
    regime="short paths stay in one corridor, long ones go back and forth",
    threshold=1.0,
    threshold_reason="at 1 the agent's disc touches a wall, or a step is a quarter longer than the longest possible one",
    source="Gymnasium-Robotics, PointMaze; after D4RL, J. Fu et al., arXiv 2004.07219 (2020)",
)


class UMaze(Maze):
    """PointMaze's UMaze."""

    family = "maze-umaze"
    layout = U_MAZE
    info = _UMAZE


class MediumMaze(Maze):
    """PointMaze's Medium maze."""

    family = "maze-medium"
    layout = MEDIUM_MAZE
    info = dataclasses.replace(_UMAZE, title="paths through PointMaze's Medium maze", lo=4.0, hi=16.0)


class LargeMaze(Maze):
    """PointMaze's Large maze."""

    family = "maze-large"
    layout = LARGE_MAZE
    info = dataclasses.replace(_UMAZE, title="paths through PointMaze's Large maze", lo=4.0, hi=20.0)


class TimedUMaze(Maze):
    """UMaze with a clock: a third channel holds the time, and the mean speed is balanced.

    Path length is drawn independently, flat on UMaze's range; the duration follows as length over speed.
    """

    family = "maze-umaze-speed"
    layout = U_MAZE
    info = dataclasses.replace(
        _UMAZE,
        title="paths through UMaze with a clock",
        rule=r"x_t = (c(\ell\, g(t/T)),\; \tau t / T), \quad q = \textstyle\sum_t |\Delta x_t| / \tau",
        quantity="mean speed",
        unit="cells/s",
        lo=0.5,
        hi=2.0,
        domain=(0.05, 6.4),
        dims=3,
        nuisance="a tour as in maze-umaze, and the path length, uniform on [2, 10] cells",
        regime="slow long paths take forty times as long as fast short ones",
    )
    others = {"path length": lambda x: path_length(x[..., :2]), "duration": lambda x: x[..., -1, 2] - x[..., 0, 2]}

    @property
    def longest(self):
        return _UMAZE.hi

    def nuisance(self, q, rng):
        length = rng.uniform(_UMAZE.lo, _UMAZE.hi, (len(q), 1))
        return np.concatenate([length, super().nuisance(q, rng)], axis=1)

    def generate(self, q, z):
        duration = z[:, 0] / q
        clock = duration[:, None] * np.linspace(0, 1, self.info.steps)
        return np.concatenate([self.walk(z[:, 0], z[:, 1:]), clock[..., None]], axis=-1)

    def measure(self, x):
        return path_length(x[..., :2]) / (x[..., -1, 2] - x[..., 0, 2])
