"""One factor at a time: what is compared differs in one choice, and every run says how to make it."""

import shlex

import numpy as np
import pytest

from physlib import tasks
from physlib.cli.text import read_changes
from physlib.core.errors import PhyslibError
from physlib.core.rng import numpy_rng
from physlib.evaluation import shift
from physlib.runs.diagnostics import memorisation
from physlib.runs.presets import command, resolve
from physlib.runs.setup import NORMALISATIONS, _normalisation
from physlib.runs.store import Result
from physlib.runs.summary import summarise
from physlib.stats.distances import tv_floor
from physlib.stats.histogram import flat_mass
from physlib.studies import catalogue, confounds
from physlib.tasks import maps
from tests.conftest import physlib


def test_all_factors_share_the_runs_at_their_usual_level():
    usual = confounds.usual("laptop")
    for factor in confounds.FACTORS:
        assert getattr(usual, factor.field) in factor.levels
        assert factor.configs(getattr(usual, factor.field), "laptop")[0] == usual
        keys = {config.key for level in factor.levels for config in factor.configs(level, "laptop")}
        assert len(keys) == 3 * len(factor.levels)


def test_the_command_of_a_run_makes_that_run():
    changed = resolve("tent", "diffusion-mlp", "laptop", 3, n_train=500, sampler="euler", noise_shift=-0.5)
    shorter = resolve("tent", "diffusion-mlp", "smoke", 100, True, steps=7)
    for config in (*catalogue.runs("laptop"), changed, shorter):
        words = shlex.split(command(config))
        options = dict(zip(words[3::2], words[4::2], strict=False))
        changes = read_changes([words[i + 1] for i, word in enumerate(words) if word == "--set"])
        made = resolve(
            words[2],
            options["--model"],
            options["--profile"],
            int(options["--seed"]),
            words[-1] == "--pilot",
            **changes,
        )
        assert made == config


def test_ranges_of_the_dial_are_equally_wide():
    assert {round(tasks.get_task(name).hi - tasks.get_task(name).lo, 9) for name in catalogue.DIAL} == {0.2}


def test_a_copy_is_nearer_than_fresh_data():
    task = tasks.get_task("tent")
    training = task.sample(2_000, numpy_rng(0, "training")).x
    config = resolve("tent", "diffusion-mlp", "smoke", 0, n_nearest=100)
    copied = memorisation(training[:100], training, task, config)
    assert np.all(copied["nearest_sample"] == 0)
    assert np.median(copied["nearest_fresh"]) > 0.01
    new = memorisation(task.sample(100, numpy_rng(1, "new")).x, training, task, config)
    assert np.median(new["nearest_sample"]) == pytest.approx(np.median(new["nearest_fresh"]), rel=0.3)
    constant = np.full_like(training[:1], 0.5)
    least = np.sqrt(np.mean((training - constant) ** 2 / task.scale**2, axis=(1, 2)).min())
    assert memorisation(constant, training, task, config)["nearest_sample"][0] == pytest.approx(least, rel=1e-5)


def test_normalisations_do_what_they_say():
    data = np.random.default_rng(0).normal(3, 2, (500, 16, 2)) * np.array([1.0, 5.0])
    for name in NORMALISATIONS:
        mean, std = _normalisation(name, data)
        x = (data - mean) / std
        if name == "range":
            assert np.allclose([x.min((0, 1)), x.max((0, 1))], [[-1, -1], [1, 1]])
        else:
            axes = {"step": 0, "channel": (0, 1), "whole": None}[name]
            assert np.allclose(x.std(axis=axes), 1)
            assert np.allclose(x.mean(axis=axes), 0)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("stps=3", "did you mean 'steps'"),
        ("steps", "name=value"),
        ("steps=few", "number like"),
        ("width=0", "at least 1"),
        ("noise_shift=nan", "finite"),
        ("seed=3", "unknown field"),
    ],
)
def test_a_change_that_cannot_be_read_is_explained(word, said):
    with pytest.raises(PhyslibError, match=said):
        read_changes([word])


@pytest.mark.parametrize("field", ["normalisation", "precision", "sampler"])
def test_an_unknown_choice_is_explained_before_anything_is_written(tmp_path, field):
    choice = ("--set", f"{field}=nonsense")
    done = physlib("run", "tent", "--profile", "smoke", *choice, check=False, env={"PHYSLIB_BUILD": str(tmp_path)})
    assert done.returncode == 2
    assert done.stderr.startswith("physlib: unknown")
    assert not list(tmp_path.rglob("*.safetensors"))


def test_shifts_without_their_noise():
    task = tasks.get_task("ring")
    config = resolve("tent", "diffusion-mlp", "laptop", 0, n_samples=40_000, n_probe=1_000)
    q = np.concatenate([1 + 0.05 * (np.arange(20_000) % 20) + 0.025, np.full(20_000, 3.0)])
    summary, facts = summarise(task, {"q": q, "residual": np.zeros(q.size)}, task.sample(1, numpy_rng(0, "one")).x)
    moved = np.zeros((11, 23, 20), dtype=np.int32)
    moved[:, 21] = 50  # everything above the range
    run = Result(config, summary | {"probe_counts": moved}, facts)
    assert shift.clean_shift([run]) == pytest.approx([0.5], abs=1e-3)
    assert shift.local_shift([run], 0.2) == pytest.approx([1], abs=2e-3)


def test_a_copied_set_is_seen():
    task, config = tasks.get_task("tent"), resolve("tent", "diffusion-mlp", "smoke", 0, n_train=2_000)
    training = task.sample(2_000, numpy_rng(0, "training data")).x
    noise = 0.01 * numpy_rng(1, "n").standard_normal((48, 16, 1))
    fresh = task.sample(48, numpy_rng(2, "fresh")).x
    ratios = [shift.copied(task, Result(config, {"trajectories": x + noise}, {})) for x in (training[:48], fresh)]
    assert ratios[0] < 0.5
    assert ratios[1] == pytest.approx(1, abs=0.25)
    expected = tv_floor(flat_mass(), 2_000)
    assert 0.3 * expected < shift.training_set_shift(task, Result(config, {}, {})) < 2 * expected


def test_the_widest_window_is_that_of_period_three():
    found = maps.periodic_windows(tasks.get_task("logistic"), numpy_rng(0, "w"), 0.004)
    low, high = max(found, key=lambda window: window[1] - window[0])
    assert low == pytest.approx(1 + np.sqrt(8), abs=5e-4)  # where the orbit of period 3 is born
    assert high == pytest.approx(3.8495, abs=1e-3)  # where its doublings accumulate
    assert maps.periodic_windows(tasks.get_task("tent"), numpy_rng(0, "w"), 0.004) == []


def test_crowding_counts_both_sides():
    q = np.concatenate([np.full(10, 0.5), np.full(30, 1.5), np.full(20, 2.5)])
    assert maps.crowding(q, 1.0, 2.0) == pytest.approx(1.0)
    assert np.isnan(maps.crowding(q, 5.0, 6.0))
