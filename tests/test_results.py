"""What is committed under results/: complete, whole, small, anonymous, and never written by tests."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from physlib import tasks
from physlib.book import front
from physlib.core.rng import numpy_rng, torch_rng
from physlib.evaluation import (
    estimator_forecasts,
    ideal_denoising,
    obedience,
    remedies,
    remedy_forecasts,
    reproduce,
    shift,
    table,
)
from physlib.evaluation.run_group import gather
from physlib.evaluation.speech import sealed_path as speech_seal
from physlib.evaluation.video import sealed_path as video_seal
from physlib.kernels.ideal_denoiser import ideal_denoiser
from physlib.models import PROBES, get_model
from physlib.runs.config import JUDGED_SEEDS
from physlib.runs.diagnostics import covariances
from physlib.runs.presets import changes, command
from physlib.runs.run import CHUNK, load_runs, model_of
from physlib.runs.store import Store
from physlib.runs.summary import BINS, FINE
from physlib.stats.distances import total_variation, tv_floor
from physlib.stats.histogram import flat_mass
from physlib.studies import catalogue, forecasts, mechanism, sealed, speech, video
from tests.conftest import ROOT, physlib

DERIVED = (*(remedy_forecasts.STORED, estimator_forecasts.STORED, obedience.STORED), *ideal_denoising.STORED)
CATALOGUE = catalogue.runs("laptop")
KEPT = CATALOGUE + catalogue.runs("paper")
_ERRORS = {"renoise": "denoising_error", "continue": "prediction_error", "re-encode": "reconstruction_error"}


@pytest.mark.parametrize("config", KEPT, ids=lambda c: f"{c.task}-{c.model}-{c.profile}-{c.role}-{c.seed}")
def test_every_run_of_the_book_is_stored_and_whole(config):
    result, keep = Store.of(config.profile).get(config), catalogue.keep(config)
    n = result.provenance["n"]
    chosen = config.mitigation == "resample"  # of which some samples are kept
    trimmed = config.mitigation == "guard"  # of which those within the range are kept
    least, most = (0, 0.5) if chosen else (0.8, 0.95) if trimmed else (1, 1)
    assert least * config.n_samples <= n <= most * config.n_samples
    assert n > 0
    _summarised(config, result, n)
    for name, kept in (("q", keep.samples), ("residual", keep.residual)):
        assert result.arrays.get(name, np.empty(0)).shape == (n * kept,)
    others = [name for name in result.arrays if name.startswith("other/")]
    assert len(others) == keep.others * len(tasks.get_task(config.task).others)
    assert bool(result.weights) == keep.weights
    assert chosen or len(result["trajectories"]) == min(n, keep.trajectories)
    row = get_model(config.model)  # of videos these are clips to continue, of speech utterances to say again
    asked = 0 if row.continues or row.parts else config.n_plans
    assert result.arrays.get("plan_q", np.empty(0)).shape == (asked,)
    assert result.provenance["dirty"] is False
    assert result.provenance["revision"]
    if config.n_probe:
        _probed(config, result, keep)


def _summarised(config, result, n):
    task = tasks.get_task(config.task)
    assert result["counts"].shape == result["plausible_counts"].shape == (FINE * BINS + 3,)
    assert result["counts"].sum() == n
    assert result["plausible_counts"].sum() == round(n * result.provenance["plausible"])
    assert np.all(result["plausible_counts"] <= result["counts"])
    below = np.mean(result["residual_quantiles"] < task.info.threshold)  # within a hundredth, as quantiles tell
    assert below == pytest.approx(result.provenance["plausible"], abs=0.02)
    # nothing outside, in bins that are not open: the mean is that of the fine bins
    if task.prior.name == "flat" and not result["counts"][[0, -2, -1]].any():
        centres = np.linspace(task.lo, task.hi, 2 * FINE * BINS + 1)[1::2]
        mean = result["counts"][1:-2] @ centres / n
        assert result.provenance["q_mean"] == pytest.approx(mean, abs=(task.hi - task.lo) / FINE / BINS / 2)


def _probed(config, result, keep):
    assert np.all(result["probe_counts"].sum(axis=(1, 2)) == config.n_probe)
    probe = PROBES[config.model]
    assert result[_ERRORS[probe.name]].shape == (len(probe.levels),)
    if keep.deviations:
        size = result["probe_size"].astype(float) ** 2  # the mean square, found again in the second moments
        entries = np.prod(tasks.get_task(config.task).shape)
        assert np.trace(covariances(result), axis1=1, axis2=2) / entries == pytest.approx(size, rel=1e-3)


def test_stored_samples_are_those_of_their_summary():
    """The summary was taken of the samples that are stored beside it."""
    found = [Store.of("laptop").get(c) for c in CATALOGUE if catalogue.keep(c).samples and c.seed == 0]
    assert len(found) > 15
    for run in found:
        task = tasks.get_task(run.config.task)
        assert np.array_equal(task.bins.counts(run["q"]), shift.counts([run])[0])
        assert run.provenance["q_mean"] == pytest.approx(np.nanmean(run["q"], dtype=float))


def test_every_kind_of_run_can_be_compared_with_itself(monkeypatch):
    """`verify` finds a run's other seeds, whatever it changes, and names the change."""
    monkeypatch.setattr(reproduce, "produce", lambda config, *_: Store.of(config.profile).get(config))
    kinds = {str(changes(config).keys()): config for config in CATALOGUE if config.seed == 0}
    assert len(kinds) > 10
    for config in kinds.values():
        verdict = reproduce.compare(config)
        assert verdict.identical
        assert verdict.agrees
        assert all(f"{name} {value}" in verdict.line for name, value in changes(config).items())


