"""What is committed under results/: complete, whole, small, anonymous, and never written by tests."""

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest

from physlib import tasks
from physlib.core.rng import numpy_rng, torch_rng
from physlib.evaluation import benchmark, remedies, reproduce, table
from physlib.evaluation.run_group import FORECASTS, SOURCES, gather
from physlib.kernels.ideal_denoiser import ideal_denoiser
from physlib.models import PROBES
from physlib.runs.diagnostics import covariances
from physlib.runs.presets import changes, command
from physlib.runs.run import CHUNK, fetch, load_runs, model_of
from physlib.runs.store import Store
from physlib.stats.distances import total_variation, tv_floor
from physlib.stats.histogram import bin_counts, flat_mass
from physlib.studies import catalogue, confounds
from tests.conftest import ROOT, physlib

CATALOGUE = catalogue.runs("laptop")
KEPT = CATALOGUE + catalogue.runs("paper")
_ERRORS = {"renoise": "denoising_error", "continue": "prediction_error", "re-encode": "reconstruction_error"}


@pytest.mark.parametrize("config", KEPT, ids=lambda c: f"{c.task}-{c.model}-{c.profile}-{c.role}-{c.seed}")
def test_every_run_of_the_book_is_stored_and_whole(config):
    result = Store.of(config.profile).get(config)
    chosen = config.mitigation == "resample"  # of which some samples are kept
    assert 0 < result["q"].size < config.n_samples / 2 if chosen else result["q"].shape == (config.n_samples,)
    assert result["residual"].shape == result["q"].shape
    assert result.arrays.get("plan_q", np.empty(0)).shape == (config.n_plans,)
    assert result.provenance["dirty"] is False
    assert result.provenance["revision"]
    if config.n_probe:
        _probed(config, result)


def _probed(config, result):
    assert np.all(result["probe_counts"].sum(axis=(1, 2)) == config.n_probe)
    probe = PROBES[config.model]
    assert result[_ERRORS[probe.name]].shape == (len(probe.levels),)
    size = result["probe_size"].astype(float) ** 2  # the mean square, found again in the covariance or the spectrum
    steps, dims = tasks.get_task(config.task).shape
    assert np.trace(covariances(result), axis1=1, axis2=2) / (steps * dims) == pytest.approx(size, rel=1e-3)


def test_every_kind_of_run_can_be_compared_with_itself(monkeypatch):
    """`verify` finds a run's other seeds, whatever it changes."""
    monkeypatch.setattr(reproduce, "produce", lambda config, *_: Store.of(config.profile).get(config))
    kinds = {str(changes(config).keys()): config for config in CATALOGUE if config.seed == 0}
    assert len(kinds) > 10
    for config in kinds.values():
        verdict = reproduce.compare(config)
        assert verdict.identical
        assert verdict.agrees


_WEIGHED = [(m, "pilot") for m in catalogue.MODELS if m != "vae-mlp"]  # whose weights are too large to keep


@pytest.mark.parametrize(("model", "role"), [*_WEIGHED, *((m, "judged") for m in catalogue.DIFFUSIONS)])
def test_stored_weights_make_the_stored_samples(model, role):
    """bfloat16 weights with the exact normalisation: the same noise leads to nearly the same trajectory."""
    config = next(c for c in CATALOGUE if (c.task, c.model, c.role) == ("sinusoid", model, role))
    result = Store.of("laptop").get(config)
    again = model_of(result).sample(CHUNK, torch_rng(config.seed, "sampling")).numpy()
    apart = np.abs(tasks.get_task("sinusoid").measure(again) - result["q"][:CHUNK])
    assert np.median(apart) < 0.01
    again, before = again[:48].reshape(48, -1), result["trajectories"].reshape(48, -1)
    # rounding may make a draw from a mixture fall on another component, and that trajectory another one
    kept = np.array([np.corrcoef(a, b)[0, 1] > 0.9 for a, b in zip(again, before, strict=True)])
    assert kept.mean() > (0.95 if model == "autoregressive-transformer" else 0.999)
    assert np.corrcoef(again[kept].ravel(), before[kept].ravel())[0, 1] > 0.99


