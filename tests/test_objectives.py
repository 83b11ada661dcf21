"""Kernels of what an objective leaves, next-step errors and a linear autoencoder, against the rules they rest on."""

import math

import numpy as np
import pytest
from scipy.stats import kstest, uniform

from physlib import kernels, tasks
from physlib.core.errors import PhyslibError
from physlib.core.rng import numpy_rng
from physlib.forecasting.forecast import forecast


@pytest.mark.parametrize("name", ["sinusoid", "tent", "logistic"])
def test_the_rule_makes_each_step_of_the_data(name):
    task = tasks.get_task(name)
    x, q, _ = task.sample(500, numpy_rng(0, "steps"))
    for t in range(task.HEAD, 16):
        assert np.allclose(task.advance(x[:, :t], q), x[:, t], atol=1e-9)
    assert x.min() >= task.SPAN[0]
    assert x.max() <= task.SPAN[1]


def test_information_is_the_inverse_variance_of_the_measurement():
    # the first steps exact, each made step missed independently: the regression's textbook variance
    for name, size in (("logistic", 1e-4), ("sinusoid", 1e-5)):
        task, rng = tasks.get_task(name), numpy_rng(0, "information")
        x, q, _ = task.sample(400, rng)
        known, missed = x[:, : task.HEAD + 1], []
        for _ in range(2_000):  # one made step only, so that later regressors do not move
            end = task.advance(x[:, : task.HEAD], q) + size * rng.standard_normal((400, 1))
            missed.append(task.measure(np.concatenate([x[:, : task.HEAD], end[:, None]], axis=1)) - q)
        found = np.std(missed, axis=0) / size
        good = task.information(known) > 1e-2  # elsewhere one step tells next to nothing
        assert np.median(found[good] * np.sqrt(task.information(known)[good])) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("name", ["tent", "logistic"])
def test_information_adds_up_over_steps(name):
    # a map's steps are regressions on known values: their precisions add, by hand
    task = tasks.get_task(name)
    x = task.sample(50, numpy_rng(0, "sum")).x
    single = [task.information(x[:, t : t + 2]) for t in range(9)]
    assert np.allclose(task.information(x[:, :10]), np.sum(single, axis=0))
    assert np.allclose(single[3], task.f(x[:, 3, 0]) ** 2)


@pytest.mark.parametrize(("s", "t"), [(0.0, 0.3), (0.004, 0.1), (0.05, 1.0)])
def test_a_rollout_always_leaves_something_to_measure(s, t):
    for name in ("sinusoid", "tent", "logistic"):
        assert forecast(tasks.get_task(name), kernels.Rollout(s, t), 20_000).mass[-1] == 0


def test_a_rollout_changes_smoothly_where_the_reading_becomes_exact():
    exact, nearly = (forecast(tasks.get_task("logistic"), kernels.Rollout(s, 0.1), 100_000).mass for s in (0.0, 1e-4))
    assert np.abs(exact - nearly).sum() / 2 < 0.01


@pytest.mark.parametrize("name", ["sinusoid", "tent", "logistic"])
def test_a_rollout_without_errors_is_the_data(name):
    task = tasks.get_task(name)
    x = task.sample(500, numpy_rng(0, "rollout")).x
    assert np.allclose(kernels.Rollout(0.0, 0.0).deviate(task, x, numpy_rng(1, "r")), x, atol=1e-6)


def test_a_rollout_that_cannot_read_draws_from_the_prior_at_every_step():
    task = tasks.get_task("tent")
    x = task.sample(20_000, numpy_rng(0, "rollout")).x
    made = kernels.Rollout(1e3, 0.0).deviate(task, x, numpy_rng(1, "r"))[..., 0]
    assert np.array_equal(made[:, :2], x[:, :2, 0])
    for t in (2, 9):
        believed = made[:, t] / task.f(made[:, t - 1])
        assert kstest(believed, uniform(1.2, 0.8).cdf).pvalue > 1e-3
    assert np.corrcoef(made[:, 2] / task.f(made[:, 1]), made[:, 9] / task.f(made[:, 8]))[0, 1] == pytest.approx(
        0, abs=0.03
    )


def test_a_rollout_needs_a_rule_that_makes_steps():
    with pytest.raises(PhyslibError, match="makes steps"):
        forecast(tasks.get_task("ring"), kernels.Rollout(0.1, 0.1), 1_000)


def test_a_linear_autoencoder_keeps_each_variance_less_its_noise():
    task, s = tasks.get_task("sinusoid"), 0.3
    x = task.sample(50_000, numpy_rng(0, "pca")).x
    before = np.cov((x / task.scale).reshape(50_000, -1).T)
    variances, directions = np.linalg.eigh(before)
    noise = 4 * math.sqrt(3 * 2 / 50_000) * variances  # of three estimates: of data, of components, of what is made
    for gap in (0.0, 0.6, 1.0):  # moving towards the prior changes no variance
        made = kernels.LinearVAE(s, gap).deviate(task, x, numpy_rng(1, "l"))
        kept = np.diag(directions.T @ np.cov((made / task.scale).reshape(50_000, -1).T) @ directions)
        assert np.allclose(kept, np.clip(variances - s**2, 0, None), rtol=0, atol=noise + 1e-9)
    exact = kernels.LinearVAE(0.0, 0.0).deviate(task, x, numpy_rng(1, "l"))
    assert np.allclose(exact, x, atol=1e-9)


def test_the_whole_way_to_the_prior_forgets_the_data():
    task = tasks.get_task("tent")
    x = task.sample(50_000, numpy_rng(0, "pca")).x
    made = kernels.LinearVAE(0.1, 1.0).deviate(task, x, numpy_rng(1, "l"))
    centred = [(v - v.mean(axis=0)).reshape(50_000, -1) for v in (x, made)]
    assert np.abs((centred[0] * centred[1]).mean(axis=0)).max() < 0.02 * task.scale[0] ** 2