def test_verify_takes_the_runs_behind_a_claim():
    chosen = reproduce.choose("laptop", None, 0, claim="C7", task="tent")
    assert {config.task for config in chosen} == {"tent"}
    assert {config.mitigation for config in chosen} >= {"", "reweight", "penalty"}
    assert not {"condition", "coordinates"} & {config.mitigation for config in chosen}
    assert len(reproduce.choose("laptop", 2, 0, claim="C7", task="tent")) == 2
    assert len(reproduce.choose("laptop", None, 0)) == 3
    everything = {
        c
        for claim in dict.fromkeys(e.claim for e in catalogue.evidence("laptop"))
        for c in reproduce.choose("laptop", None, 0, claim=claim)
    }
    assert everything <= set(CATALOGUE)
    left = {c for c in set(CATALOGUE) - everything if c.seed in JUDGED_SEEDS}  # pilots of what is still to come apart
    assert {c.task for c in left} <= set(catalogue.ARMS)  # of the audit, which claims nothing


def test_a_mirrored_distribution_does_not_agree():
    """Equal total variation is not enough: the histogram must have the same shape."""
    facts = {"config": CATALOGUE[0], "stored": 0.1, "retrained": 0.1, "tolerance": 0.01, "identical": False}
    assert reproduce.Verdict(apart=0.02, spread=0.03, noise=0.02, **facts).agrees
    assert not reproduce.Verdict(apart=0.09, spread=0.03, noise=0.02, **facts).agrees


def test_a_flat_run_does_not_agree_with_a_small_shift():
    """Two seeds of a small shift may lie as far apart as it is large: then a run without one is still no match."""
    facts = {"config": CATALOGUE[0], "tolerance": 0.03, "spread": 0.05, "noise": 0.02, "identical": False}
    assert reproduce.Verdict(stored=0.035, retrained=0.03, apart=0.02, **facts).agrees
    assert not reproduce.Verdict(stored=0.035, retrained=0.013, apart=0.036, **facts).agrees


@pytest.mark.parametrize(
    "config",
    [c for c in CATALOGUE if c.task == "sinusoid" and catalogue.keep(c).weights],
    ids=lambda c: f"{c.model}-{c.role}",
)
def test_stored_weights_make_the_stored_samples(config):
    """bfloat16 weights with the exact normalisation: the same noise leads to nearly the same trajectory."""
    result, task = Store.of("laptop").get(config), tasks.get_task("sinusoid")
    again, before = model_of(result).sample(CHUNK, torch_rng(config.seed, "sampling")).numpy(), result["trajectories"]
    assert np.median(np.abs(task.measure(again[: len(before)]) - task.measure(before))) < 0.01
    # and not only the few that are stored: all together have the stored distribution
    stored, mass = shift.shares([result])[0], task.bins.mass(task.measure(again))
    assert total_variation(mass, stored) < 1.6 * tv_floor(stored, CHUNK)
    again, before = again[: len(before)].reshape(len(before), -1), before.reshape(len(before), -1)
    assert min(np.corrcoef(a, b)[0, 1] for a, b in zip(again, before, strict=True)) > 0.9
    assert np.corrcoef(again.ravel(), before.ravel())[0, 1] > 0.99


