"""Priors against quadrature and their own definitions, and tasks that are drawn under them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import kstest, norm

from physlib import tasks
from physlib.core.errors import PhyslibError
from physlib.core.rng import numpy_rng
from physlib.stats.histogram import flat_mass
from physlib.tasks import PRIORS

SMOOTH = ("cosine", "gaussian")
each = pytest.mark.parametrize("name", PRIORS)


def made(name):
    return PRIORS[name](0.5, 3.0)


@each
def test_density_distribution_function_and_moments_agree(name):
    prior = made(name)
    density = lambda q: float(np.exp(prior.log_density(np.float64(q))))  # noqa: E731
    total = quad(density, 0.5, 3)[0]
    for q in (0.6, 1.2, 1.75, 2.9):
        assert prior.cdf(q) == pytest.approx(quad(density, 0.5, q)[0] / total, abs=1e-9)
    assert quad(lambda q: q * density(q), 0.5, 3)[0] / total == pytest.approx(prior.mean)
    spread = quad(lambda q: (q - prior.mean) ** 2 * density(q), 0.5, 3)[0] / total
    assert prior.variance == pytest.approx(spread)


@each
@given(st.floats(0, 1))
def test_quantiles_invert_the_distribution_function(name, p):
    prior = made(name)
    assert prior.cdf(prior.quantile(np.array([p]))) == pytest.approx(p, abs=1e-9)


@pytest.mark.parametrize("name", SMOOTH)
def test_the_ends_are_thin(name):
    prior, thin = made(name), {"cosine": 0.0, "gaussian": np.exp(-2)}[name]
    ends, middle = np.exp(prior.log_density(np.array([0.5, 3.0]))), np.exp(prior.log_density(np.array([1.75])))
    assert ends == pytest.approx(thin * np.repeat(middle, 2), abs=1e-12)


@each
@settings(max_examples=30)
@given(u=st.floats(-0.5, 1.5), width=st.floats(0.02, 2))
def test_the_posterior_mean_is_the_integral(name, u, width):
    prior = PRIORS[name](0.0, 1.0)
    density = lambda q: norm.pdf((u - q) / width) * np.exp(prior.log_density(np.float64(q)))  # noqa: E731
    spots = np.clip([u - 3 * width, u, u + 3 * width], 0, 1)
    total = quad(density, 0, 1, points=spots)[0]
    if total < 1e-12:  # a reading that the prior all but rules out
        return
    exact = quad(lambda q: q * density(q), 0, 1, points=spots)[0] / total
    assert prior.posterior_mean(np.array([u]), width)[0] == pytest.approx(exact, abs=2e-4)


@each
def test_each_bin_holds_the_same_share(name):
    prior = made(name)
    bins = prior.bins()
    assert np.array_equal(bins.reference, flat_mass())
    assert bins.mass(prior.quantile((np.arange(100_000) + 0.5) / 100_000)) == pytest.approx(flat_mass(), abs=1e-4)


def test_only_the_bins_of_a_smooth_prior_are_open():
    beyond = np.array([0.0, 9.0, np.inf, np.nan])
    assert np.flatnonzero(made("flat").bins().counts(beyond)).tolist() == [0, 21, 22]
    assert np.flatnonzero(made("cosine").bins().counts(beyond)).tolist() == [1, 20, 22]


@pytest.mark.parametrize("name", ["logistic~cosine", "tent[1.3,1.7]~gaussian", "sinusoid~cosine", "ring~gaussian"])
def test_demonstrations_follow_the_prior(name):
    task = tasks.get_task(name)
    assert task.name == name
    q = task.sample(50_000, numpy_rng(0, "prior")).q
    assert kstest(q, task.prior.cdf).pvalue > 1e-4
    assert kstest(q, PRIORS["flat"](task.lo, task.hi).cdf).pvalue < 1e-9


@pytest.mark.parametrize("name", ["maze-umaze~cosine", "pendulum-regular-state~gaussian"])
def test_stratified_demonstrations_follow_the_prior_closely(name):
    task = tasks.get_task(name)
    q = task.sample(2_000, numpy_rng(0, "prior")).q
    assert kstest(q, task.prior.cdf).statistic < 1 / 2_000
    assert np.sum(task.bins.mass(task.draw(2_000, numpy_rng(1, "bank")).q) - flat_mass()) == pytest.approx(0)


@pytest.mark.parametrize("name", ["ring~cosine", "ring-polar~gaussian", "ring[0.5,3]"])
def test_the_ring_knows_its_scale(name):
    task = tasks.get_task(name)
    assert task.scale == pytest.approx(task.sample(400_000, numpy_rng(0, "scale")).x.std(axis=(0, 1)), rel=5e-3)


def test_a_prior_is_named_in_the_task_or_beside_it():
    assert tasks.get_task("logistic", prior="cosine") is tasks.get_task("logistic~cosine")
    assert tasks.get_task("logistic", prior="flat") is tasks.get_task("logistic")
    with pytest.raises(PhyslibError, match="cosine"):
        tasks.get_task("logistic~cosin")
    with pytest.raises(PhyslibError, match="give one of them"):
        tasks.get_task("logistic~cosine", prior="gaussian")
