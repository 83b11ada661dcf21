"""What every run stores of its samples, against the samples themselves."""

import hashlib

import numpy as np
import pytest

from physlib import tasks
from physlib.core.rng import numpy_rng
from physlib.runs.summary import FINE, measure, summarise
from physlib.studies import catalogue

TENT = tasks.get_task("tent")


def noisy(n, size, seed=0):
    data = TENT.sample(n, numpy_rng(seed, "summary"))
    return data.x, data.x + size * TENT.scale * numpy_rng(seed, "noise").standard_normal(data.x.shape)


def test_fine_counts_add_up_to_the_histogram():
    clean, x = noisy(5_000, 0.05)
    x[:7] = np.nan
    measured = measure(TENT, x)
    arrays, record = summarise(TENT, measured, clean)
    good = measured["residual"] < TENT.info.threshold
    assert 0 < good.sum() < 5_000
    for name, q in (("counts", measured["q"]), ("plausible_counts", measured["q"][good])):
        fine = arrays[name]
        coarse = np.concatenate([fine[:1], fine[1:-2].reshape(-1, FINE).sum(axis=1), fine[-2:]])
        assert np.array_equal(coarse, TENT.bins.counts(q))
    assert arrays["counts"][-1] == 7
    assert record["n"] == 5_000
    assert record["plausible"] == good.mean()
    assert record["q_mean"] == pytest.approx(np.mean(measured["q"][7:], dtype=float))
    assert record["q_mean_plausible"] == pytest.approx(np.mean(measured["q"][good], dtype=float))
    raw = measured["q"].tobytes() + measured["residual"].tobytes()
    assert record["sha256"] == hashlib.sha256(raw).hexdigest()


def test_residuals_are_kept_as_quantiles():
    clean, x = noisy(5_000, 0.05)
    x[:100] = np.nan  # farther from the rule than any other
    measured = measure(TENT, x)
    kept = summarise(TENT, measured, clean)[0]["residual_quantiles"]
    finite = np.sort(measured["residual"][100:])
    assert kept[0] == finite[0]
    assert kept[50] == pytest.approx(finite[2_500], rel=2e-3)
    assert np.isinf(kept[-1])
    assert kept[97] <= finite[-1]


def test_the_shift_of_other_quantities_does_not_grow_with_noise():
    """Ten sets of the same distribution: the raw distance is near .05 at 1,000 rows, what is beyond it near nothing."""
    found, moved = [], []
    for seed in range(10):
        clean = TENT.sample(1_000, numpy_rng(seed, "demonstrations")).x
        other = TENT.sample(400, numpy_rng(seed, "samples")).x
        found.append(summarise(TENT, measure(TENT, other), clean)[0]["other_shift"])
        moved.append(summarise(TENT, measure(TENT, other**2), clean)[0]["other_shift"])
    assert np.mean(found) < 0.04
    assert np.mean(moved) > 0.4


def test_a_quantity_that_does_not_vary_has_no_shift():
    task = tasks.get_task("sinusoid")  # its amplitude is 1 throughout
    x = task.sample(500, numpy_rng(0, "constant")).x
    assert np.isnan(summarise(task, measure(task, 1.1 * x), x)[0]["other_shift"]).all()
    measured = {name: values for name, values in measure(TENT, x).items() if not name.startswith("other/")}
    assert np.isnan(summarise(TENT, measured, x)[0]["other_shift"]).all()  # nor one that was not measured


def test_nothing_plausible_is_said_without_a_warning():
    x = np.full((10, 16, 1), 7.0) * np.linspace(-1, 1, 16)[:, None]
    arrays, record = summarise(TENT, measure(TENT, x), x)
    assert arrays["plausible_counts"].sum() == 0
    assert record["plausible"] == 0
    assert np.isnan(record["q_mean_plausible"])


def test_studies_say_what_is_kept():
    kept = {config: catalogue.keep(config) for config in catalogue.runs("laptop")}
    weighty = [c for c, keep in kept.items() if keep.weights]
    assert {c.role for c in weighty} == {"judged", "pilot"}
    assert {c.seed for c in weighty} == {0, 100}
    assert {c.model for c in weighty if c.role == "judged"} == {"diffusion-mlp", "diffusion-unet"}
    assert [c.task for c, keep in kept.items() if keep.trajectories == catalogue.AUDITED] == list(catalogue.ARMS)
