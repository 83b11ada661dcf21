"""Intervals of forecasts against their definition: nominal coverage, the score's optimum, planted extremes."""

import numpy as np
import pytest

from physlib.core.rng import numpy_rng
from physlib.stats.extremes import extremes, extremes_found
from physlib.stats.histogram import flat_mass
from physlib.stats.intervals import coverage, interval_score, misfit, predictive_interval


def test_an_interval_covers_what_it_says():
    rng, n = numpy_rng(0, "cover"), 20_000
    truth, hits = flat_mass(), []
    for _ in range(300):
        seeds = rng.normal(0, 0.004, (4, truth.size)) * (truth > 0)  # three pilots and the new run, seeds of one law
        members = truth + seeds[:3]
        mass, new = members.mean(axis=0), truth + seeds[3] + rng.normal(0, 0.003, truth.size) * (truth > 0)
        sample = rng.multinomial(n, np.clip(new, 0, None) / np.clip(new, 0, None).sum()) / n
        low, high = predictive_interval(mass, n, np.zeros(truth.size), members, np.full(truth.size, 0.003), 10**6)
        inner = truth > 0
        hits.append(coverage(low[inner], high[inner], sample[inner]))
    assert 0.93 < np.mean(hits) < 0.985  # three pilots tell a variance badly, and Student knows it


def test_the_score_is_least_at_the_quantiles():
    x = numpy_rng(0, "score").standard_normal(200_000)
    scores = {
        half: interval_score(np.full(x.size, -half), np.full(x.size, half), x) for half in (1.0, 1.6, 1.96, 2.4, 4.0)
    }
    assert min(scores, key=scores.get) == 1.96
    assert interval_score(np.array([0.0]), np.array([1.0]), np.array([1.5])) == pytest.approx(1 + 40 * 0.5)


def test_peaks_and_troughs_are_found():
    shift = np.zeros(20)
    shift[[4, 15]], shift[[9, 18]] = (1.0, 0.6), (-0.8, -0.5)
    peaks, troughs = extremes(shift)
    assert [abs(a - b) for a, b in zip(peaks, (4, 15), strict=True)] <= [1, 1]
    assert [abs(a - b) for a, b in zip(troughs, (9, 18), strict=True)] <= [1, 1]


def test_a_shuffled_forecast_finds_extremes_by_chance_only():
    rng = numpy_rng(0, "extremes")
    smooth = np.convolve(rng.standard_normal(24), np.ones(5) / 5, mode="valid")
    for distance, chance in extremes_found(smooth, smooth, rng, 500):
        assert distance == 0
        assert chance < 0.1
    levels = [[p for _, p in extremes_found(rng.permutation(smooth), smooth, rng, 100)] for _ in range(60)]
    for kind in np.transpose(levels):
        assert 0.3 < np.mean(kind) < 0.8


def test_errors_elsewhere_grow_with_the_shift_that_is_forecast():
    flat, wave = flat_mass(), np.zeros_like(flat_mass())
    wave[1:21] = 0.01 * np.sin(np.arange(20) * np.pi / 5)
    expected, observed = (flat + wave)[None], (flat + 1.5 * wave)[None]
    errors = misfit(flat + 2 * wave, expected, observed)
    assert np.sqrt(np.mean(errors**2)) == pytest.approx(
        np.sqrt(np.mean(wave**2))
    )  # half of the shift there, twice that here
    assert np.allclose(misfit(flat, flat[None], observed) ** 2 * 2, (1.5 * wave) ** 2 + np.mean((1.5 * wave) ** 2))
    assert not misfit(flat + wave, expected, expected).any()
