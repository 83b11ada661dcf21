"""Mazes on a grid: free cells, shortest routes, distance to the walls, curves through corridors."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import array_api_compat
import numpy as np
from jaxtyping import Float, Int
from scipy.sparse.csgraph import shortest_path

from physlib.core.errors import PhyslibError

JITTER = 0.22  # control points lie within this of a cell's centre, in cells: curves keep clear of the walls
ROUNDS = 3  # rounds of corner cutting


class Grid:
    """A maze of unit cells; `#` is wall, `.` is free. The origin is the middle, x to the right, y up.

    These are the coordinates of Gymnasium-Robotics, so the same paths run in its simulator.
    """

    def __init__(self, layout: tuple[str, ...]):
        """Raises `PhyslibError` for rows of unequal length, fewer than two free cells, or cells out of reach."""
        if len({len(row) for row in layout}) != 1:
            raise PhyslibError("the rows of a maze must have one length: pad the short ones with '#'.")
        self.layout = layout
        inside = np.array([[mark != "#" for mark in row] for row in layout])
        self.free = np.pad(inside, 1)  # whatever lies outside is wall
        self.cells = np.argwhere(inside)  # row and column of each free cell
        if len(self.cells) < 2:
            raise PhyslibError(f"a maze needs two free cells, this one has {len(self.cells)}: mark them with '.'.")
        if not np.isfinite(self.distance).all():
            raise PhyslibError("some free cells of the maze cannot be reached from others: open a way or wall them in.")

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Left, right, bottom and top edge."""
        rows, columns = len(self.layout), len(self.layout[0])
        return -columns / 2, columns / 2, -rows / 2, rows / 2

    @cached_property
    def centres(self) -> Float[np.ndarray, "C 2"]:
        """Centre of each free cell."""
        left, _, _, top = self.extent
        return np.stack([left + self.cells[:, 1] + 0.5, top - self.cells[:, 0] - 0.5], axis=1)

    @cached_property
    def _shortest(self) -> tuple[np.ndarray, np.ndarray]:
        neighbours = np.abs(self.cells[:, None] - self.cells[None]).sum(axis=-1) == 1
        return shortest_path(neighbours.astype(float), unweighted=True, return_predecessors=True)

    @property
    def distance(self) -> Float[np.ndarray, "C C"]:
        """Cells to walk between free cells."""
        return self._shortest[0]

    def tour(self, n: int, cells: int, rng: np.random.Generator) -> Float[np.ndarray, "N C 2"]:
        """Control points of `n` tours: from goal to random goal by shortest routes, jittered in each cell."""
        # walking back along the tree of shortest paths from the goal, the next cell is the predecessor
        towards, count = self._shortest[1], len(self.cells)
        here = rng.integers(count, size=n)
        goal, path = here.copy(), [here]
        for _ in range(cells - 1):
            arrived = here == goal
            goal = np.where(arrived, (here + rng.integers(1, count, size=n)) % count, goal)
            here = towards[goal, here]
            path.append(here)
        jitter = rng.uniform(-JITTER, JITTER, (n, cells, 2))
        return self.centres[np.stack(path, axis=1)] + jitter

    def cell(self, points: Float[np.ndarray, "*N 2"]) -> Int[np.ndarray, "*N"]:
        """Index of the free cell that holds each point, -1 for none."""
        row, column = self._position(points)[:2]
        index = np.full(self.free.shape, -1)
        index[tuple((self.cells + 1).T)] = np.arange(len(self.cells))
        return index[row, column]

    def _position(self, points: Any) -> tuple[Any, Any, Any, Any]:
        """Row and column in the padded grid, and the place within the cell, right and down from its corner."""
        xp = array_api_compat.array_namespace(points)
        left, _, _, top = self.extent
        right, down = points[..., 0] - left + 1, top - points[..., 1] + 1
        rows, columns = self.free.shape
        column = xp.clip(xp.floor(right), 0, columns - 1)
        row = xp.clip(xp.floor(down), 0, rows - 1)
        return xp.astype(row, xp.int64), xp.astype(column, xp.int64), right - column, down - row

    def clearance(self, points: Float[Any, "*N 2"]) -> Float[Any, "*N"]:
        """Distance from each point to the nearest wall, up to one cell; 0 inside walls and outside the maze."""
        xp = array_api_compat.array_namespace(points)
        free = xp.asarray(np.pad(self.free, 1))
        row, column, right, down = self._position(points)
        nearest = xp.where(free[row + 1, column + 1], xp.ones_like(right), xp.zeros_like(right))
        across = {-1: right, 0: xp.zeros_like(right), 1: 1 - right}
        along = {-1: down, 0: xp.zeros_like(down), 1: 1 - down}
        for i in (-1, 0, 1):
            for j in (-1, 0, 1):
                away = xp.sqrt(across[j] ** 2 + along[i] ** 2)
                wall = ~free[row + 1 + i, column + 1 + j]
                nearest = xp.where(wall & (away < nearest), away, nearest)
        return nearest


def cut_corners(points: Float[np.ndarray, "N C 2"]) -> Float[np.ndarray, "N P 2"]:
    """Rounds of Chaikin's corner cutting: each inner point becomes two, a quarter along its edges; ends stay."""
    for _ in range(ROUNDS):
        first, last = points[:, :1], points[:, -1:]
        a, b = points[:, :-1], points[:, 1:]
        pairs = np.stack([0.75 * a + 0.25 * b, 0.25 * a + 0.75 * b], axis=2)
        points = np.concatenate([first, pairs.reshape(len(points), -1, 2)[:, 1:-1], last], axis=1)
    return points


class Curves:
    """Polylines by arc length, many at once."""

    def __init__(self, points: Float[np.ndarray, "N P 2"]):
        self.points = points
        step = np.linalg.norm(np.diff(points, axis=1), axis=-1)
        self.length = np.concatenate([np.zeros((len(points), 1)), np.cumsum(step, axis=1)], axis=1)

    def at(self, length: Float[np.ndarray, "N T"], row: Int[np.ndarray, " N"]) -> Float[np.ndarray, "N T 2"]:
        """Points at given lengths from the start of the curves numbered `row`."""
        points, knot = self.points[row], self.length[row]
        n, knots = knot.shape
        # one sorted search for all rows: each row is moved behind the one before
        offset = np.arange(n)[:, None] * (knot.max() + 1)
        where = np.searchsorted((knot + offset).ravel(), (length + offset).ravel(), side="right")
        index = np.clip(where.reshape(length.shape) - np.arange(n)[:, None] * knots - 1, 0, knots - 2)
        below, above = (np.take_along_axis(knot, index + k, axis=1) for k in (0, 1))
        share = np.clip((length - below) / np.maximum(above - below, 1e-12), 0, 1)[..., None]
        start, end = (np.take_along_axis(points, (index + k)[..., None], axis=1) for k in (0, 1))
        return (1 - share) * start + share * end
