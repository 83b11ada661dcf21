"""The second estimators against closed forms, the Cramer-Rao bound, and the default ones under error."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from physlib import tasks
from physlib.core.errors import PhyslibError
from physlib.core.rng import numpy_rng
from physlib.tasks.estimators import ESTIMATORS, estimators_of, get_estimator
from physlib.tasks.pendulum import DT, GRAVITY
from physlib.tasks.sinusoid import Sinusoid

# name of task, of estimator; trajectories in a test; greatest error without error on the path, over the range
EXACT = [
    ("sinusoid", "nonlinear-least-squares", 500, 1e-12),
    ("tent", "best-orbit", 500, 1e-12),
    ("logistic", "best-orbit", 500, 1e-12),
    ("logistic[2.8,3.4]", "best-orbit", 500, 1e-12),
    ("tent", "errors-in-variables", 500, 1e-12),
    ("logistic", "errors-in-variables", 500, 1e-12),
    ("henon", "best-henon-orbit", 500, 1e-12),
    ("van-der-pol", "best-motion", 300, 1e-7),
    ("ring", "norm", 500, 1e-12),
    ("ring-polar", "norm", 500, 1e-12),
    ("pendulum-regular-state", "best-trajectory", 100, 1e-5),  # of one step of the integrator for the data's three
    ("pendulum-regular-positions", "best-trajectory", 100, 1e-5),
    ("pendulum-chaotic-state", "best-trajectory", 100, 1e-4),  # of two
    ("pendulum-chaotic-positions", "best-trajectory", 100, 1e-4),
    ("maze-umaze", "smoothed-length", 1_000, 0.01),
    ("maze-medium", "smoothed-length", 1_000, 0.01),
    ("maze-large", "smoothed-length", 1_000, 0.01),
    ("maze-umaze-speed", "smoothed-length", 1_000, 0.01),
    ("arm-positions", "smoothed-peak", 200, 0.006),  # the data miss the wanted speed by as much
]


def with_error(task, n, size):
    """Trajectories with a white error of `size` standard deviations of each channel."""
    data = task.sample(n, numpy_rng(0, f"estimators of {task.name}"))
    return data, data.x + size * task.scale * numpy_rng(1, f"error of {task.name}").standard_normal(data.x.shape)


@pytest.mark.parametrize(("name", "estimator", "n", "tolerance"), EXACT)
def test_exact_without_error(name, estimator, n, tolerance):
    task = tasks.get_task(name)
    data, _ = with_error(task, n, 0)
    error = get_estimator(task, estimator)(data.x) - data.q
    assert np.abs(error).max() < tolerance * (task.hi - task.lo)
    assert np.abs(error.mean()) < tolerance / 10 * (task.hi - task.lo)


@given(st.floats(0.03, 3.1), st.floats(0, 6.28), st.floats(0.01, 100))
def test_sinusoid_of_any_amplitude_inside_and_outside_the_range(q, phase, amplitude):
    x = amplitude * np.sin(q * np.arange(16) + phase)[None, :, None]
    task = tasks.get_task("sinusoid")
    assert get_estimator(task, "nonlinear-least-squares")(x)[0] == pytest.approx(q, abs=1e-6)


def test_sinusoid_ends_at_the_line_and_the_alternating_series():
    steps, read = np.arange(16.0), get_estimator(tasks.get_task("sinusoid"), "nonlinear-least-squares")
    q = read(np.stack([3 - 0.2 * steps, np.ones(16), (-1) ** steps])[..., None])
    assert np.allclose(q, [0, 0, np.pi], atol=1e-4)


@example(0.625, -0.25, 0.2)  # a straight line fits better than any sinusoid: the limit at zero, where sin vanishes
@given(st.floats(-2, 2), st.floats(-2, 2), st.floats(0.2, 1))
def test_sinusoid_leaves_no_more_than_any_frequency_nearby(a, b, q):
    noise = numpy_rng(0, "noise").standard_normal(16)
    steps = np.arange(16)
    u = a * np.cos(q * steps) + b * np.sin(q * steps) + 0.3 * noise

    def left(q):
        basis = np.stack([np.cos(q * steps), np.sin(q * steps)], axis=1)
        return np.sum((u - basis @ np.linalg.lstsq(basis, u, rcond=None)[0]) ** 2)

    best = get_estimator(tasks.get_task("sinusoid"), "nonlinear-least-squares")(u[None, :, None])[0]
    assert left(max(best, 1e-6)) <= min(left(q) for q in np.linspace(0.01, 3.13, 300)) + 1e-9


@pytest.mark.parametrize("estimator", ["best-orbit", "errors-in-variables"])
@given(q=st.floats(1.05, 2.0), x0=st.floats(0.1, 0.9))
def test_maps_at_any_parameter_of_their_domain(estimator, q, x0):
    for family, value in (("tent", q), ("logistic", 2 * q)):
        task = tasks.get_task(family)
        x = task.generate(np.array([value]), np.array([[x0]]))
        assert get_estimator(task, estimator)(x)[0] == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize("estimator", ["best-orbit", "errors-in-variables"])
def test_maps_against_closed_forms(estimator):
    read = get_estimator(tasks.get_task("logistic"), estimator)
    ulam = np.sin(2.0 ** np.arange(16) * np.arcsin(np.sqrt(0.3))) ** 2  # at 4
    assert read(ulam[None, :, None])[0] == pytest.approx(4, abs=1e-9)
    q = 1 + np.sqrt(6)  # where period four begins, period two is {(q + 1 +- sqrt((q + 1)(q - 3))) / 2 q}
    two = (q + 1 + np.array([1, -1]) * np.sqrt((q + 1) * (q - 3))) / (2 * q)
    assert read(np.tile(two, 8)[None, :, None])[0] == pytest.approx(q, abs=1e-9)


@pytest.mark.parametrize("name", ["pendulum-regular-state", "pendulum-regular-positions", "pendulum-chaotic-positions"])
@pytest.mark.parametrize("sign", [-1, 1])
def test_pendulum_in_a_normal_mode(name, sign):
    # small swings: angles in the ratio sqrt 2, in phase or against, w^2 = (2 -+ sqrt 2) g, energy 2 g A^2
    task, swing = tasks.get_task(name), 1e-3
    angle = swing * np.cos(np.sqrt((2 + sign * np.sqrt(2)) * GRAVITY) * DT * (np.arange(64) - 20))
    angles = np.stack([angle, -sign * np.sqrt(2) * angle], axis=1)
    x = np.concatenate([np.sin(angles), np.cos(angles)], axis=1) if task.circular else angles
    if task.seen == "state":
        speed = -swing * np.sqrt((2 + sign * np.sqrt(2)) * GRAVITY)
        speed = speed * np.sin(np.sqrt((2 + sign * np.sqrt(2)) * GRAVITY) * DT * (np.arange(64) - 20))
        x = np.concatenate([x, np.stack([speed, -sign * np.sqrt(2) * speed], axis=1)], axis=1)
    energy = get_estimator(task, "best-trajectory")(x[None])[0]
    assert energy == pytest.approx(2 * GRAVITY * swing**2, rel=1e-4)


@settings(max_examples=20)
@given(st.floats(0.5, 3), st.floats(0, 1.5), st.floats(0, 6.28))
def test_arcs_and_straight_lines(radius, turn, heading):
    # eased from rest to rest, as the smoother expects; chords of an arc of angle a are 2 r sin(a / 2)
    share = (1 - np.cos(np.pi * np.linspace(0, 1, 64))) / 2
    angle = turn * share
    arc = radius * np.stack([np.sin(angle), 1 - np.cos(angle)], axis=-1)
    chords = 2 * radius * np.sin(np.diff(angle) / 2).sum()
    line = radius * np.stack([np.cos(heading) * share, np.sin(heading) * share], axis=-1)
    read = get_estimator(tasks.get_task("maze-umaze"), "smoothed-length")
    assert np.allclose(read(np.stack([arc, line])), [chords, radius], rtol=1e-3, atol=1e-6)


# bias and standard deviation at a size of error: at most these shares of the default estimator's
UNDER_ERROR = [
    ("sinusoid", "nonlinear-least-squares", 20_000, 0.036, 0.05, 0.4),
    ("sinusoid", "nonlinear-least-squares", 20_000, 0.1, 0.05, 0.4),
    ("logistic", "errors-in-variables", 20_000, 0.1, 0.15, 0.8),
    ("logistic", "best-orbit", 20_000, 0.03, 0.7, 0.35),
    ("henon", "best-henon-orbit", 10_000, 0.03, 0.5, 0.5),
    ("van-der-pol", "best-motion", 1_000, 0.03, 0.05, 0.3),
    ("pendulum-regular-state", "best-trajectory", 300, 0.1, 0.1, 0.8),
    ("pendulum-regular-positions", "best-trajectory", 300, 0.1, 0.05, 0.5),
    ("pendulum-chaotic-state", "best-trajectory", 200, 0.1, 0.1, 0.4),
    ("pendulum-chaotic-positions", "best-trajectory", 200, 0.1, 0.05, 0.4),
    ("maze-umaze", "smoothed-length", 2_000, 0.01, 0.2, 0.9),
    ("maze-umaze", "smoothed-length", 2_000, 0.03, 0.06, 0.5),
    ("maze-umaze", "smoothed-length", 2_000, 0.1, 0.03, 0.3),
    ("maze-medium", "smoothed-length", 2_000, 0.03, 0.1, 0.5),
    ("maze-large", "smoothed-length", 2_000, 0.03, 0.06, 0.4),
    ("maze-umaze-speed", "smoothed-length", 2_000, 0.03, 0.05, 0.3),
    ("arm-positions", "smoothed-peak", 1_000, 0.03, 0.15, 0.6),
]


@pytest.mark.parametrize(("name", "estimator", "n", "size", "bias", "spread"), UNDER_ERROR)
def test_bias_and_spread_under_white_error(name, estimator, n, size, bias, spread):
    task = tasks.get_task(name)
    data, x = with_error(task, n, size)
    new, old = get_estimator(task, estimator)(x) - data.q, task.measure(x) - data.q
    assert np.abs(new.mean()) < bias * np.abs(old.mean()) + 2 * new.std() / np.sqrt(n)
    assert new.std() < spread * old.std()


def test_the_first_bin_of_the_sinusoid_is_not_emptied_by_white_error():
    # task.measure takes a third out of it; what is left are draws beyond the edge, not bias
    task = tasks.get_task("sinusoid")
    _, x = with_error(task, 100_000, 0.036)

    def first(q):
        return np.mean((q >= task.lo) & (q < task.lo + 0.045)) * 20

    assert first(task.measure(x)) == pytest.approx(0.63, abs=0.04)
    assert first(get_estimator(task, "nonlinear-least-squares")(x)) == pytest.approx(0.93, abs=0.04)


def bound(sensitivity):
    """Cramer-Rao bound of the first unknown at unit error, from `(N, errors, unknowns)`: 1 / squared distance to the rest."""
    first, rest = sensitivity[..., :1], sensitivity[..., 1:]
    coefficient = np.linalg.solve(rest.mT @ rest, rest.mT @ first)
    return 1 / np.sum((first - rest @ coefficient)[..., 0] ** 2, axis=1)


@pytest.mark.parametrize("size", [0.01, 0.03, 0.1])
def test_sinusoid_attains_the_bound(size):
    task = tasks.get_task("sinusoid")
    data, x = with_error(task, 40_000, size)
    angle, steps = data.q[:, None] * np.arange(16) + data.z, np.arange(16)
    exact = bound(np.stack([steps * np.cos(angle), np.sin(angle), np.cos(angle)], axis=-1))  # q, and both amplitudes
    inner = data.q > 0.3  # below, the frequency is not told from zero at a tenth of noise, and the error is skew
    loss = ((get_estimator(task, "nonlinear-least-squares")(x) - data.q) / (size * task.scale[0])) ** 2 / exact
    assert np.mean(loss[inner]) == pytest.approx(1, abs=0.05)


def orbit_bound(task, data):
    """Bound for a map, by the derivatives of the orbit in parameter and first value."""
    x, per_q, per_x0 = data.z[:, 0], np.zeros(len(data.q)), np.ones(len(data.q))
    sensitivity = []
    for _ in range(16):
        sensitivity.append(np.stack([per_q, per_x0], axis=-1))
        slope = data.q * task.slope(x)
        x, per_q, per_x0 = data.q * task.f(x), task.f(x) + slope * per_q, slope * per_x0
    return bound(np.stack(sensitivity, axis=1))


@pytest.mark.parametrize(
    ("name", "estimator", "factor"),
    [
        ("logistic[2.8,3.4]", "best-orbit", 1.05),
        ("logistic[2.8,3.4]", "errors-in-variables", 4.5),
        ("tent", "best-orbit", 1.1),
        ("tent", "errors-in-variables", 1.5),
    ],
)
def test_maps_against_the_bound(name, estimator, factor):
    task = tasks.get_task(name)
    data, x = with_error(task, 20_000, 0.03)
    error = (get_estimator(task, estimator)(x) - data.q) / (0.03 * task.scale[0])
    assert 0.95 < np.mean(error**2 / orbit_bound(task, data)) < factor


def test_best_orbit_attains_the_bound_on_chaotic_orbits_too():
    task = tasks.get_task("logistic[3.6,4]")
    data, x = with_error(task, 20_000, 0.01)
    exact = 0.01 * task.scale[0] * np.sqrt(orbit_bound(task, data))
    error = get_estimator(task, "best-orbit")(x) - data.q
    assert np.sqrt(np.mean(error**2)) == pytest.approx(np.sqrt(np.mean(exact**2)), rel=0.03)
    assert np.sqrt(np.mean((task.measure(x) - data.q) ** 2)) > 3 * np.sqrt(np.mean(exact**2))


def test_under_errors_that_the_map_carries_on_regression_beats_the_best_orbit():
    task = tasks.get_task("logistic[3.6,3.9]")
    data = task.sample(10_000, numpy_rng(0, "carried on"))
    x, rng = data.x.copy(), numpy_rng(1, "carried on")
    for t in range(1, 16):
        x[:, t] = task.advance(x[:, :t], data.q) + 0.03 * task.scale * rng.standard_normal((len(x), 1))
    spread = {name: np.std(get_estimator(task, name)(x) - data.q) for name in estimators_of(task)}
    assert spread["default"] < spread["errors-in-variables"] < 1.3 * spread["default"]
    assert spread["best-orbit"] > 1.5 * spread["default"]


def sensitivities(task, data, step=1e-5):
    """Derivatives of trajectories in units of the scale, `(N, errors, unknowns)`, in the quantity and the nuisance."""
    sides = []
    for k in range(1 + data.z.shape[1]):
        change = [np.concatenate([data.q[:, None], data.z], axis=1) for _ in (0, 1)]
        change[0][:, k] += step
        change[1][:, k] -= step
        up, down = (task.generate(part[:, 0], part[:, 1:]) for part in change)
        sides.append(((up - down) / (2 * step) / task.scale).reshape(len(data.q), -1))
    return np.stack(sides, axis=-1)


@pytest.mark.parametrize(
    ("name", "estimator", "n", "within"),
    [("henon[1,1.05]", "best-henon-orbit", 10_000, 0.06), ("van-der-pol", "best-motion", 2_000, 0.12)],
)
def test_new_systems_attain_the_bound(name, estimator, n, within):
    task, size = tasks.get_task(name), 0.003
    data, x = with_error(task, n, size)
    exact = bound(sensitivities(task, data))
    loss = ((get_estimator(task, estimator)(x) - data.q) / size) ** 2 / exact
    assert np.mean(loss) == pytest.approx(1, abs=within)


@pytest.mark.parametrize("name", ["pendulum-regular-state", "pendulum-chaotic-positions"])
def test_pendulum_attains_the_bound(name):
    task, size = tasks.get_task(name), 0.01
    data, x = with_error(task, 200, size)
    exact = bound(sensitivities(task, data))  # unknown are the energy, two angles, the direction of motion
    loss = ((get_estimator(task, "best-trajectory")(x) - data.q) / size) ** 2 / exact
    assert np.mean(loss) == pytest.approx(1, abs=0.35)  # of 200: a standard error of .1


@pytest.mark.parametrize(("name", "estimator"), sorted({row[:2] for row in EXACT}))
def test_what_cannot_be_read_is_nan_and_harms_nothing_else(name, estimator):
    task = tasks.get_task(name)
    read = get_estimator(task, estimator)
    _, x = with_error(task, 6, 0.03)
    alone = np.concatenate([read(x[i : i + 1]) for i in (0, 5)])
    broken = x.copy()
    broken[1, 0, 0], broken[4, -1, -1] = np.nan, np.inf
    q = read(broken)
    assert np.isnan(q[[1, 4]]).all() or estimator == "norm"  # a vector with an infinite part has an infinite norm
    assert np.isfinite(q[[2, 3]]).all()
    assert np.allclose(q[[0, 5]], alone, atol=1e-6)
    assert read(x[:0]).shape == (0,)


def test_series_that_tell_nothing_are_nan():
    assert np.isnan(get_estimator(tasks.get_task("sinusoid"), "nonlinear-least-squares")(np.zeros((2, 16, 1)))).all()
    for estimator in ("best-orbit", "errors-in-variables"):
        assert np.isnan(get_estimator(tasks.get_task("tent"), estimator)(np.zeros((2, 16, 1)))).all()
    clock = tasks.get_task("maze-umaze-speed")
    still = clock.sample(3, numpy_rng(0, "clock")).x
    still[1, :, 2] = 1.0
    still[2, :, 2] *= -1
    assert np.isnan(get_estimator(clock, "smoothed-length")(still)).tolist() == [False, True, True]
    pendulum = tasks.get_task("pendulum-regular-state")
    assert np.isnan(get_estimator(pendulum, "best-trajectory")(np.full((1, 64, 4), 1e9))).all()


@pytest.mark.parametrize("name", tasks.FAMILIES)
def test_every_system_has_a_second_estimator(name):
    task = tasks.get_task(name)
    assert estimators_of(task)[0] == "default"
    # errors in the arm's steps hardly shift the longest of them
    assert len(estimators_of(task)) > 1 or name == "arm-steps"


def test_default_is_the_measurement_of_the_task():
    task = tasks.get_task("tent")
    for name in ("", "default"):
        assert get_estimator(task, name) == task.measure


@pytest.mark.parametrize(
    ("task", "name", "hint"),
    [
        ("logistic", "best-orbits", "did you mean 'best-orbit'"),
        ("sinusoid", "nonlinear-least-square", "did you mean 'nonlinear-least-squares'"),
        ("sinusoid", "best-orbit", "choose one of: default, nonlinear-least-squares"),
        ("arm-steps", "smoothed-peak", "choose one of: default"),
    ],
)
def test_unknown_names(task, name, hint):
    with pytest.raises(PhyslibError, match=hint):
        get_estimator(tasks.get_task(task), name)


def test_the_table_names_classes_of_tasks():
    assert ESTIMATORS["nonlinear-least-squares"].tasks is Sinusoid
    assert all(issubclass(estimator.tasks, tasks.Task) for estimator in ESTIMATORS.values())
