"""Observations of runs made by hand."""

import math

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from physlib import tasks
from physlib.evaluation.shift import filter_change, filter_shift, observed, over_seeds, resampled_mass, shift_distances
from physlib.runs.presets import resolve
from physlib.runs.store import Result
from physlib.runs.summary import summarise
from physlib.stats.distances import distances_from_prior, shift_report
from physlib.stats.intervals import mean_interval

RING = tasks.get_task("ring")  # radius 1 to 2, 20 bins
CENTRES = 1.025 + 0.05 * np.arange(20)


def run(q, residual):
    measured = {"q": np.array(q), "residual": np.array(residual)}
    summary, facts = summarise(RING, measured, RING.sample(1, np.random.default_rng(0)).x)
    return Result(resolve("tent", "diffusion-mlp", "laptop", 0), summary | measured, facts)


def test_a_flat_plausible_run_has_no_shift():
    seen = observed(RING, run(CENTRES, np.zeros(20)))
    assert seen == pytest.approx((0, 0, 1, 0, 0), abs=1e-12)


def test_half_of_the_mass_above_the_range_and_implausible():
    q = np.concatenate([CENTRES, np.full(20, 3.0)])
    seen = observed(RING, run(q, np.repeat([0.0, 1e3], 20)))
    assert seen.shift == pytest.approx(0.5)
    assert seen.change == pytest.approx(0.75)
    assert (seen.plausible, seen.shift_plausible) == pytest.approx((0.5, 0))
    assert seen.change_plausible == pytest.approx(0)


def test_a_filter_that_keeps_half_of_the_bins():
    kept = np.where(np.arange(20) < 10, 0.0, 1e3)
    assert filter_shift(run(CENTRES, kept)) == pytest.approx(0.5)
    assert filter_shift(run(CENTRES, np.zeros(20))) == pytest.approx(0)
    assert math.isnan(filter_shift(run(CENTRES, np.full(20, 1e3))))
    assert filter_change(RING, run(CENTRES, kept)) == pytest.approx(-0.25)  # the lower half of 1 to 2 is left


def test_distances_are_those_of_the_samples():
    q = np.random.default_rng(0).uniform(1, 2.2, 4_000)
    report = shift_distances(run(q, np.zeros(4_000)), np.random.default_rng(1))
    distances = distances_from_prior(q, RING.prior.quantile, RING.prior.cdf)
    assert report == pytest.approx(shift_report(RING.bins.counts(q), *distances, np.random.default_rng(1)))
    assert report.w1 == pytest.approx(0.1, abs=0.01)  # a uniform law stretched from 1 to 1.2


def test_without_a_plausible_sample_its_mean_is_not_a_number_and_failures_are_left_out_of_means():
    seen = observed(RING, run([1.5, 1.7, np.nan, np.nan], np.full(4, 1e3)))
    assert seen.change == pytest.approx(0.1)
    assert seen.plausible == 0
    assert math.isnan(seen.change_plausible)
    assert math.isnan(seen.shift_plausible)


def test_interval_over_seeds_is_students():
    values = [0.2, 0.5, 0.4]
    mean, low, high = mean_interval(values)
    expected = ttest_1samp(values, 0).confidence_interval(0.95)
    assert (mean, low, high) == pytest.approx((np.mean(values), expected.low, expected.high))
    assert math.isnan(mean_interval([1.0])[1])
    shifts = over_seeds(RING, [run(CENTRES, np.zeros(20)), run(CENTRES + 1, np.zeros(20))])["shift"]
    assert shifts[0] == pytest.approx(0.5)


def test_an_empty_bin_of_probes_is_left_out():
    counts = np.zeros((2, 23, 20), dtype=np.int32)
    counts[:, np.arange(1, 20), np.arange(19)] = 5  # nothing fell in the last bin; the rest stayed where they were
    run = Result(resolve("tent", "diffusion-mlp", "laptop", 0), {"probe_counts": counts}, {})
    masses, noise = resampled_mass(run)
    assert np.allclose(masses[:, 1:20], 1 / 19)
    assert np.allclose(noise, 0)