def test_nothing_else_is_stored_and_it_is_small():
    root = Store.of("laptop").root
    known = {Store.of(c.profile).path(c) for c in KEPT}
    known |= {table.path(), video_seal("laptop"), speech_seal("laptop"), *(d.path("laptop") for d in DERIVED)}
    known |= {path for cell in sealed.cells() if (path := Store.of("laptop").forecast(*cell)).exists()}
    known |= {gather(t, m, "laptop").path for t, m in (*forecasts.GROUPS, *mechanism.groups("laptop"))}
    found = {p for p in root.rglob("*") if p.is_file() and ".work" not in p.parts}
    assert found == known
    spoken = {p for p in found if p.parent.parent.name == speech.TASK}
    assert sum(p.stat().st_size for p in found - spoken) < 36e6
    assert sum(p.stat().st_size for p in spoken) < 4e6


def test_evaluation_and_pilot_seeds_are_apart():
    seeds = {role: {c.seed for c in CATALOGUE if c.role == role} for role in ("judged", "pilot")}
    assert seeds["judged"] - {video.CHOSEN_ON} == {0, 1, 2, 3, 4}  # on that run a level was chosen
    assert {r.config.seed for r in gather("tent", "diffusion-mlp", "laptop").judged} == {0, 1, 2}
    assert min(seeds["pilot"]) >= 100


def test_shift_is_above_three_floors_on_the_chaotic_maps():
    """C1, on the stored runs."""
    for name in ("tent", "logistic"):
        for config in (c for c in CATALOGUE if c.task == name and c.role == "judged" and not c.mitigation):
            run = Store.of("laptop").get(config)
            tv = total_variation(shift.shares([run])[0], flat_mass())
            assert tv > 3 * tv_floor(flat_mass(), run.provenance["n"])


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


def test_what_was_asked_can_be_drawn_again():
    """The values drawn again are those that samples came out near."""
    told = [trial for trial in remedies.effects("laptop") if trial.experiment.needs_quantity]
    assert {trial.experiment.strategy for trial in told} == {"condition", "guide", "condition-ends", "condition-apart"}
    for trial in told:
        run, strategy = trial.runs[1][0], trial.experiment.strategy
        if strategy != "condition-apart":
            assert np.corrcoef(obedience.asked(run)[:, 0], run["q"])[0, 1] > 0.9
        miss = obedience.missed(run)
        by_chance = 1 - 1 / np.sqrt(2)  # median distance of two uniform draws
        assert miss.quantity < by_chance / 2 or strategy == "condition-apart"
        assert np.isfinite(miss.ends) == (strategy in ("condition-ends", "condition-apart"))


@pytest.fixture
def copied(tmp_path):
    """A copy of the store that may be damaged, without the table, so that rows are computed."""
    copy = tmp_path / "results"
    shutil.copytree(ROOT / "results", copy, ignore=shutil.ignore_patterns(".work", "table.csv"))
    return copy


@pytest.mark.parametrize("damage", ["deleted", "truncated", "flipped"])
def test_damage_is_named_with_the_command_that_mends_it(damage, copied):
    config = CATALOGUE[4]
    path = Store(copied).path(config)
    data = path.read_bytes()
    {
        "deleted": lambda: path.unlink(),
        "truncated": lambda: path.write_bytes(data[: len(data) // 2]),
        "flipped": lambda: path.write_bytes(data[:1000] + bytes([data[1000] ^ 1]) + data[1001:]),
    }[damage]()
    done = physlib("table", check=False, env={"PHYSLIB_RESULTS": str(copied)})
    assert done.returncode == 2
    assert command(config) in done.stderr
    assert path.name in done.stderr


def test_damaged_forecasts_are_named(copied):
    path = next(copied.rglob("*forecasts*"))
    path.write_bytes(path.read_bytes()[:-7])
    done = physlib("table", "--again", check=False, env={"PHYSLIB_RESULTS": str(copied)})
    assert done.returncode == 2
    assert "physlib benchmark" in done.stderr


def test_provenance_says_nothing_of_place_or_person():
    words = (str(Path.home()), "/home/", "/root", "/work", "/tmp", "localhost")
    for config in CATALOGUE:
        text = json.dumps(Store.of("laptop").get(config).provenance)
        assert not any(word in text for word in words)


def test_the_front_figure_is_of_the_stored_runs():
    told = f'aria-label="{front.headline().alt}"'
    for name in ("headline.svg", "headline.html"):
        assert told in (ROOT / "book/_static" / name).read_text(), "run python -m physlib.book.front"
