"""Histograms and distances against closed forms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from physlib.core.rng import numpy_rng
from physlib.stats.distances import distances_from_prior, shift_r2, shift_report, total_variation, tv_floor
from physlib.stats.histogram import Bins, flat_mass
from physlib.stats.intervals import basic_interval
from physlib.stats.nearest import nearest
from physlib.tasks.priors import Flat


def test_every_value_is_counted_once():
    q = np.array([-1.0, 0.0, 0.049, 0.05, 0.5, 1.0, 1.01, np.nan, np.inf, -np.inf])
    counts = Bins.uniform(0.0, 1.0).counts(q)
    assert counts.sum() == q.size
    assert counts[0] == 1
    assert counts[1] == 2  # the lower end belongs to the range
    assert counts[20] == 1  # and the upper one too
    assert counts[21] == 1
    assert counts[22] == 3  # what is not finite has failed, infinite values too


@given(st.lists(st.floats(-10, 10), min_size=1), st.floats(-5, 4), st.floats(0.1, 5))
def test_inner_bins_agree_with_numpy(values, lo, width):
    q, hi = np.array(values), lo + width
    counts = Bins.uniform(lo, hi).counts(q)
    inside = (q >= lo) & (q <= hi)
    assert counts[1:-2].sum() == inside.sum()
    # rounding may put a value on an edge into either of its bins, so compare away from edges
    position = (q[inside] - lo) / width * 20
    clear = np.abs(position - np.rint(position)) > 1e-6
    expected, _ = np.histogram(q[inside][clear], bins=20, range=(lo, hi))
    assert np.array_equal(Bins.uniform(lo, hi).counts(q[inside][clear])[1:-2], expected)


def test_total_variation_of_disjoint_and_equal_laws():
    flat = flat_mass()
    outside = np.zeros_like(flat)
    outside[0] = 1
    assert total_variation(flat, flat) == 0
    assert total_variation(flat, outside) == pytest.approx(1)


def test_floor_is_the_mean_absolute_deviation_of_binomial_counts():
    n, p = 20_000, 1 / 20
    k = np.arange(n + 1)
    exact = 0.5 * 20 * np.sum(binom.pmf(k, n, p) * np.abs(k / n - p))
    assert tv_floor(flat_mass(), n) == pytest.approx(exact, rel=2e-3)


def test_floor_of_two_samples_by_simulation():
    rng, flat = numpy_rng(0, "test"), flat_mass()
    a, b = rng.multinomial(2000, flat, 4000) / 2000, rng.multinomial(5000, flat, 4000) / 5000
    simulated = 0.5 * np.abs(a - b).sum(axis=1).mean()
    assert tv_floor(flat, 2000, 5000) == pytest.approx(simulated, rel=0.01)


def test_r2_without_and_with_sampling_noise():
    rng, law = numpy_rng(0, "r2"), np.zeros(23)
    law[1:-2] = np.linspace(0.6, 1.4, 20) / 20
    half = (law + flat_mass()) / 2
    assert shift_r2(law, law) == pytest.approx(1)
    assert shift_r2(flat_mass(), law) == pytest.approx(0)
    assert shift_r2(half, law) == pytest.approx(0.75)
    assert np.isnan(shift_r2(law, flat_mass()))
    assert np.isnan(shift_r2(half, law, 1_000))  # under twice the floor
    # estimated from samples on both sides, the plain share is too low and the corrected one right on average
    n, plain, corrected = 5_000, [], []
    for _ in range(400):
        mass, observed = rng.multinomial(n, half) / n, rng.multinomial(n, law) / n
        plain.append(shift_r2(mass, observed))
        corrected.append(shift_r2(mass, observed, n, mass * (1 - mass) / n))
    assert np.mean(plain) < 0.65
    assert np.mean(corrected) == pytest.approx(0.75, abs=0.02)


def test_report_on_a_shifted_uniform():
    # uniform on [.1, 1.1] against uniform on [0, 1]: TV .1, W1 .1, KS .1
    q = 0.1 + (np.arange(200_000) + 0.5) / 200_000
    prior = Flat(0.0, 1.0)
    distances = distances_from_prior(q, prior.quantile, prior.cdf)
    report = shift_report(prior.bins().counts(q), *distances, numpy_rng(0, "test"))
    assert report.tv == pytest.approx(0.1, abs=1e-4)
    assert report.w1 == pytest.approx(0.1, abs=1e-4)
    assert report.ks == pytest.approx(0.1, abs=1e-4)
    assert report.tv_lo < report.tv_hi


def test_bootstrap_interval_covers_the_true_distance():
    """Where most bins have moved, as in the book's runs; the percentile interval sits above the truth and misses it."""
    rng = numpy_rng(1, "coverage")
    position = np.linspace(-1, 1, 20)
    law = np.zeros(23)
    law[1:-2] = 1.1 - 0.5 * position**2
    law[[0, -2]] = 0.3
    law /= law.sum()
    truth = total_variation(law, flat_mass())
    basic = percentile = 0
    for _ in range(400):
        mass = rng.multinomial(20_000, law) / 20_000
        tv = total_variation(mass, flat_mass())
        draws = 0.5 * np.abs(rng.multinomial(20_000, mass, size=400) / 20_000 - flat_mass()).sum(axis=1)
        low, high = basic_interval(draws, tv)
        basic += low <= truth <= high
        percentile += np.quantile(draws, 0.025) <= truth <= np.quantile(draws, 0.975)
    assert basic >= 0.9 * 400
    assert percentile < basic


def test_the_nearest_of_a_set_is_found():
    rng = numpy_rng(0, "nearest")
    x, known = rng.standard_normal((20, 4, 3)), rng.standard_normal((50, 4, 3))
    apart = np.sqrt(((x[:, None] - known[None]) ** 2).sum(axis=(2, 3)))
    assert np.allclose(nearest(x, known), apart.min(axis=1))
    assert not nearest(known[:5], known).any()
