"""Kernels against closed forms: Rice law, Gaussian algebra, truncated normals, the delta method."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.fft import dct
from scipy.stats import norm, rice

from physlib import kernels, tasks
from physlib.core.errors import PhyslibError
from physlib.core.rng import numpy_rng
from physlib.forecasting.forecast import forecast
from physlib.kernels import scaled
from physlib.kernels.additive import RANK, at_level, estimate_covariance, free_entries, from_spectrum, structured
from physlib.kernels.contraction import posterior_mean
from physlib.kernels.expansion import local_moments, unit_moments
from physlib.tasks.representations import Cosines, Increments, Recoded, StepsAndHeadings
from physlib.tasks.sensitivity import bounded, coordinate_sensitivity

RING = tasks.get_task("ring")


def test_isotropic_on_the_ring_is_the_rice_law():
    s = 0.2
    sigma = s * RING.scale[0]
    answer = forecast(RING, kernels.Isotropic(s), 1_000_000)
    edges = np.linspace(1, 2, 21)
    fine = np.linspace(1, 2, 20 * 50 + 1)
    q = (fine[1:] + fine[:-1]) / 2
    cdf = rice.cdf(edges[:, None], q / sigma, scale=sigma)  # (edges, q)
    rows = np.vstack([cdf[0], np.diff(cdf, axis=0), 1 - cdf[-1]])
    exact = rows.reshape(22, 20, 50).mean(axis=2)
    assert np.abs(answer.transition[:-1, 1:-2] - exact).max() < 5 * np.sqrt(0.25 / 50_000)
    assert np.abs(answer.mass[:-1] - exact.mean(axis=1)).max() < 5 * np.sqrt(0.05 / 1e6)
    drift = (rice.mean(q / sigma, scale=sigma) - q).reshape(20, 50).mean(axis=1)
    assert np.allclose(answer.drift, drift, atol=5 * sigma / np.sqrt(50_000))


def test_white_covariance_is_isotropic():
    task = tasks.get_task("sinusoid")
    a = forecast(task, kernels.Isotropic(0.1), 200_000)
    b = forecast(task, kernels.Covariance(np.eye(16) * 0.01), 200_000, seed=1)
    assert np.abs(a.mass - b.mass).max() < 6 * np.sqrt(2 * 0.05 / 200_000)


@settings(max_examples=20)
@given(st.integers(0, 10**6))
def test_covariance_deviations_have_the_given_covariance(seed):
    rng = numpy_rng(seed, "cov")
    factor = rng.standard_normal((16, 16))
    matrix = factor @ factor.T
    task = tasks.get_task("tent")
    x = np.zeros((50_000, 16, 1))
    moved = kernels.Covariance(matrix, 0.3).deviate(task, x, rng) / task.scale
    assert np.allclose(estimate_covariance(moved), 0.09 * matrix, atol=0.02 * 0.09 * np.abs(matrix).max() * 5)


@settings(max_examples=20)
@given(st.integers(0, 10**6))
def test_a_spectrum_gives_deviations_of_that_spectrum(seed):
    power = numpy_rng(seed, "power").uniform(0.1, 2, (16, 2))
    matrix = from_spectrum(power)
    flat = numpy_rng(seed, "draw").multivariate_normal(np.zeros(32), matrix, size=20_000)
    found = np.mean(dct(flat.reshape(-1, 16, 2), axis=1, norm="ortho") ** 2, axis=0)
    assert np.allclose(found, power, rtol=0.08)
    assert np.trace(matrix) == pytest.approx(power.sum())


def test_a_white_spectrum_is_white():
    assert np.allclose(from_spectrum(np.full((8, 2), 0.3)), 0.3 * np.eye(16))


def test_trace_estimated_from_signs_is_the_exact_one_on_average():
    task = tasks.get_task("maze-umaze")
    x = task.sample(300, numpy_rng(0, "trace")).x
    root = 0.01 * np.eye(128)
    exact, square = local_moments(task, x, root)
    signs = numpy_rng(1, "trace").choice([-1.0, 1.0], (128, 64))
    estimate, same = local_moments(task, x, root, signs)
    assert estimate.mean() == pytest.approx(exact.mean(), rel=0.1)
    assert np.allclose(same, square)


def test_simulated_tasks_contract_about_the_trajectory_itself():
    task = tasks.get_task("maze-umaze")
    data = task.draw(2_000, numpy_rng(0, "about"))
    mean = kernels.NoiseContract(0.05, 0.0).push(task, data, numpy_rng(1, "about"))
    g = posterior_mean(task, 0.05)[1]
    assert mean.min() >= g.min() - 1e-9
    assert mean.max() <= g.max() + 1e-9
    assert np.corrcoef(mean, data.q)[0, 1] > 0.9


def test_covariance_refuses_what_is_not_one():
    with pytest.raises(PhyslibError, match="symmetric"):
        _ = kernels.Covariance(np.triu(np.ones((16, 16)))).root
    with pytest.raises(PhyslibError, match="16 x 1"):
        kernels.Covariance(np.eye(4)).deviate(tasks.get_task("tent"), np.zeros((1, 16, 1)), numpy_rng(0, "x"))


def test_covariance_refuses_negative_directions():
    with pytest.raises(PhyslibError, match="negative eigenvalues"):
        _ = kernels.Covariance(-np.eye(16)).root


def test_covariance_between_levels_is_log_linear():
    matrices, levels = np.array([np.eye(2), 3 * np.eye(2)]), np.array([0.1, 10.0])
    assert np.allclose(at_level(matrices, levels, 1.0), 2 * np.eye(2))
    assert np.allclose(at_level(matrices, levels, 10.0), matrices[1])


def test_shrinking_alone_keeps_the_mean_and_loses_variance():
    # E[E[q|u]] = E[q]; the variance lost is the mean posterior variance
    task = tasks.get_task("logistic")
    data = task.sample(400_000, numpy_rng(0, "d"))
    pushed = kernels.ShrinkAndBlur(0.1, 0.0).push(task, data, numpy_rng(1, "p"))
    assert pushed.mean() == pytest.approx(3.75, abs=1e-3)
    assert pushed.var() < data.q.var()
    assert pushed.min() >= task.lo
    assert pushed.max() <= task.hi


def test_posterior_mean_of_the_ring_matches_quadrature():
    s = 0.1
    sigma = s * RING.scale[0]
    knots, values = posterior_mean(RING, s)
    q = np.linspace(1, 2, 4001)
    for u in (1.0, 1.3, 1.9):
        weight = rice.pdf(u, q / sigma, scale=sigma)
        assert np.interp(u, knots, values) == pytest.approx(np.sum(q * weight) / np.sum(weight), abs=0.01)


def test_contraction_without_left_over_stays_inside():
    data = RING.sample(50_000, numpy_rng(0, "d"))
    pushed = kernels.NoiseContract(0.2, 0.0).push(RING, data, numpy_rng(1, "p"))
    assert pushed.min() > 1
    assert pushed.max() < 2


def test_expansion_on_the_ring_is_closed_form():
    # b = s^2 scale^2 / (2 q), mean square s^2 scale^2
    q, drift, square = unit_moments(RING)
    assert np.allclose(drift, RING.scale[0] ** 2 / (2 * q), rtol=2e-3)
    assert np.allclose(square, RING.scale[0] ** 2, rtol=1e-9)


def test_expansion_of_least_squares_on_the_sinusoid():
    """`c = A / B` with `A = x'Mx`, `B = x'Dx`: moments of ratios of quadratic forms, by hand, then `q = arccos(c / 2)`."""
    task = tasks.get_task("sinusoid")
    x = task.sample(40, numpy_rng(0, "x")).x
    eye = np.diag([0.0, *np.ones(14), 0.0])
    shift = np.zeros((16, 16))
    for t in range(1, 15):
        shift[t, t - 1] += 0.5
        shift[t - 1, t] += 0.5
        shift[t, t + 1] += 0.5
        shift[t + 1, t] += 0.5
    u = x[..., 0]
    a, b = np.einsum("ni,ij,nj->n", u, shift, u), np.einsum("ni,ij,nj->n", u, eye, u)
    gradient = 2 * (u @ shift) / b[:, None] - 2 * (u @ eye) * (a / b**2)[:, None]
    bias = -a * 14 / b**2 - 4 * np.einsum("ni,ij,nj->n", u, shift @ eye, u) / b**2
    bias += 4 * a * np.einsum("ni,ij,nj->n", u, eye @ eye, u) / b**3
    c = a / b
    slope = -1 / np.sqrt(4 - c**2)  # d arccos(c / 2) / dc, and its derivative
    bend = -c / (4 - c**2) ** 1.5
    square = slope**2 * np.sum(gradient**2, axis=1)
    drift = slope * bias + bend * np.sum(gradient**2, axis=1) / 2
    found_drift, found_square = local_moments(task, x, np.eye(16))
    assert np.allclose(found_square, square, rtol=1e-9)
    assert np.allclose(found_drift, drift, rtol=1e-7)


@pytest.mark.parametrize("name", ["ring", "sinusoid", "tent", "logistic[2.8,3.4]"])
def test_expansion_is_the_small_deviation_limit(name):
    """Deviation of a few fixed trajectories, many draws each: mean and mean square against autodiff."""
    task, s = tasks.get_task(name), 2e-4  # small against the distance to the tent's kink
    x = task.sample(6, numpy_rng(3, "few")).x
    drift, square = local_moments(task, x, s * np.diag(np.tile(task.scale, task.shape[0])))
    rng, draws = numpy_rng(0, "many"), 100_000
    for i in range(len(x)):
        noise = rng.standard_normal((draws, *task.shape)) * s * task.scale
        # antithetic pairs cancel the slope, so that the curvature is not drowned
        up, down = task.measure(x[i] + noise), task.measure(x[i] - noise)
        centre = task.measure(x[i : i + 1])[0]
        assert np.mean((up - centre) ** 2) == pytest.approx(square[i], rel=0.03)
        mean = (up + down) / 2 - centre
        assert mean.mean() == pytest.approx(drift[i], abs=5 * mean.std() / np.sqrt(draws) + 0.02 * abs(drift[i]))


def test_expansion_density_matches_monte_carlo_away_from_the_edges():
    # p (1 - b' + v'') on the ring: b' = -c/q^2, v'' = 0, so mass is 1 + c / q^2 with c = s^2 scale^2 / 2
    s = 0.1
    c = (s * RING.scale[0]) ** 2 / 2
    answer = forecast(RING, kernels.Isotropic(s), 4_000_000)
    centres = 1 + (np.arange(20) + 0.5) / 20
    inner = (centres > 1 + 4 * s * RING.scale[0]) & (centres < 2 - 4 * s * RING.scale[0])
    assert np.abs(answer.mass[1:-2][inner] * 20 - 1 - c / centres[inner] ** 2).max() < 5 * np.sqrt(20 / 4e6)


@pytest.mark.parametrize("s", [0.05, 0.1])
def test_expansion_kernel_is_the_gaussian_with_the_closed_form_moments(s):
    # on the ring q~ ~ N(q + c / q, 2 c - (c / q)^2) with c = s^2 scale^2 / 2, averaged over each bin
    c = (s * RING.scale[0]) ** 2 / 2
    q = np.linspace(1, 2, 20 * 50 + 1)[:-1] + 1 / 2000
    law = norm(q + c / q, np.sqrt(2 * c - (c / q) ** 2))
    edges = np.linspace(1, 2, 21)
    rows = np.vstack([law.cdf(1), np.diff(law.cdf(edges[:, None]), axis=0), law.sf(2)])
    answer = forecast(RING, kernels.Expansion(s), 1_000_000)
    assert np.abs(answer.mass[:-1] - rows.mean(axis=1)).max() < 5 * np.sqrt(0.05 / 1e6)
    assert np.allclose(answer.drift, (c / q).reshape(20, 50).mean(axis=1), atol=5 * s * 1.1 / np.sqrt(50_000))


@pytest.mark.parametrize("name", ["isotropic", "noise-contract-q", "shrink-and-blur", "blur", "expansion"])
def test_vanishing_kernels_do_nothing(name):
    family = kernels.FAMILIES[name]
    kernel = family(*[1e-6] * len(family.__dataclass_fields__))
    task = tasks.get_task("sinusoid")
    data = task.sample(20_000, numpy_rng(0, "d"))
    pushed = kernel.push(task, data, numpy_rng(1, "p"))
    assert np.median(np.abs(pushed - data.q)) < 2e-3


def test_assumptions_keep_what_they_are_about():
    """Each is exact where it holds: independent steps, a given spectrum, few directions."""
    rng, steps, dims = numpy_rng(0, "assumptions"), 6, 2
    free = np.zeros((steps, dims, steps, dims))
    for t, block in enumerate(rng.standard_normal((steps, dims, dims))):
        free[t, :, t] = block @ block.T
    free = free.reshape(steps * dims, -1)
    smooth = from_spectrum(rng.random((steps, dims)))
    few = rng.standard_normal((steps * dims, RANK))
    few = few @ few.T
    for matrix, structure in ((free, "per-time"), (smooth, "spectral"), (few, "low-rank")):
        assert np.allclose(structured(matrix, structure, steps), matrix)
    whole = rng.standard_normal((steps * dims, steps * dims))
    whole = whole @ whole.T
    for structure in ("per-time", "spectral"):  # both forget correlations and no variance
        assert np.trace(structured(whole, structure, steps)) == pytest.approx(np.trace(whole))
    assert free_entries("per-time", steps, dims) == np.count_nonzero(np.triu(free))
    assert free_entries(None, steps, dims) == np.count_nonzero(np.triu(whole))


class Halves:
    """A stand-in for a network, whose redrawing halves what it is given."""

    device, dtype = "cpu", torch.float64

    def redraw(self, x, level, rng):
        return x / 2


@pytest.mark.parametrize("chart", [Increments(), Cosines(), StepsAndHeadings()])
def test_an_error_in_a_representation_is_white_on_the_recoded_task(chart):
    task = tasks.get_task("maze-umaze")
    data, seen = task.draw(500, numpy_rng(0, "recoded")), Recoded(task, chart)
    here = kernels.InRepresentation(chart, seen.scale, 0.05).push(task, data, numpy_rng(1, "recoded"))
    there = kernels.Isotropic(0.05).push(seen, seen.encoded(data), numpy_rng(1, "recoded"))
    assert np.allclose(here, there, atol=1e-7)


def test_the_spread_of_codes_is_that_of_channels_but_where_steps_are_unlike():
    x = numpy_rng(0, "spread").standard_normal((4_000, 5, 2)).cumsum(axis=1)
    x[:, 0] *= 3
    spread = Increments().spread(x)
    assert np.allclose(spread[0], x[:, 0].std(axis=0))
    assert np.allclose(spread[1:], np.diff(x, axis=1).std(axis=(0, 1)))
    assert np.allclose(Cosines().spread(x), Cosines().encode(x).std(axis=0))


class Differences(type(tasks.get_task("sinusoid"))):
    """A sinusoid whose measurement nobody differentiates."""

    differentiable = False


def test_differences_find_the_length_of_the_gradient(monkeypatch):
    monkeypatch.setattr(scaled, "PROBES", 2_000)
    exact, differences = tasks.get_task("sinusoid"), Differences()
    x = exact.sample(50, numpy_rng(0, "gradient")).x
    assert np.allclose(scaled.sensitivity(differences, x), scaled.sensitivity(exact, x), rtol=0.1)


@pytest.mark.parametrize("kernel", [kernels.SpeedScale, kernels.DistanceScale, kernels.StateScale])
def test_a_scaled_error_has_its_size_and_follows_its_weight(kernel):
    task = tasks.get_task("maze-umaze")
    x = task.draw(5_000, numpy_rng(0, "scaled")).x
    change = (kernel(0.05).deviate(task, x, numpy_rng(1, "scaled")) - x) / task.scale
    assert np.sqrt(np.mean(change**2)) == pytest.approx(0.05, rel=0.05)
    weight = np.broadcast_to(kernel.weight(task, x), (*x.shape[:2], 1))
    heavy = weight > np.median(weight)
    assert np.mean(change[heavy[..., 0]] ** 2) > 1.5 * np.mean(change[~heavy[..., 0]] ** 2)


class Edge(tasks.Population):
    """The square root of the first entry: there is none left of zero."""

    name, lo, hi, shape, scale = "edge", 0.0, 2.0, (3, 1), np.ones(1)

    def draw(self, n, rng):
        x = rng.uniform(0.001, 4, (n, 3, 1))
        return tasks.Trajectories(x, self.measure(x), x[:, 0])

    def measure(self, x):
        return np.sqrt(x[:, 0, 0])


def test_what_cannot_be_measured_counts_as_the_whole_range_in_either_direction_alike():
    edge, rng = Edge(), numpy_rng(0, "edge")
    assert np.array_equal(bounded(edge, np.array([0.5, -3.0, np.nan, np.inf])), [0.5, 2, 2, 2])
    data = edge.draw(2_000, rng)
    near = data._replace(x=np.full_like(data.x, 1e-6), q=np.full(2_000, 1e-3))
    found = coordinate_sensitivity(edge, near, 0.1, rng)  # one of each pair is left of zero
    assert np.allclose(found.slope[:, 0], [2 / 0.1, 0, 0])
    assert np.allclose(found.drift, 0)
    there = np.sqrt(1e-6 + 0.1 * np.abs(rng.standard_normal(100_000))) - 1e-3
    assert found.change[0, 0] == pytest.approx(np.sqrt((edge.hi**2 + np.mean(there**2)) / 2), rel=0.01)
    inner = coordinate_sensitivity(edge, data._replace(x=1 + data.x, q=np.sqrt(1 + data.x[:, 0, 0])), 0.01, rng)
    exact = np.sqrt(np.mean(1 / (4 * (1 + data.x[:, 0, 0]))))
    assert inner.slope[0, 0] == pytest.approx(exact, rel=0.05)
    assert inner.change[0, 0] == pytest.approx(0.01 * exact, rel=0.05)
    beyond = np.full((1, 3, 1), 1e-6)
    with np.errstate(all="raise"):
        assert scaled.sensitivity(edge, beyond)[0] == pytest.approx(edge.hi / (2 * scaled.STEP))


def test_a_pilots_deviation_is_scaled():
    task = tasks.get_task("tent")
    data, kernel = task.sample(3_000, numpy_rng(0, "pilot")), kernels.Pilot(Halves(), 0.3, 0.4)
    assert np.allclose(kernel.deviate(task, data.x, numpy_rng(1, "pilot")), 0.8 * data.x)
    assert kernel.parameters == {"level": 0.3, "s": 0.4}
