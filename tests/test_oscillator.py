"""The Henon map and Van der Pol's oscillator against published values."""

import dataclasses

import numpy as np
import pytest

from physlib import tasks
from physlib.core.rng import numpy_rng
from physlib.tasks.henon import CONTRACTION, Henon
from physlib.tasks.oscillator import DT, VanDerPol


class LongHenon(Henon):
    info = dataclasses.replace(Henon.info, steps=200_000)


class LongVanDerPol(VanDerPol):
    info = dataclasses.replace(VanDerPol.info, steps=1_200)


def test_henon_has_its_published_lyapunov_exponents():
    """.419 and -1.623 nats for a = 1.4, b = .3: A. Wolf et al., Determining Lyapunov exponents (1985), table 1."""
    x = LongHenon().generate(np.array([1.4]), np.array([[0.1, 0.1]]))[0, :, 0]
    direction, growth = np.array([1.0, 0.0]), 0.0
    for value in x[100:]:
        direction = np.array([-2 * 1.4 * value * direction[0] + CONTRACTION * direction[1], direction[0]])
        length = np.linalg.norm(direction)
        growth, direction = growth + np.log(length), direction / length
    assert growth / (len(x) - 100) == pytest.approx(0.419, abs=0.004)


def test_henon_falls_on_its_fixed_point_where_that_is_stable():
    """x = (b - 1 + sqrt((1 - b)^2 + 4 a)) / 2a is stable for a below .3675."""
    a = 0.3
    x = LongHenon().generate(np.array([a]), np.array([[0.1, -0.1]]))[0, -1, 0]
    assert x == pytest.approx((CONTRACTION - 1 + np.sqrt((1 - CONTRACTION) ** 2 + 4 * a)) / (2 * a))


@pytest.mark.parametrize(
    ("damping", "period", "amplitude"), [(0.1, 2 * np.pi * (1 + 0.1**2 / 16), 2.0001), (1.0, 6.66328686, 2.00862)]
)
def test_van_der_pol_has_its_published_period_and_amplitude(damping, period, amplitude):
    """To second order in small damping, and for q = 1 as tabulated by C. Andersen and J. Geer (1982)."""
    x, _ = LongVanDerPol().generate(np.array([damping]), np.array([[2.0, 0.0]]))[0, 200:].T
    up = np.flatnonzero((x[:-1] < 0) & (x[1:] >= 0))
    # the zero of the cubic through both values and slopes, to second order the secant with the mean slope
    crossing = (up - x[up] / (x[up + 1] - x[up])) * DT
    assert np.diff(crossing).mean() == pytest.approx(period, abs=2e-3)
    assert np.abs(x).max() == pytest.approx(amplitude, abs=0.015)


def test_van_der_pol_without_damping_is_a_circle():
    path = VanDerPol().generate(np.array([0.0]), np.array([[1.5, 0.3]]))[0]
    assert np.hypot(*path.T) == pytest.approx(1.5, abs=1e-7)


@pytest.mark.parametrize("name", ["henon", "van-der-pol"])
@pytest.mark.parametrize("prior", tasks.PRIORS)
def test_the_parameter_is_recovered_and_data_are_plausible(name, prior):
    task = tasks.get_task(name, prior)
    data = task.sample(20_000, numpy_rng(0, name))
    assert np.abs(task.measure(data.x) - data.q).max() < 5e-4
    assert task.residual(data.x).max() < 2e-3 < task.info.threshold


def test_a_wrong_parameter_in_the_middle_of_a_path_is_not_plausible():
    for task in (Henon(), VanDerPol()):
        q, z = np.full(50, task.prior.mean), task.nuisance(np.full(50, task.prior.mean), numpy_rng(0, "z"))
        x = task.generate(q, z)
        half = x.shape[1] // 2
        x[:, half:] += 0.3 * task.scale
        assert np.median(task.residual(x)) > 5 * np.median(task.residual(task.generate(q, z)) + 1e-3)
