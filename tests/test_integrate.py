"""The integrator against exact solutions and its stated order."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from physlib.tasks.rk8 import ORDER, integrate, step


def oscillate(y):
    """A harmonic oscillator of unit frequency."""
    return np.stack([y[1], -y[0]])


@given(st.floats(-3, 3), st.floats(-3, 3))
def test_harmonic_oscillator_is_followed(position, speed):
    path = integrate(oscillate, np.array([position, speed]), 0.1, 101)
    t = 0.1 * np.arange(101)
    assert path.shape == (101, 2)
    assert np.allclose(path[:, 0], position * np.cos(t) + speed * np.sin(t), atol=1e-10)


@pytest.mark.parametrize("rate", [oscillate, lambda y: np.stack([y[1], -np.sin(y[0])])])
def test_halving_the_step_divides_the_error_by_two_to_the_order(rate):
    start = np.array([1.0, 0.5])
    exact = integrate(rate, start, 12.0, 2, 400)[-1]
    coarse, fine = (np.abs(integrate(rate, start, 12.0, 2, n)[-1] - exact).max() for n in (24, 48))
    assert np.log2(coarse / fine) == pytest.approx(ORDER, abs=0.6)


def test_forward_and_back_is_where_it_was():
    y = np.array([0.3, -1.2])
    assert np.allclose(step(oscillate, step(oscillate, y, 0.2), -0.2), y, atol=1e-11)


def test_torch_takes_the_same_step():
    y = np.array([0.3, -1.2])
    twin = step(lambda v: torch.stack([v[1], -v[0]]), torch.as_tensor(y), 0.2)
    assert np.allclose(twin.numpy(), step(oscillate, y, 0.2), rtol=1e-14)
