"""MuJoCo's point mass: the controller against its own law, contacts counted by MuJoCo, selection by hand."""

import sys

import mujoco
import numpy as np
import pytest
from scipy.stats import kstest

from physlib import tasks
from physlib.core.errors import PhyslibError
from physlib.core.rng import numpy_rng
from physlib.tasks import pointmaze
from physlib.tasks.quantities import path_length

NAMES = ["pointmaze-umaze", "pointmaze-medium"]


@pytest.fixture(scope="module", params=NAMES)
def demonstrations(request):
    task = tasks.get_task(request.param)
    return task, task.sample(2_000, numpy_rng(1, f"test {request.param}"))


def test_measured_length_is_flat(demonstrations):
    task, data = demonstrations
    assert kstest(data.q, "uniform", args=(task.lo, task.hi - task.lo)).statistic < 0.015
    assert np.array_equal(path_length(data.x), data.q)
    assert task.residual(data.x).max() < task.info.threshold


def test_nuisance_regenerates_the_path_near_its_plan_but_not_on_it(demonstrations):
    task, data = demonstrations
    assert np.array_equal(task.generate(data.q[:50], data.z[:50]), data.x[:50])
    apart = np.abs(data.x[:50] - task.plan(data.z[:50])[:, :: pointmaze.STRIDE])
    assert 1e-4 < apart.mean() < 0.05


def test_a_range_that_cannot_be_driven_is_refused(monkeypatch):
    monkeypatch.setattr(pointmaze, "PATIENCE", 3)
    with pytest.raises(PhyslibError, match="give a smaller hi"):
        tasks.get_task("pointmaze-umaze[24,26]").sample(20, numpy_rng(0, "far"))


def test_no_step_of_a_replay_has_a_contact_with_a_wall(demonstrations):
    # the floor is always in contact; walls are the geoms called block_<row>_<column>
    task, data = demonstrations
    model = pointmaze.simulator(task.maze_map)
    walls = [i for i in range(model.ngeom) if model.geom(i).name.startswith("block")]
    state = mujoco.MjData(model)
    for path in task.track(data.z[:20]):
        for point in path:
            state.qpos[:] = point
            mujoco.mj_forward(model, state)
            assert not np.isin(state.contact.geom, walls).any()


def test_a_point_in_a_wall_is_a_contact_and_counts_as_touching():
    task = tasks.get_task("pointmaze-umaze")
    model = pointmaze.simulator(task.maze_map)
    state = mujoco.MjData(model)
    for gap, touches in ((pointmaze.TOUCH - 1e-4, True), (pointmaze.TOUCH + 1e-4, False)):
        point = np.array([0.0, 1.5 - gap])  # below the upper wall
        state.qpos[:] = point
        mujoco.mj_forward(model, state)
        names = [model.geom(i).name for i in np.unique(state.contact.geom)]
        assert any(name.startswith("block") for name in names) == touches
        assert (task.grid.clearance(point[None])[0] < pointmaze.TOUCH) == touches


def test_the_mass_obeys_newton_between_the_walls():
    # m x'' = 100 clip(10 (target - x) - x') - x', integrated with MuJoCo's own semi-implicit Euler and implicit damping
    task = tasks.get_task("pointmaze-umaze")
    z = task.nuisance(np.array([6.0]), numpy_rng(0, "newton"))
    path, plan = task.track(z)[0], task.plan(z)[0]
    mass, dt = 1000 * 4 / 3 * np.pi * 0.1**3, 0.01
    speed_of_plan = np.gradient(plan, dt, axis=0)
    target = plan + (speed_of_plan + (mass * np.gradient(speed_of_plan, dt, axis=0) + speed_of_plan) / 100) / 10
    x, v = plan[0].copy(), np.zeros(2)
    for now, expected in zip(target[:-1], path[1:], strict=True):
        force = 100 * np.clip(10 * (now - x) - v, -1, 1)
        v = (mass * v + dt * force) / (mass + dt)
        x = x + dt * v
        assert np.allclose(x, expected, atol=1e-6)


def test_filling_takes_candidates_in_order_until_a_bin_is_full():
    chosen, room = pointmaze._fill(np.array([0, 1, 0, 2, 0, -1, 1]), np.array([2, 1]))
    assert chosen.tolist() == [True, True, True, False, False, False, False]
    assert room.tolist() == [0, 0]


def test_without_the_extra_one_sentence_says_what_to_install(monkeypatch):
    pointmaze.simulator.cache_clear()
    monkeypatch.setitem(sys.modules, "gymnasium_robotics.envs.maze", None)
    with pytest.raises(PhyslibError, match=r"pip install 'physlib\[maze\]'"):
        tasks.get_task("pointmaze-umaze").sample(10, numpy_rng(0, "none"))
    pointmaze.simulator.cache_clear()
