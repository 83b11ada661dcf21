"""The audit's quantities on curves whose length, curvature and frequency are known."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from physlib.audit.quantities import find_quantity
from physlib.core.errors import PhyslibError
from physlib.tasks import quantities as q
from physlib.tasks.quantities import QUANTITIES

STEPS, DT = 65, 0.02


def episodes(x, steps=None, dt=DT):
    x = np.asarray(x, dtype=float)
    steps = np.full(len(x), x.shape[1]) if steps is None else np.asarray(steps)
    return x, steps, np.full(len(x), dt)


def measure(name, *words, **more):
    return QUANTITIES[name].measure(*episodes(*words, **more))


def circle(radius):
    angle = np.linspace(0, 2 * np.pi, STEPS)
    return radius * np.stack([np.cos(angle), np.sin(angle)], axis=-1)[None]


@given(st.floats(0.1, 10))
def test_circle_has_the_length_and_curvature_of_its_polygon(radius):
    side = 2 * radius * np.sin(np.pi / (STEPS - 1))
    assert measure("path_length", circle(radius)) == pytest.approx((STEPS - 1) * side)
    turns = (STEPS - 2) * 2 * np.pi / (STEPS - 1)
    assert measure("curvature", circle(radius)) == pytest.approx(turns / ((STEPS - 1) * side))
    assert measure("displacement", circle(radius)) == pytest.approx(0, abs=1e-9)
    assert measure("max_speed", circle(radius)) == pytest.approx(side / DT)


def test_line_at_constant_velocity():
    t = DT * np.arange(STEPS)
    x = np.stack([3 * t, 4 * t, 0 * t], axis=-1)[None]
    length = 5 * t[-1]
    known = {"path_length": length, "displacement": length, "mean_speed": 5, "max_speed": 5, "kinetic_energy": 12.5}
    known |= {"duration": t[-1], "curvature": 0, "smoothness": 0}
    for name, value in known.items():
        assert measure(name, x) == pytest.approx(value, abs=1e-6), name


def test_a_cubic_has_constant_jerk():
    t = DT * np.arange(STEPS)
    assert measure("smoothness", (2 * t**3)[None, :, None]) == pytest.approx(12)


@given(st.floats(2.0, 20.0), st.floats(0, 6.28))
def test_dominant_frequency_of_a_sinusoid(frequency, phase):
    t = DT * np.arange(STEPS)
    found = measure("dominant_frequency", (3 + np.sin(2 * np.pi * frequency * t + phase))[None, :, None])
    assert found[0] == pytest.approx(frequency, abs=0.1 / t[-1])


@pytest.mark.parametrize("name", QUANTITIES)
def test_what_lies_beyond_the_real_steps_does_not_count(name):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((6, 40, 2)).cumsum(axis=1)
    steps = np.array([12, 20, 25, 30, 39, 40])
    padded = x.copy()
    for row, n in zip(padded, steps, strict=True):
        row[n:] = row[n - 1]
    together = measure(name, padded, steps)
    for i, n in enumerate(steps):
        alone = measure(name, x[i : i + 1, :n])
        tolerance = 0.02 if name == "dominant_frequency" else 1e-9  # another length has other frequencies
        assert together[i] == pytest.approx(alone[0], rel=tolerance, abs=1e-9)


@pytest.mark.parametrize("name", QUANTITIES)
@given(angle=st.floats(0, 6.28), shift=st.floats(-5, 5))
def test_no_quantity_knows_where_it_is_or_which_way_it_looks(name, angle, shift):
    x = np.random.default_rng(1).standard_normal((3, 30, 2)).cumsum(axis=1)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    assert np.allclose(measure(name, x @ turn.T + shift), measure(name, x), rtol=1e-6)


def test_units_are_those_of_columns_and_time():
    spelled = {name: q.unit_in("m", "s") for name, q in QUANTITIES.items()}
    assert spelled["kinetic_energy"] == "(m/s)^2"
    assert spelled["smoothness"] == "m/s^3"
    assert spelled["curvature"] == "rad/m"


def test_unknown_names_are_explained():
    with pytest.raises(PhyslibError, match="did you mean 'path_length'"):
        find_quantity("path_lenght")
    with pytest.raises(PhyslibError, match="cannot import"):
        find_quantity("no_such_module:f")


@pytest.mark.parametrize("quantity", [q.path_length, q.max_speed, q.max_acceleration, q.travel_energy, q.smoothness])
def test_quantities_of_tensors_are_those_of_arrays_and_have_slopes(quantity):
    x = np.random.default_rng(2).standard_normal((5, 12, 2))
    tensor = torch.as_tensor(x)
    assert np.allclose(quantity(tensor, dt=DT), quantity(x, dt=DT))
    slope = torch.func.vmap(torch.func.grad(lambda path: quantity(path, dt=DT)))(tensor)
    step = 1e-6 * np.random.default_rng(3).standard_normal(x.shape)
    change = quantity(x + step, dt=DT) - quantity(x - step, dt=DT)
    assert np.allclose(2 * (slope.numpy() * step).sum(axis=(1, 2)), change, rtol=1e-3)


@given(st.floats(1e-7, 3.14), st.floats(0, 6.28))
def test_turning_is_the_angle_between_steps_however_small(angle, start):
    heading = start + np.array([0, angle])
    step = np.array([[1.0], [3.0]]) * np.stack([np.cos(heading), np.sin(heading)], axis=1)
    x = np.concatenate([np.zeros((1, 2)), step.cumsum(axis=0)])
    assert q.turning(x[None])[0, 0] == pytest.approx(angle, rel=1e-6)
