"""Forecasts as linear maps, scores at their fixed points, fits that find planted numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from physlib import kernels, tasks
from physlib.core.errors import PhyslibError
from physlib.core.rng import numpy_rng
from physlib.forecasting.fit import AXES, MonteCarloBudget, family_table, fit
from physlib.forecasting.forecast import forecast
from physlib.forecasting.score import score
from physlib.stats.distances import total_variation, tv_floor
from physlib.stats.histogram import bin_counts, flat_mass

TENT = tasks.get_task("tent")
EFFORT = MonteCarloBudget(nodes=9, draws=40_000, final=100_000)


@pytest.mark.parametrize("kernel", [kernels.Isotropic(0.1), kernels.NoiseContract(0.1, 0.1), kernels.Blur(0.1)])
def test_transition_is_stochastic_and_carries_the_prior_to_the_mass(kernel):
    answer = forecast(TENT, kernel, 50_000)
    assert np.allclose(answer.transition.sum(axis=0), 1)
    assert np.allclose(answer.transition @ np.full(20, 1 / 20), answer.mass)
    assert np.all(2 * answer.spread >= answer.drift**2)  # a second moment is at least the square of the first


def test_no_shift_is_exactly_flat():
    answer = forecast(TENT, kernels.NoShift(), 10_000)
    assert np.array_equal(answer.mass, flat_mass())
    assert not answer.drift.any()


def test_chunks_do_not_change_the_law():
    a, b = (forecast(TENT, kernels.Isotropic(0.1), draws, seed) for draws, seed in ((350_000, 0), (90_000, 1)))
    assert total_variation(a.mass, b.mass) < 3 * tv_floor(a.mass, a.draws, b.draws)


def test_failed_measurements_are_counted():
    class Fails(kernels.Kernel):
        name = "fails"

        def push(self, task, data, rng):
            return np.where(data.q < 1.4, np.nan, data.q)

    answer = forecast(TENT, Fails(), 20_000)
    assert answer.mass[-1] == pytest.approx(0.25, abs=0.01)
    assert answer.mass.sum() == pytest.approx(1)
    assert np.isfinite(answer.drift).all()


def test_interval_holds_samples_of_the_same_law():
    answer = forecast(TENT, kernels.Isotropic(0.1), 200_000)
    low, high = answer.interval(20_000)
    draws = numpy_rng(0, "s").multinomial(20_000, answer.mass, size=500) / 20_000
    inside = ((draws >= low) & (draws <= high))[:, answer.mass > 1e-3]
    assert inside.mean() == pytest.approx(0.95, abs=0.02)


def test_main_transfers_are_real_and_net():
    answer = forecast(TENT, kernels.Isotropic(0.2), 50_000)
    for i, j, share in answer.main_transfers():
        assert share > 0
        assert j != i + 1


def test_too_few_draws_are_refused():
    with pytest.raises(PhyslibError, match="1000"):
        forecast(TENT, kernels.Isotropic(0.1), 10)


def counts_of(kernel, n=20_000, seed=1):
    data = TENT.sample(n, numpy_rng(seed, "obs"))
    return bin_counts(kernel.push(TENT, data, numpy_rng(seed, "push")), TENT.lo, TENT.hi)


def test_scores_of_the_true_law_and_of_no_shift():
    kernel = kernels.NoiseContract(0.2, 0.1)
    counts = counts_of(kernel, n=200_000)
    exact = score(counts, forecast(TENT, kernel, 400_000).mass, 400_000)
    assert exact.corr > 0.97
    assert exact.r2 > 0.95
    assert exact.sign == 1
    assert exact.skill > 0.85
    nothing = score(counts, flat_mass(), 10**6)
    assert nothing.r2 == pytest.approx(0)
    assert abs(nothing.skill) < 0.02
    assert np.isnan(nothing.corr)


def test_skill_is_undefined_without_a_shift():
    counts = numpy_rng(0, "flat").multinomial(20_000, flat_mass())
    assert np.isnan(score(counts, flat_mass(), 10**6).skill)


@given(st.floats(0.05, 0.9))
def test_r2_of_a_part_of_the_shift(share):
    # a forecast of share a of the shift leaves (1 - a)^2 of its square
    counts = np.zeros(23, dtype=int)
    counts[1:-2] = np.linspace(500, 1500, 20).astype(int)
    observed = counts / counts.sum()
    found = score(counts, flat_mass() + share * (observed - flat_mass()), 10**6)
    assert found.r2 == pytest.approx(1 - (1 - share) ** 2)
    assert found.corr == pytest.approx(1)


@pytest.mark.parametrize(
    ("family", "planted"),
    [("isotropic", {"s": 0.11}), ("shrink-and-blur", {"a": 0.13, "b": 0.05}), ("blur", {"b": 0.05})],
)
def test_fit_finds_planted_numbers(family, planted):
    observed = forecast(TENT, kernels.FAMILIES[family](**planted), 400_000, seed=9).mass
    found = fit([(family_table(TENT, family, EFFORT), observed)])
    assert found == pytest.approx(planted, rel=0.1)


def test_one_fit_may_take_several_tasks():
    others = [tasks.get_task("sinusoid"), tasks.get_task("logistic")]
    observed = [forecast(t, kernels.Isotropic(0.08), 200_000, seed=5).mass for t in others]
    tables = [family_table(t, "isotropic", EFFORT) for t in others]
    assert fit(list(zip(tables, observed, strict=True)))["s"] == pytest.approx(0.08, rel=0.1)


def test_interpolation_is_close_between_nodes():
    table = family_table(TENT, "isotropic", MonteCarloBudget(draws=100_000))
    for position in (4.5, 8.3, 11.7):
        kernel = kernels.Isotropic(**table.values(np.array([position])))
        direct = forecast(TENT, kernel, 100_000).mass
        error = total_variation(table.interpolate(np.array([position])), direct)
        assert error < 0.04 * total_variation(direct, flat_mass()) + 2e-3  # both share their random numbers


def test_a_given_covariance_cannot_be_tabulated():
    assert "matrix" not in AXES
    with pytest.raises(PhyslibError, match="cannot be tabulated"):
        family_table(TENT, "covariance", EFFORT)


def test_a_table_gives_its_nodes_and_stays_within_its_grid():
    table = family_table(TENT, "isotropic", EFFORT)
    for i in (0, 3, EFFORT.nodes):
        assert np.allclose(
            table.at({"s": table.axes[0][i]}), table.masses[i], atol=1e-6
        )  # the spline is solved to a tolerance
    assert np.allclose(table.at({"s": 7.0}), table.masses[-1], atol=1e-6)


def test_a_kernel_may_cap_its_draws():
    assert EFFORT.within(50_000) == MonteCarloBudget(EFFORT.nodes, 40_000, 50_000)
