"""Forecasts sealed before their runs: the seal, the rule, and scores whose answers are known."""

import dataclasses
import json
import subprocess

import numpy as np
import pytest

from physlib import tasks
from physlib.core.errors import PhyslibError
from physlib.core.files import Damaged, Missing
from physlib.evaluation import sealed_scores, sealing
from physlib.evaluation.sealing import SealedForecast, SealedKernel
from physlib.runs.presets import resolve
from physlib.runs.store import Result, Store
from physlib.stats.histogram import flat_mass
from physlib.studies import mechanism, sealed
from tests.conftest import ROOT

FLAT = flat_mass()
HUMP = FLAT + np.concatenate([[0], 0.02 * np.sin(np.linspace(0, 4 * np.pi, 20)), [0, 0]])
CELLS = sealed.cells()


def kernel(name, mass, pilot_r2=0.5, width=0.01):
    low, high = (list(np.clip(mass + side * width, 0, 1)) for side in (-1, 1))
    return SealedKernel(name, {"s": 0.05}, list(mass), [0.0] * 23, low, high, pilot_r2, False, 1.0)


def forecast(expected="contract", task="tent"):
    config = resolve(task, "diffusion-mlp", "laptop", 0)
    return SealedForecast(
        task=task,
        model="diffusion-mlp",
        profile="laptop",
        pilots=["a"],
        runs=[config.key],
        locality=0.7,
        kernel="contract",
        rival="shrink",
        expected=expected,
        decision_levels=[0.1, None],
        forecasts=[kernel("contract", HUMP), kernel("shrink", 2 * FLAT - HUMP, None), kernel("no-shift", FLAT)],
        revision=None,
    )


def run_of(mass, seed, n=1_000_000):
    fine = np.zeros(10 * 20 + 3, dtype=np.int64)  # all of a bin in the first of its fine ones
    counts = np.round(n * np.asarray(mass)).astype(np.int64)
    per = (len(fine) - 3) // 20
    fine[0], fine[1:-2:per], fine[-2:] = counts[0], counts[1:-2], counts[-2:]
    return Result(resolve("tent", "diffusion-mlp", "laptop", seed), {"counts": fine}, {"n": n})


def test_a_sealed_file_says_what_was_sealed_and_notices_any_change(tmp_path):
    made, path = forecast(task="tent[1.31,1.77]"), tmp_path / "sealed.json"
    sealing.write(path, made)
    again = sealing.read(path)
    assert again.digest == made.digest
    assert again.of("contract").mass == made.of("contract").mass
    with pytest.raises(PhyslibError, match="sealed once"):
        sealing.write(path, made)
    record = json.loads(path.read_text())
    record["forecasts"][0]["mass"][5] += 1e-6
    path.write_text(json.dumps(record))
    with pytest.raises(Damaged, match="altered"):
        sealing.read(path)
    for text in ("", "[]", '{"digest": 1}', "\x00"):
        path.write_text(text)
        with pytest.raises(Damaged, match="not a sealed forecast"):
            sealing.read(path)
    with pytest.raises(Missing, match="--seal"):
        sealing.read(tmp_path / "none.json")


def test_nothing_is_sealed_after_its_runs(tmp_path):
    with pytest.raises(PhyslibError, match="exist already"):
        sealing.check_new(tmp_path / "late.json", "logistic~cosine", "diffusion-mlp", "laptop")


def test_scores_of_what_is_right_and_what_is_opposite():
    made = forecast()
    found = (
        sealed_scores.scores(made, [run_of(HUMP, seed) for seed in (0, 1)]).groupby("kernel").mean(numeric_only=True)
    )
    assert found.loc["contract", ["r2", "r2_inner", "coverage"]].to_numpy() == pytest.approx([1, 1, 1], abs=0.02)
    assert found.loc["shrink", "r2"] == pytest.approx(-3, abs=0.1)  # twice the shift off, squared
    assert found.loc["no-shift", "r2"] == pytest.approx(0, abs=0.01)
    # half-width .01: no-shift misses the bins that moved by more
    moved = np.mean(np.abs(HUMP - FLAT) > 0.01)
    assert found.loc["no-shift", "coverage"] == pytest.approx(1 - moved, abs=0.05)


@pytest.mark.parametrize(("expected", "right"), [("contract", True), ("shrink", False)])
def test_the_verdict_compares_the_two_that_were_named(expected, right, monkeypatch):
    made, runs = forecast(expected), [run_of(HUMP, 0)]
    monkeypatch.setattr(sealed_scores, "fetch", lambda configs: runs)
    assert sealed_scores.verdicts([made]).right.tolist() == [right]
    runs[:] = [run_of(FLAT, 0)]  # nobody wins where there is nothing to forecast
    assert sealed_scores.verdicts([made]).right.tolist() == [None]


def test_the_rule_names_ten_fresh_cells_half_of_them_smooth():
    assert len(CELLS) == len(set(CELLS)) >= 10
    smooth = [tasks.get_task(name).prior.name != mechanism.FLAT for name, _ in CELLS]
    assert sum(smooth) >= len(CELLS) / 2
    assert {model for _, model in CELLS} == {"diffusion-mlp", "diffusion-unet"}
    families = {tasks.get_task(name).family for name, _ in CELLS}
    assert families == {"sinusoid", "tent", "logistic", "henon", "van-der-pol", "maze-large"}
    assert sealed.fresh_ranges("logistic") == ("logistic[3.65,4]~cosine", "logistic[3.4,3.9]")


@pytest.mark.parametrize(("task", "model"), CELLS)
def test_every_stored_run_names_the_forecast_that_came_before_it(task, model):
    store = Store.of("laptop")
    configs = sealed.judged(task, model, "laptop")
    if not store.forecast(task, model).exists():  # still to come, and so are its runs
        assert not any(store.path(config).exists() for config in configs)
        return
    made = sealing.read(store.forecast(task, model))
    assert made.runs == [config.key for config in configs]
    assert made.pilots == [config.key for config in sealed.pilots(task, model, "laptop")]
    for config in configs:
        if store.path(config).exists():
            assert store.get(config).provenance["forecast"] == made.digest


def test_git_has_every_sealed_forecast_before_its_runs():
    if _git("rev-parse", "--is-shallow-repository") != "false":
        return  # an archive without history: digests in the runs say the same, see above
    for task, model in CELLS:
        store = Store.of("laptop")
        sealed_in = _added(store.forecast(task, model))
        for config in sealed.judged(task, model, "laptop"):
            stored_in = _added(store.path(config))
            if stored_in:
                assert sealed_in
                assert sealed_in != stored_in
                assert _git("merge-base", sealed_in, stored_in) == sealed_in


def _git(*words):
    done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _added(path):
    """The commit that brought a file; empty where it is not committed."""
    return _git("log", "--diff-filter=A", "--format=%H", "-1", "--", f":(literal){path.relative_to(ROOT)}")


def test_a_forecast_is_made_from_pilots_alone():
    made = sealing.make("tent", "diffusion-mlp", "smoke")
    assert [one.kernel for one in made.forecasts] == [*sealing.FITTED, "no-shift", "pilot-samples"]
    assert made.expected in (made.kernel, made.rival)
    assert made.rival in sealing.RIVALS
    for one in made.forecasts:
        assert np.sum(one.mass) == pytest.approx(1, abs=1e-4)
        assert (np.array(one.low) <= np.array(one.mass) + 1e-6).all()
        assert (np.array(one.mass) <= np.array(one.high) + 1e-6).all()
    assert dataclasses.replace(made, expected="another").digest != made.digest
