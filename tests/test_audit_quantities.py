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
from physlib.tasks.scenes import Scene

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


def test_ends_of_headings_goals_and_rests():
    turn = np.linspace(0, 1.2, STEPS)
    arc = np.stack([np.sin(turn), 1 - np.cos(turn)], axis=-1)[None]
    step = turn[1]
    assert measure("heading_change", arc) == pytest.approx(1.2 - step)
    assert measure("straightness", arc) == pytest.approx(2 * np.sin(0.6) / ((STEPS - 1) * 2 * np.sin(step / 2)))
    rested = np.concatenate([np.repeat(arc[:, :1], 16, axis=1), arc], axis=1)
    assert measure("idle_share", rested) == pytest.approx(16 / (STEPS + 15))
    assert measure("heading_change", rested) == pytest.approx(1.2 - step)
    line = np.minimum(np.arange(STEPS), 40)[None, :, None] * np.array([3.0, 4.0])
    assert measure("time_to_goal", line) == pytest.approx(38 * DT)
    assert measure("max_jerk", (2 * (DT * np.arange(STEPS)) ** 3)[None, :, None]) == pytest.approx(12)
    still = np.ones((1, STEPS, 2))
    with np.errstate(all="ignore"):
        assert np.isnan(
            [measure(name, still)[0] for name in ("heading_change", "straightness", "dominant_frequency")]
        ).all()
    assert (measure("idle_share", still), measure("time_to_goal", still)) == (1, 0)


def test_obstacles_agents_masses_and_orientations():
    x = np.stack([np.linspace(-1, 1, STEPS), np.full(STEPS, 0.5)], axis=-1)[None]
    near = Scene(obstacles=np.array([[0.0, 0.0], [9.0, 9.0]]))
    assert find_quantity("clearance", near).measure(x) == pytest.approx(0.5)
    assert find_quantity("clearance", Scene(obstacles=np.array([[0.0, 0.0, 0.6]]))).measure(x) == pytest.approx(-0.1)
    both = np.concatenate([x, -x], axis=2)
    assert find_quantity("separation", Scene(agents=2)).measure(both) == pytest.approx(1.0)
    speed = 2 / (STEPS - 1) / DT
    energy = find_quantity("mass_energy", Scene(masses=(3.0, 1.0))).measure(x, np.array([STEPS]), np.array([DT]))
    assert energy == pytest.approx(1.5 * speed**2)
    half = 0.01 * np.arange(STEPS)
    turned = np.stack([np.cos(half), np.sin(half), 0 * half, 0 * half], axis=-1)[None]
    turned[:, ::3] *= -1  # q and -q are one orientation
    assert find_quantity("orientation_speed").measure(turned, dt=DT) == pytest.approx(0.02 / DT)


@pytest.mark.parametrize(
    ("name", "scene", "sentence"),
    [
        ("clearance", Scene(), "needs --obstacles"),
        ("separation", Scene(agents=3), "cannot be those of 3 agents"),
        ("mass_energy", Scene(masses=(1.0,)), "1 masses for 2 columns"),
        ("clearance", Scene(obstacles=np.zeros((2, 5))), "have 5 numbers each"),
        ("orientation_speed", Scene(), "four columns"),
    ],
)
def test_a_scene_that_does_not_fit_is_refused(name, scene, sentence):
    with pytest.raises(PhyslibError, match=sentence):
        find_quantity(name, scene).measure(np.zeros((1, 9, 2)))


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
