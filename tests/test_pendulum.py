"""The double pendulum against conservation, its small oscillations, and a Lagrangian differentiated by machine."""

import numpy as np
import pytest
import torch

from physlib import tasks
from physlib.core.rng import numpy_rng
from physlib.tasks.pendulum import GRAVITY, energy, rate
from physlib.tasks.rk8 import integrate

BANDS = ["pendulum-regular-state", "pendulum-chaotic-state"]


@pytest.mark.parametrize("name", BANDS)
def test_energy_is_conserved_to_a_millionth(name):
    task = tasks.get_task(name)
    data = task.sample(1_000, numpy_rng(0, name))
    assert np.abs(energy(task.states(data.x)) / data.q[:, None] - 1).max() < 1e-6


def test_equations_of_motion_are_those_of_the_lagrangian():
    """d/dt dL/dw = dL/dangle, with L written down from Cartesian coordinates and differentiated by PyTorch."""

    def lagrangian(angles, speeds):
        v1 = torch.stack([torch.cos(angles[0]), torch.sin(angles[0])]) * speeds[0]
        v2 = v1 + torch.stack([torch.cos(angles[1]), torch.sin(angles[1])]) * speeds[1]
        height = -2 * torch.cos(angles[0]) - torch.cos(angles[1])
        return (v1 @ v1 + v2 @ v2) / 2 - GRAVITY * height

    rng = numpy_rng(0, "lagrange")
    for _ in range(20):
        state = torch.as_tensor(rng.uniform(-3, 3, 4))
        angles, speeds = state[:2], state[2:]
        force = torch.func.grad(lagrangian)(angles, speeds)
        mass = torch.func.hessian(lagrangian, argnums=1)(angles, speeds)
        mixed = torch.func.jacfwd(torch.func.grad(lagrangian, argnums=1))(angles, speeds)
        acceleration = torch.linalg.solve(mass, force - mixed @ speeds)
        assert torch.allclose(rate(state)[2:], acceleration, atol=1e-9)


def test_small_oscillations_have_the_normal_modes():
    """Frequencies squared are g (2 -+ sqrt 2) for equal masses and arms."""
    for sign in (-1, 1):
        omega = np.sqrt(GRAVITY * (2 + sign * np.sqrt(2)))
        start = 1e-4 * np.array([1.0, -sign * np.sqrt(2), 0, 0])
        path = integrate(rate, start, 0.05, 64, 2)
        assert np.allclose(path[:, 0], 1e-4 * np.cos(omega * 0.05 * np.arange(64)), atol=1e-10)


def test_landmarks_of_the_energy():
    """Outer arm up, inner arm up, both up: 2, 4 and 6 times g above rest (unit masses and arms)."""
    poses = np.array([[0, np.pi, 0, 0], [np.pi, 0, 0, 0], [np.pi, np.pi, 0, 0]]).T
    assert np.allclose(energy(poses), GRAVITY * np.array([2, 4, 6]))


@pytest.mark.parametrize(("name", "tolerance"), [("regular", 0.01), ("chaotic", 0.6)])
def test_positions_alone_give_the_energy_of_the_states(name, tolerance):
    rng = [numpy_rng(3, "views") for _ in range(2)]
    state = tasks.get_task(f"pendulum-{name}-state").sample(500, rng[0])
    seen = tasks.get_task(f"pendulum-{name}-positions")
    positions = seen.sample(500, rng[1])
    assert np.array_equal(state.q, positions.q)
    assert np.abs(seen.measure(positions.x) - state.q).max() < tolerance


def test_white_error_raises_the_energy_of_positions_by_its_square_over_the_time_step():
    """Order-4 differences amplify white error of size s to 65 s^2 / (72 dt^2) in each speed."""
    task, size = tasks.get_task("pendulum-regular-positions"), 0.01
    data = task.sample(2_000, numpy_rng(0, "lift"))
    noisy = data.x + size * numpy_rng(1, "lift").standard_normal(data.x.shape)
    lift = (task.measure(noisy) - task.measure(data.x)).mean()
    # half the mass matrix's diagonal, 1 and 1/2; potential energy falls by s^2 / 2 of its curvature, at most 3 g
    expected = 1.5 * 65 / 72 * size**2 / 0.05**2
    assert lift == pytest.approx(expected, abs=1.5 * GRAVITY * size**2 + 0.005)


def test_breaking_the_law_is_seen():
    task = tasks.get_task("pendulum-regular-state")
    x = task.sample(50, numpy_rng(0, "break")).x
    jump = x.copy()
    jump[:, 32:, 2:] *= 1.3
    assert (task.residual(jump) > task.residual(x) + 0.1).all()
    assert np.median(task.residual(jump)) > 1
