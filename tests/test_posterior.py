"""Ideal denoisers against closed forms: projections, truncated normals, finite sets."""

import numpy as np
import pytest

from physlib import kernels, tasks
from physlib.core.errors import PhyslibError
from physlib.core.rng import numpy_rng
from physlib.forecasting.forecast import forecast
from physlib.kernels.ideal_denoiser import SWEEPS, chain_mean, ideal_denoiser, set_mean
from physlib.kernels.scaled import sensitivity, typical
from physlib.tasks.priors import PRIORS, Flat

FLAT = Flat(-np.inf, np.inf).log_density


def test_a_chain_projects_on_a_plane():
    rng = numpy_rng(0, "plane")
    plane, s, n = rng.standard_normal((2, 7)), 0.3, 4_000
    start = rng.standard_normal((n, 2))
    noise = s * rng.standard_normal((n, 7))
    found = chain_mean(
        lambda p: p @ plane, start, np.full((2, 2), [-np.inf, np.inf]), start @ plane + noise, s, rng, FLAT
    )
    exact = start @ plane + noise @ np.linalg.pinv(plane) @ plane
    spread = np.sqrt(2 / 7) * s  # of the posterior, per entry
    assert np.sqrt(np.mean((found - exact) ** 2)) < spread * 4 / np.sqrt(SWEEPS)  # one step in sixteen counts
    assert abs(np.mean(found - exact)) < 0.01 * s


@pytest.mark.parametrize("name", PRIORS)
@pytest.mark.parametrize("s", [0.05, 0.3, 2.0])
def test_a_chain_stays_within_the_prior(name, s):
    prior, rng, n = PRIORS[name](0.0, 1.0), numpy_rng(1, "line"), 20_000
    start = prior.quantile(rng.uniform(0, 1, (n, 1)))
    noisy = start + s * rng.standard_normal((n, 1))
    found = chain_mean(lambda p: p, start, np.array([[0.0, 1.0]]), noisy, s, rng, prior.log_density)
    exact = prior.posterior_mean(noisy[:, 0], s)
    assert found.min() >= 0
    assert found.max() <= 1
    low, high = noisy[:, 0] < 0.2, noisy[:, 0] > 0.8
    for part in (low, high):
        assert np.mean(found[part, 0] - exact[part]) == pytest.approx(0, abs=0.01)


def test_a_set_of_two_is_a_logistic_curve():
    known = np.array([[0.0, 0.0], [1.0, 2.0]])
    noisy = numpy_rng(0, "two").standard_normal((5_000, 2))
    weight = 1 / (1 + np.exp(-(noisy @ known[1] - 2.5) / 0.7**2))
    assert np.allclose(set_mean(known, noisy, 0.7), weight[:, None] * known[1])
    assert np.allclose(set_mean(known, known + 0.1, 0.01), known)


@pytest.mark.parametrize("name", ["tent", "logistic"])
def test_particles_leave_the_error_of_two_fitted_numbers(name):
    """Where noise is small the rule is a plane of two dimensions, and the posterior mean the projection on it."""
    task, rng, s = tasks.get_task(name), numpy_rng(0, "small noise"), 0.005
    data = task.sample(1_000, rng)
    noisy = data.x + s * task.scale * rng.standard_normal(data.x.shape)
    error = (ideal_denoiser(task, data, noisy, s, rng) - data.x) / task.scale
    assert np.sqrt(np.mean(error**2)) / s == pytest.approx(np.sqrt(2 / 16), rel=0.06)


def test_an_ideal_denoiser_of_the_ring_shortens_what_noise_lengthens():
    ring = tasks.get_task("ring")
    rng = numpy_rng(0, "ring")
    data = ring.sample(20_000, rng)
    moved = kernels.NoiseContractX(0.3, 0.3).push(ring, data, rng) - data.q
    noise = kernels.Isotropic(0.3).push(ring, data, rng) - data.q
    assert moved.mean() < noise.mean()
    top = data.q > 1.9
    assert moved[top].mean() < 0 < noise[top].mean()


def test_a_window_knows_less_than_the_whole():
    task = tasks.get_task("logistic")
    drifts = [forecast(task, k, 4_000).drift[-1] for k in (kernels.NoiseContractX(0.04, 0.04), kernels.Patch(0.04))]
    assert drifts[1] < drifts[0] < 0.01
    with pytest.raises(PhyslibError, match="makes steps"):
        forecast(tasks.get_task("ring"), kernels.Patch(0.1), 1_000)


def test_size_follows_the_gradient():
    polar, ring = tasks.get_task("ring-polar"), tasks.get_task("ring")
    x = polar.sample(1_000, numpy_rng(0, "x")).x
    assert np.allclose(sensitivity(polar, x), polar.scale[0])
    assert typical(ring, kernels.StateScale) == pytest.approx(ring.scale[0])
    task = tasks.get_task("sinusoid")
    data = task.sample(20_000, numpy_rng(0, "s"))
    change = kernels.StateScale(0.1).deviate(task, data.x, numpy_rng(1, "e")) - data.x
    size = np.sqrt(np.mean(change**2, axis=(1, 2))) / task.scale[0]
    assert np.sqrt(np.mean(size**2)) == pytest.approx(0.1, rel=0.05)
    assert np.corrcoef(np.log(size), np.log(sensitivity(task, data.x)))[0, 1] > 0.8


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (kernels.Contract(0.07), kernels.NoiseContract(0.07, 0.07)),
        (kernels.Shrink(0.07), kernels.ShrinkAndBlur(0.07, 0.07)),
    ],
)
def test_one_number_is_two_alike(one, two):
    task = tasks.get_task("tent")
    data = task.sample(5_000, numpy_rng(0, "d"))
    assert np.array_equal(one.push(task, data, numpy_rng(1, "p")), two.push(task, data, numpy_rng(1, "p")))
