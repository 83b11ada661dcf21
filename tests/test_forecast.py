"""Forecasts as linear maps, scores at their fixed points, fits that find planted numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from physlib import kernels, tasks
from physlib.core.errors import PhyslibError
from physlib.core.rng import numpy_rng
from physlib.forecasting.fit import OCTAVES, MonteCarloBudget, fit, lattice, response
from physlib.forecasting.forecast import forecast
from physlib.forecasting.score import score
from physlib.stats.distances import total_variation, tv_floor
from physlib.stats.histogram import flat_mass

TENT, UMAZE = tasks.get_task("tent"), tasks.get_task("maze-umaze")
DRAWS = 40_000


@pytest.mark.parametrize("kernel", [kernels.Isotropic(0.1), kernels.NoiseContract(0.1, 0.1), kernels.Blur(0.1)])
def test_transition_is_stochastic_and_carries_the_prior_to_the_mass(kernel):
    answer = forecast(TENT, kernel, 50_000)
    assert np.allclose(answer.transition.sum(axis=0), 1)
    assert np.allclose(answer.transition @ flat_mass(), answer.mass)
    assert np.all(2 * answer.spread >= answer.drift**2)  # a second moment is at least the square of the first


def test_no_shift_is_exactly_flat():
    answer = forecast(TENT, kernels.NoShift(), 10_000)
    assert np.array_equal(answer.mass, flat_mass())
    assert not answer.drift.any()


def test_chunks_do_not_change_the_law():
    a, b = (forecast(TENT, kernels.Isotropic(0.1), draws, seed) for draws, seed in ((350_000, 0), (90_000, 1)))
    assert total_variation(a.mass, b.mass) < 3 * tv_floor(a.mass, a.draws, b.draws)


def test_failed_measurements_are_counted():
    class Fails(kernels.QuantityKernel):
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
        assert j != i


def test_too_few_draws_are_refused():
    with pytest.raises(PhyslibError, match="1000"):
        forecast(TENT, kernels.Isotropic(0.1), 10)


def counts_of(kernel, n=20_000, seed=1):
    data = TENT.sample(n, numpy_rng(seed, "obs"))
    return TENT.bins.counts(kernel.push(TENT, data, numpy_rng(seed, "push")))


def test_scores_of_the_true_law_and_of_no_shift():
    kernel = kernels.NoiseContract(0.2, 0.1)
    counts = counts_of(kernel, n=200_000)
    made = forecast(TENT, kernel, 400_000)
    exact = score(counts, made.mass, made.noise)
    assert exact.corr > 0.97
    assert exact.r2 > 0.95
    assert exact.sign == 1
    assert exact.skill > 0.85
    nothing = score(counts, flat_mass())
    assert nothing.r2 == pytest.approx(0)
    assert abs(nothing.skill) < 0.02
    assert np.isnan(nothing.corr)


def test_skill_is_undefined_without_a_shift():
    counts = numpy_rng(0, "flat").multinomial(20_000, flat_mass())
    assert np.isnan(score(counts, flat_mass()).skill)


@given(st.floats(0.05, 0.9))
def test_r2_of_a_part_of_the_shift(share):
    # a forecast of share a of the shift leaves (1 - a)^2 of its square
    counts = np.zeros(23, dtype=int)
    counts[1:-2] = 10_000 * np.linspace(500, 1500, 20).astype(int)
    observed = counts / counts.sum()
    found = score(counts, flat_mass() + share * (observed - flat_mass()))
    assert found.r2 == pytest.approx(1 - (1 - share) ** 2, abs=1e-4)
    assert found.skill == pytest.approx(share, abs=1e-3)
    assert found.corr == pytest.approx(1)


@pytest.mark.parametrize(
    ("family", "planted"),
    [("isotropic", {"s": 0.11}), ("shrink-and-blur", {"a": 0.13, "b": 0.05}), ("blur", {"b": 0.05})],
)
def test_fit_finds_planted_numbers(family, planted):
    observed = forecast(TENT, kernels.FAMILIES[family](**planted), 400_000, seed=9).mass
    found = fit([(response(TENT, family, DRAWS), observed)])
    assert found.numbers == pytest.approx(planted, rel=0.05)
    assert not found.at_bound


def test_fit_reaches_what_a_direct_search_reaches():
    """The lattice and its interpolation lose nothing against a golden-section search over real forecasts."""
    observed = forecast(UMAZE, kernels.Contract(0.032), 40_000, seed=3).mass

    def error(s):
        return float(np.sum((forecast(UMAZE, kernels.Contract(s), 20_000).mass - observed) ** 2))

    direct = minimize_scalar(error, bounds=(0.02, 0.05), method="bounded", options={"xatol": 3e-4})
    found = fit([(response(UMAZE, "contract", 20_000), observed)])
    assert error(found.numbers["s"]) <= direct.fun + 0.02 * float(np.sum((observed - flat_mass()) ** 2))
    assert found.numbers["s"] == pytest.approx(0.032, rel=0.05)


def test_one_fit_may_take_several_tasks():
    others = [tasks.get_task("sinusoid"), tasks.get_task("logistic")]
    observed = [forecast(t, kernels.Isotropic(0.08), 200_000, seed=5).mass for t in others]
    responses = [response(t, "isotropic", DRAWS) for t in others]
    assert fit(list(zip(responses, observed, strict=True))).numbers["s"] == pytest.approx(0.08, rel=0.05)


def test_a_fit_at_the_end_of_its_lattice_says_so():
    spread = np.zeros(23)
    spread[0] = spread[-2] = 0.5  # everything out of the range: no size is large enough
    assert fit([(response(TENT, "blur", DRAWS), spread)]).at_bound
    assert not fit([(response(TENT, "blur", DRAWS), flat_mass())]).at_bound  # no error at all is an answer


def test_a_response_is_the_forecast_at_its_lattice_and_stays_within_it():
    one = response(TENT, "isotropic", DRAWS)
    axis = lattice("s")
    for i in (0, 3, len(axis) - 1):
        direct = forecast(TENT, kernels.Isotropic(axis[i]), DRAWS).mass
        assert np.allclose(one.mass({"s": axis[i]})[0], direct, atol=1e-12)
    assert np.allclose(one.mass({"s": 2 * axis[-1]}), one.at((len(axis) - 1,)))


def test_interpolation_is_close_between_places():
    one = response(TENT, "isotropic", 100_000)
    for s in (0.023, 0.11, 0.31):
        direct = forecast(TENT, kernels.Isotropic(s), 100_000).mass
        error = total_variation(one.mass({"s": s})[0], direct)
        assert error < 0.01 * total_variation(direct, flat_mass()) + 1e-3  # both share their random numbers


def test_a_given_covariance_cannot_be_tabulated():
    assert "matrix" not in OCTAVES
    with pytest.raises(PhyslibError, match="cannot be tabulated"):
        response(TENT, "covariance", DRAWS)


def test_a_kernel_may_cap_its_draws():
    assert MonteCarloBudget(40_000, 100_000).within(50_000) == MonteCarloBudget(40_000, 50_000)


LAW = np.concatenate([[0.01], np.linspace(0.4, 1.6, 20) / 20 * 0.97, [0.02, 0]])


@pytest.mark.parametrize("n", [2_000, 8_000, 50_000])
@pytest.mark.parametrize("draws", [5_000, 1_000_000])
@pytest.mark.parametrize(("share", "r2"), [(1.0, 1.0), (0.5, 0.75)])
def test_scores_are_right_in_the_mean_from_any_number_of_samples_and_draws(n, draws, share, r2):
    """A perfect forecast scores 1, one that knows half of the shift 1 - (1 / 2)^2 in R2 and 1 / 2 in skill."""
    rng, true = numpy_rng(0, f"scores {n} {draws}"), flat_mass() + share * (LAW - flat_mass())
    found = []
    for _ in range(400):
        mass = rng.multinomial(draws, true) / draws
        found.append(score(rng.multinomial(n, LAW), mass, mass * (1 - mass) / draws))
    mean = np.mean(found, axis=0)
    assert mean[1] == pytest.approx(r2, abs=0.03)
    assert mean[2] == pytest.approx(r2, abs=0.03)
    assert mean[4] == pytest.approx(share, abs=0.03)


def test_ends_alone_count_nothing_inside():
    """A law with low ends only explains R2, and none of R2 within."""
    ends = flat_mass()
    ends[[1, 20]] -= 0.02
    ends[2:20] += 0.04 / 18
    wave = ends.copy()
    wave[2:20] += 0.01 * np.sin(np.arange(18) * 2 * np.pi / 9)
    found = score((wave * 10**6).astype(int), ends)
    assert found.r2 > 0.3
    assert found.r2_inner < 0.2


def test_a_forecast_knows_its_own_noise():
    """The variance of each row over seeds is what a forecast says of itself."""
    kernel = kernels.Isotropic(0.1)
    made = [forecast(TENT, kernel, 4_000, seed) for seed in range(200)]
    seen = np.var([one.mass for one in made], axis=0, ddof=1)
    claimed = np.mean([one.noise for one in made], axis=0)
    assert seen.sum() == pytest.approx(claimed.sum(), rel=0.1)