def test_nothing_else_is_stored_and_it_is_small():
    root = Store.of("laptop").root
    known = {Store.of(c.profile).path(c) for c in KEPT}
    known |= {gather(t, m, "laptop").path for t, m in catalogue.CELLS}
    found = {p for p in root.rglob("*") if p.is_file() and ".work" not in p.parts}
    assert found == known
    assert sum(p.stat().st_size for p in found) < 64e6


def test_judged_and_pilot_seeds_are_apart():
    seeds = {role: {c.seed for c in CATALOGUE if c.role == role} for role in ("judged", "pilot")}
    assert seeds["judged"] == {0, 1, 2, 3, 4}
    assert {r.config.seed for r in gather("tent", "diffusion-mlp", "laptop").judged} == {0, 1, 2}
    assert min(seeds["pilot"]) >= 100


def test_shift_is_above_three_floors_on_the_chaotic_maps():
    """C1 and C2, on the stored runs."""
    for name in ("tent", "logistic"):
        task = tasks.get_task(name)
        for config in (c for c in CATALOGUE if c.task == name and c.role == "judged" and not c.mitigation):
            q = Store.of("laptop").get(config)["q"]
            tv = total_variation(bin_counts(q, task.lo, task.hi) / q.size, flat_mass())
            assert tv > 3 * tv_floor(flat_mass(), q.size)


@pytest.mark.parametrize("task", catalogue.TASKS)
def test_no_network_beats_the_ideal_and_some_reach_it(task):
    """The ideal denoiser's error is the least there is: what trained networks made of fresh data bears it out."""
    system, rng = tasks.get_task(task), numpy_rng(0, "ideal")
    data = system.sample(4_000 if task == "sinusoid" else 400, rng)  # on maps each row is weighed against many draws
    for level in (0.02, 0.1, 0.3, 0.8):
        noisy = data.x + level * system.scale * rng.standard_normal(data.x.shape)
        error = (ideal_denoiser(system, data, noisy, level, rng) - data.x) / system.scale
        best, at = np.sqrt(np.mean(error**2)) / level, PROBES["diffusion-mlp"].levels.index(level)
        for model in ("diffusion-mlp", "diffusion-unet", "diffusion-transformer", "flow-mlp"):
            runs = load_runs(task, model, "laptop")
            found = np.mean([run["denoising_error"][at] for run in runs])
            assert found > 0.94 * best
            if level > 0.2 and model == "diffusion-unet":
                assert found < 1.06 * best


@pytest.fixture(scope="module")
def rows():
    return table.rows("laptop")


def test_rows_have_all_keys_unique_and_no_nan(rows):
    keys = [tuple(row[k] for k in ("claim", "task", "model", "kernel", "source", "variant", "profile")) for row in rows]
    assert len(set(keys)) == len(keys)
    for row in rows:
        assert tuple(row) == table.KEYS
        assert not any(isinstance(v, float) and not math.isfinite(v) for v in row.values())
    json.dumps(rows, allow_nan=False)


def test_every_cell_has_every_kernel_from_every_source(rows):
    for task, model in catalogue.CELLS:
        found = {(r["kernel"], r["source"]) for r in rows if (r["task"], r["model"]) == (task, model)}
        assert {(kernel, source) for kernel in benchmark.FITTED for source in SOURCES} <= found
        assert {("covariance", source) for source in ("oracle", "seed", "pilot", "scaled")} <= found
        assert {("no-shift", "pilot"), ("pilot-samples", "pilot"), ("seed-profile", "seed"), ("none", None)} <= found
        assert {("pilot-samples", "scaled"), ("task-profile", "transferred"), ("no-shift", "transferred")} <= found
        assert len([r for r in rows if r["claim"] == "C4" and (r["task"], r["model"]) == (task, model)]) == len(
            PROBES[model].levels
        )


