"""The reaching arm against conservation, a Lagrangian differentiated by machine, and geometry."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from physlib import tasks
from physlib.core.rng import numpy_rng
from physlib.tasks.arm import (
    DT,
    GRAVITY,
    LENGTHS,
    MASSES,
    ROTATION,
    acceleration,
    energy,
    hand,
    mass_matrix,
    reach,
)
from physlib.tasks.quantities import max_acceleration, max_speed
from physlib.tasks.rk8 import integrate

ANGLE = st.floats(-3.1, 3.1)


def free(state):
    """Rate of the arm without torque."""
    return np.concatenate([state[3:], acceleration(state[:3], state[3:], np.zeros_like(state[:3]))])


def test_energy_is_conserved_without_torque():
    start = numpy_rng(0, "free").uniform(-1.5, 1.5, (6, 50))
    path = integrate(free, start, 0.01, 80, 4)
    drift = [np.abs(energy(s[:3], s[3:]) - energy(start[:3], start[3:])).max() for s in path]
    assert max(drift) < 1e-6 * np.abs(energy(start[:3], start[3:])).max()


@given(ANGLE, ANGLE, ANGLE)
def test_mass_matrix_is_symmetric_and_positive(a, b, c):
    matrix = mass_matrix(np.array([[a], [b], [c]]))[0]
    assert np.allclose(matrix, matrix.T)
    assert np.linalg.eigvalsh(matrix).min() > 0


def test_equations_of_motion_are_those_of_the_lagrangian():
    """L from Cartesian positions of the rods' centres, joint torques as generalised forces on joint angles."""
    lengths, masses, rotation = (torch.as_tensor(v) for v in (LENGTHS, MASSES, ROTATION))

    def lagrangian(joints, rates):
        phi, w = torch.cumsum(joints, 0), torch.cumsum(rates, 0)
        along = torch.stack([torch.cos(phi), torch.sin(phi)])
        across = torch.stack([-torch.sin(phi), torch.cos(phi)]) * w
        total = 0.0
        for k in range(3):
            velocity = (lengths[:k] * across[:, :k]).sum(1) + lengths[k] / 2 * across[:, k]
            height = (lengths[:k] * along[1, :k]).sum() + lengths[k] / 2 * along[1, k]
            total = total + masses[k] * (velocity @ velocity / 2 - GRAVITY * height) + rotation[k] * w[k] ** 2 / 2
        return total

    rng = numpy_rng(0, "lagrange")
    for _ in range(20):
        joints, rates, torque = (torch.as_tensor(v) for v in rng.uniform(-2, 2, (3, 3)))
        force = torch.func.grad(lagrangian)(joints, rates) + torque
        mass = torch.func.hessian(lagrangian, argnums=1)(joints, rates)
        mixed = torch.func.jacfwd(torch.func.grad(lagrangian, argnums=1))(joints, rates)
        expected = torch.linalg.solve(mass, force - mixed @ rates)
        phi, w = (np.cumsum(v.numpy())[:, None] for v in (joints, rates))
        found = np.diff(acceleration(phi, w, torque.numpy()[:, None])[:, 0], prepend=0)  # back to joint angles
        assert np.allclose(found, expected.numpy(), atol=1e-9)


def test_hand_is_where_geometry_says():
    straight, folded = np.zeros((3, 1)), np.array([[0.0], [np.pi], [np.pi / 2]])
    assert np.allclose(hand(straight), [[LENGTHS.sum(), 0]])
    assert np.allclose(hand(folded), [[LENGTHS[0] - LENGTHS[1], LENGTHS[2]]])


def test_a_reach_starts_at_rest_and_arrives():
    start = np.array([[-0.5, 0.2], [0.4, 1.0], [0.6, 1.2]])
    change = np.array([[0.4, -0.3], [0.8, 0.1], [0.7, 0.2]])
    path = reach(start, change, np.array([0.6, 1.0]), 30)
    assert np.allclose(path[0], start)
    assert np.abs(path[1] - path[0]).max() < 0.01
    assert np.allclose(path[-1], start + change, atol=1e-3)
    # the controller ignores what speed does to the rods, so the way there is not the plan's
    assert np.abs(path[8] - start - change * ((path[8] - start) / change).mean(axis=0)).max() > 1e-3


@pytest.mark.parametrize("name", ["arm-positions", "arm-steps"])
def test_views_hold_the_same_reaches(name):
    task = tasks.get_task(name)
    data = task.sample(300, numpy_rng(3, "views"))
    path = task.path(data.x)
    assert np.allclose(path, tasks.get_task("arm-positions").generate(data.q, data.z))
    assert np.allclose(max_speed(path, dt=DT), data.q, atol=0.01)
    assert max_acceleration(path, dt=DT).max() < task.MOST


def test_white_error_on_steps_is_an_error_of_speed_and_on_positions_one_over_the_time_step():
    """A step that is off by s in each entry has a speed off by s / dt; positions off by s make sqrt(2) of that."""
    task, size = tasks.get_task("arm-positions"), 1e-4
    x = task.sample(2_000, numpy_rng(0, "white")).x
    noisy = x + size * numpy_rng(1, "white").standard_normal(x.shape)
    change = max_speed(noisy, dt=DT) - max_speed(x, dt=DT)
    assert change.std() == pytest.approx(
        np.sqrt(2) * size / 0.08, rel=0.25
    )  # of a maximum over neighbours: a little less
