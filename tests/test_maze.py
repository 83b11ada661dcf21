"""Mazes against their source, shortest routes, geometry by hand."""

import numpy as np
import pytest
from gymnasium_robotics.envs.maze import maps
from hypothesis import given
from hypothesis import strategies as st

from physlib import tasks
from physlib.core.errors import PhyslibError
from physlib.core.rng import numpy_rng
from physlib.tasks.maze import LARGE_MAZE, MEDIUM_MAZE, U_MAZE
from physlib.tasks.maze_geometry import Curves, Grid, cut_corners
from physlib.tasks.quantities import turns

GRID = Grid(U_MAZE)


@pytest.mark.parametrize(
    ("ours", "theirs"), [(U_MAZE, maps.U_MAZE), (MEDIUM_MAZE, maps.MEDIUM_MAZE), (LARGE_MAZE, maps.LARGE_MAZE)]
)
def test_layouts_are_those_of_gymnasium_robotics(ours, theirs):
    assert [[mark == "#" for mark in row] for row in ours] == [[bool(cell) for cell in row] for row in theirs]


def test_distance_round_the_wall_of_umaze():
    cells = [tuple(c) for c in GRID.cells.tolist()]
    assert GRID.distance[cells.index((1, 1)), cells.index((3, 1))] == 6


def test_tours_step_to_neighbouring_free_cells_and_reach_every_cell():
    points = GRID.tour(500, 20, numpy_rng(0, "tour"))
    inside = GRID.cell(points)
    assert inside.min() >= 0
    hops = GRID.distance[inside[:, :-1], inside[:, 1:]]
    assert (hops == 1).all()
    assert set(inside[:, -1]) == set(range(7))


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        ((-1.0, 1.0), 0.5),  # centre of the upper left cell: walls above, below and to the left
        ((-1.2, 1.0), 0.3),
        ((0.9, 0.9), 0.4 * np.sqrt(2)),  # by the inner corner of the wall at (.5, .5)
        ((0.0, 0.0), 0.0),  # in the wall
        ((9.0, 0.0), 0.0),  # outside
    ],
)
def test_clearance_by_hand(point, expected):
    assert GRID.clearance(np.array([point]))[0] == pytest.approx(expected)


@given(st.floats(0.01, 0.99))
def test_a_straight_path_into_the_wall_is_not_plausible(depth):
    task = tasks.get_task("maze-umaze")
    x = np.linspace([-1.0, 1.0], [-1.0, 0.5 - depth], 64)[None]
    assert task.residual(x)[0] > 1


def test_a_leap_is_not_plausible_even_between_free_places():
    task = tasks.get_task("maze-umaze")
    x = np.repeat([[[-1.0, 1.0]]], 64, axis=1)
    x[:, 32:, 0] = 0.0
    assert task.residual(x)[0] > 1


def test_cutting_corners_keeps_ends_and_the_hull():
    points = numpy_rng(0, "hull").uniform(size=(20, 6, 2))
    cut = cut_corners(points)
    assert np.array_equal(cut[:, [0, -1]], points[:, [0, -1]])
    assert (cut.min(axis=1) >= points.min(axis=1)).all()
    assert (cut.max(axis=1) <= points.max(axis=1)).all()


@given(st.floats(0, 7))
def test_points_by_arc_length_on_a_right_angle(length):
    curves = Curves(np.array([[[0.0, 0.0], [3.0, 0.0], [3.0, 4.0]], [[0.0, 0.0], [0.0, 5.0], [0.0, 9.0]]]))
    found = curves.at(np.array([[length], [length]]), np.array([0, 1]))[:, 0]
    corner = [length, 0] if length < 3 else [3, length - 3]
    assert np.allclose(found, [corner, [0, length]], atol=1e-9)


def test_turns_counts_quarter_turns():
    corner = np.array([[[0.0, 0], [1, 0], [2, 0], [2, 1], [2, 2], [1, 2], [0, 2]]])
    assert turns(corner)[0] == pytest.approx(2)


def test_a_white_error_lengthens_even_paths_by_the_formula():
    """In the plane each step grows by the variance of its ends' difference over twice its length."""
    steps, size, q = 63, 1e-3, 6.0
    x = np.zeros((20_000, 64, 2))
    x[..., 0] = np.linspace(0, q, 64)
    moved = x + size * numpy_rng(0, "white").standard_normal(x.shape)
    gain = tasks.get_task("maze-umaze").measure(moved) - q
    assert gain.mean() == pytest.approx(steps * 2 * size**2 / (2 * q / steps), rel=0.03)


def test_speed_is_length_over_duration():
    task = tasks.get_task("maze-umaze-speed")
    data = task.sample(200, numpy_rng(0, "speed"))
    assert np.allclose(data.q * task.others["duration"](data.x), data.z[:, 0])
    assert np.allclose(task.others["path length"](data.x), data.z[:, 0])


@pytest.mark.parametrize(
    ("layout", "words"),
    [
        (("###", "###"), "needs two free cells, this one has 0"),
        (("####", "#.."), "one length"),
        (("#####", "#.#.#", "#####"), "cannot be reached"),
    ],
)
def test_impossible_mazes_are_explained(layout, words):
    with pytest.raises(PhyslibError, match=words):
        Grid(layout)