def test_scaled_numbers_are_those_of_the_pilots_made_smaller(rows):
    cells = {
        (r["task"], r["model"], r["kernel"], r["source"]): r for r in rows if r["claim"] == "C5" and not r["variant"]
    }
    for (task, model, kernel, source), row in cells.items():
        if source == "scaled" and kernel in benchmark.FITTED:
            pilot = cells[task, model, kernel, "pilot"]["parameters"]
            assert row["parameters"] == {name: pytest.approx(value / math.sqrt(10)) for name, value in pilot.items()}


def test_every_forecast_by_a_fitted_kernel_has_an_interval(rows):
    for row in rows:
        if row["kernel"] in benchmark.FITTED and row["source"] in FORECASTS:
            assert 0 <= row["coverage"] <= 1
            assert 0 < row["interval_width"] <= row["interval_score"] + 1e-12  # equal where nothing falls outside


def test_claims_without_a_forecast_have_their_rows(rows):
    changed = {r["variant"] for r in rows if r["claim"] == "C10"}
    assert changed == {f"{f.field}={level}" for f in confounds.FACTORS for level in f.levels}
    assert tuple(r["task"] for r in rows if r["claim"] == "C11") == catalogue.DIAL
    assert tuple(r["task"] for r in rows if r["claim"] == "C12") == catalogue.TOYS
    usual = {f"{f.field}={getattr(confounds.usual('laptop'), f.field)}" for f in confounds.FACTORS}
    assert len({r["tv_observed"] for r in rows if r["claim"] == "C10" and r["variant"] in usual}) == 1
    for row in rows:
        if row["claim"] == "C10":
            assert row["tv_lo"] > row["tv_floor"]
    runs = [fetch([config])[0]["q"] for config in catalogue.toys("laptop")["ring"]]
    shifts = [np.abs(np.histogram(q, 20, (1, 2))[0] / q.size - 0.05).sum() / 2 for q in runs]
    shifts = [s + np.mean((q < 1) | (q > 2)) / 2 for s, q in zip(shifts, runs, strict=True)]
    ring = next(r for r in rows if (r["claim"], r["task"]) == ("C12", "ring"))
    assert ring["tv_observed"] == pytest.approx(np.mean(shifts))
    half = 4.302653 * np.std(shifts, ddof=1) / np.sqrt(3)  # Student's t for two degrees of freedom
    assert (ring["tv_lo"], ring["tv_hi"]) == pytest.approx((np.mean(shifts) - half, np.mean(shifts) + half))


def test_strategies_have_their_rows(rows):
    found = {(r["task"], r["variant"]): r for r in rows if r["claim"] in ("C7", "C8", "C9")}
    for trial in remedies.effects("laptop"):
        row = found[trial.experiment.task, trial.experiment.strategy]
        before, after = (np.mean([o.shift for o in outcomes]) for outcomes in trial.outcomes)
        assert (row["tv_before"], row["tv_after"]) == pytest.approx((before, after))
        assert 0 <= row["plausibility_after"] <= 1
        assert row["needs_quantity"] == trial.experiment.strategy.startswith(("condition", "guide"))
        if trial.experiment.strategy in ("reweight", "deconvolve", "resample"):
            assert row["seconds_extra"] > 0  # of a run that has to be seen first
    for task in ("tent", "logistic"):  # what page 09 claims
        change = {name: r["tv_after"] / r["tv_before"] for (t, name), r in found.items() if t == task}
        assert change["coordinates"] < 0.6
        assert change["reweight"] > 0.8
        assert change["condition"] < 0.85


