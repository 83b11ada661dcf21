"""What an audit says before training: closed forms of forecast, representations, sensitivity and calibration."""

import numpy as np
import pytest
from scipy.stats import rice

from physlib.audit import audit, representation
from physlib.forecasting.forecast import forecast
from physlib.kernels import InRepresentation, Isotropic, Smooth
from physlib.tasks.representations import SineCosine, StateWithVelocities
from tests.test_audit import STEPS, curves, demonstrations


@pytest.fixture(scope="module")
def demos():
    return demonstrations(curves(20_000, np.random.default_rng(1)))


def test_forecast_of_a_distance_is_the_law_of_rice():
    """A point at distance r, both ends off by sigma: the measured distance follows Rice's law with sqrt(2) sigma."""
    rng = np.random.default_rng(6)
    radius, angle = rng.uniform(1, 2, 20_000), rng.uniform(0, 2 * np.pi, 20_000)
    end = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    ring = demonstrations(np.stack([0 * end, end], axis=1), "displacement")
    pushed = forecast(ring, Isotropic(0.1), 100_000)
    sigma = np.sqrt(2) * 0.1 * ring.scale.mean()
    law = np.mean([np.diff(rice.cdf(ring.bins.edges, r / sigma, scale=sigma)) for r in radius[:4_000]], axis=0)
    assert np.allclose(pushed.mass[1:-2], law, atol=0.003)
    at = (ring.bins.edges[1:] + ring.bins.edges[:-1]) / 2
    assert np.allclose(pushed.drift, rice.mean(at / sigma, scale=sigma) - at, atol=0.006)


def test_transition_takes_the_intended_mass_to_the_forecast(demos):
    pushed = forecast(demos, Isotropic(0.02), 20_000)
    assert np.allclose(pushed.transition @ demos.bins.reference, pushed.mass)
    assert np.allclose(pushed.transition.sum(axis=0), 1)


def test_state_with_velocities_is_the_least_squares_path():
    """Its error has the inverse of the normal matrix as covariance (Gauss and Markov)."""
    x = np.random.default_rng(7).standard_normal((20_000, 6, 1)).cumsum(axis=1)
    demos = demonstrations(x)
    chart = StateWithVelocities(demos.scale, np.diff(x, axis=1).std(axis=(0, 1)))
    error = InRepresentation(chart, chart.spread(x), 0.1).deviate(demos, x, np.random.default_rng(8)) - x
    difference = np.diff(np.eye(6), axis=0)
    normal = np.eye(6) / demos.scale[0] ** 2 + difference.T @ difference / np.diff(x[..., 0], axis=1).var()
    assert np.allclose(np.cov(error[..., 0].T), 0.01 * np.linalg.inv(normal), atol=2e-3)


def test_steps_store_a_path_length_better_than_positions(demos):
    ranked = {r.name: r for r in representation.rank(demos, (), 0)}
    assert ranked["increments"].tv < ranked["as given"].tv / 10
    # a straight step of length d that is off by sigma across itself grows by sigma^2 / d, in the plane
    sigma, step = 0.002 * demos.scale.mean(), demos.loaded.q / (STEPS - 1)
    grown = forecast(demos, Isotropic(0.002), 20_000).mean_shift
    assert grown == pytest.approx(np.mean((STEPS - 1) * sigma**2 / step), rel=0.1)


def test_angles_as_sine_and_cosine_do_not_jump():
    x = np.random.default_rng(9).uniform(-0.1, 0.1, (2_000, 20, 1)).cumsum(axis=1) + 3.1
    chart = SineCosine([0])
    error = InRepresentation(chart, chart.spread(x), 0.05).deviate(demonstrations(x), x, np.random.default_rng(0)) - x
    assert 0.01 < np.abs(error).max() < 0.5


def test_sensitivity_finds_where_the_quantity_looks():
    found = audit(curves(2_000, np.random.default_rng(10)), "displacement").sensitivity
    assert set(np.argsort(found.slope.mean(axis=1))[-2:]) == {0, len(found.windows) - 1}
    assert found.slope[5:-5].max() < 1e-9


def test_residuals_set_size_and_spectrum_of_the_forecast(demos):
    x = demos.kept.x[:5_000]
    error = Smooth(0.03, 3.0).deviate(demos, np.zeros_like(x), np.random.default_rng(11))
    done = audit(x, "path_length", residuals=error)
    assert np.allclose(done.forecast.typical.kernel.size, 0.03 * demos.scale, rtol=0.02)
    own = forecast(demos, Smooth(0.03, 3.0), 20_000)
    assert done.forecast.typical.mean_shift == pytest.approx(own.mean_shift, rel=0.1)
    assert "residuals" in done.summary()