def test_what_was_asked_can_be_drawn_again():
    told = [trial for trial in remedies.effects("laptop") if trial.experiment.needs_quantity]
    assert {trial.experiment.strategy for trial in told} == {"condition", "guide", "condition-ends", "condition-apart"}
    for trial in told:
        run = trial.runs[1][0]
        assert np.allclose(remedies.asked(run)[:, 0], run["asked"], rtol=1e-6)
        miss = remedies.missed(run)
        by_chance = 1 - 1 / np.sqrt(2)  # median distance of two uniform draws
        assert miss.quantity < by_chance / 2 or trial.experiment.strategy == "condition-apart"
        assert np.isfinite(miss.ends) == (trial.experiment.strategy in ("condition-ends", "condition-apart"))


def test_no_shift_scores_nothing(rows):
    for row in rows:
        if row["kernel"] == "no-shift":
            assert row["r2"] == pytest.approx(0)
            assert row["skill"] is None or abs(row["skill"]) < 0.01


@pytest.mark.parametrize("damage", ["deleted", "truncated", "flipped"])
def test_damage_is_named_with_the_command_that_mends_it(damage, tmp_path):
    copy = tmp_path / "results"
    shutil.copytree(ROOT / "results", copy, ignore=shutil.ignore_patterns(".work"))
    config = CATALOGUE[4]
    path = Store(copy).path(config)
    data = path.read_bytes()
    {
        "deleted": lambda: path.unlink(),
        "truncated": lambda: path.write_bytes(data[: len(data) // 2]),
        "flipped": lambda: path.write_bytes(data[:1000] + bytes([data[1000] ^ 1]) + data[1001:]),
    }[damage]()
    done = physlib("ledger", check=False, env={"PHYSLIB_RESULTS": str(copy)})
    assert done.returncode == 2
    assert command(config) in done.stderr
    assert path.name in done.stderr


def test_damaged_judgement_is_named(tmp_path):
    copy = tmp_path / "results"
    shutil.copytree(ROOT / "results", copy, ignore=shutil.ignore_patterns(".work"))
    path = next(copy.rglob("*judgement*"))
    path.write_bytes(path.read_bytes()[:-7])
    done = physlib("ledger", check=False, env={"PHYSLIB_RESULTS": str(copy)})
    assert done.returncode == 2
    assert "physlib judge" in done.stderr


def test_provenance_says_nothing_of_place_or_person():
    words = (str(Path.home()), "/home/", "/root", "/work", "/tmp", "localhost")
    for config in CATALOGUE:
        text = json.dumps(Store.of("laptop").get(config).provenance)
        assert not any(word in text for word in words)


def test_reproducing_table_agrees_with_the_ledger(rows):
    lines = [
        line.split("|")[1:-1] for line in (ROOT / "REPRODUCING.md").read_text().splitlines() if line.startswith("| C")
    ]
    assert len(lines) == 93
    for claim, task, model, number, expected, *_ in ([cell.strip() for cell in line] for line in lines):
        cell = [r for r in rows if (r["claim"], r["task"], r["model"]) == (claim, task, model)]
        if number.startswith("tv_"):
            name, _, variant = number.partition(", ")
            value = next(r[name] for r in cell if r["variant"] == (variant or None))
        elif claim == "C4":
            value = next(r["r2"] for r in cell if r["variant"] == number.split(", ")[1])
        else:
            kernel, source = number.removeprefix("skill of ").split(", ")
            value = next(r["skill"] for r in cell if (r["kernel"], r["source"]) == (kernel, source))
        digits = len(expected.split(".")[1])
        assert float(expected) == pytest.approx(value, abs=0.51 * 10**-digits), (task, model, number)


def test_a_mirrored_distribution_does_not_agree():
    """Equal total variation is not enough: the histogram must have the same shape."""
    config = CATALOGUE[0]
    facts = {"config": config, "stored": 0.1, "retrained": 0.1, "tolerance": 0.01, "identical": False}
    assert reproduce.Verdict(apart=0.02, spread=0.03, **facts).agrees
    assert not reproduce.Verdict(apart=0.09, spread=0.03, **facts).agrees
