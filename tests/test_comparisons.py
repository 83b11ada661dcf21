"""Comparisons of forecasts, effects of remedies and properties of coordinates, against planted tables and closed forms."""

import numpy as np
import pandas as pd
import pytest

from physlib import mitigations, tasks
from physlib.core.rng import numpy_rng
from physlib.evaluation import comparisons, coordinates, ideal_denoising, obedience, remedy_tables
from physlib.evaluation.entries import entry
from physlib.evaluation.remedies import Outcome, RemedyEffect
from physlib.evaluation.remedy_forecasts import RemedyForecast
from physlib.evaluation.run_group import RunGroup
from physlib.evaluation.table import typed
from physlib.models import RENOISE
from physlib.runs.presets import resolve
from physlib.runs.store import Result
from physlib.runs.summary import FINE
from physlib.stats.histogram import BINS, flat_mass
from physlib.studies.remedies import experiments
from physlib.tasks.representations import Cosines

GROUPS = (("tent", "diffusion-mlp"), ("logistic", "diffusion-mlp"), ("sinusoid", "diffusion-mlp"), ("maze-umaze", "x"))


def rows(kernel, source, r2, **columns):
    """A row of C5 for each group, its R2 planted for three seeds."""
    fixed = {
        "claim": "C5",
        "kernel": kernel,
        "source": source,
        "prior": "flat",
        "at_bound": False,
        "profile": "laptop",
        "n_parameters": 1,
    }
    made = []
    for i, ((task, model), value) in enumerate(zip(GROUPS, r2, strict=True)):
        own = {name: column[i] for name, column in columns.items()}
        values = {"values": [value - 0.01, value, value + 0.01], "r2": value, "corr": value, "skill": value}
        made.append(fixed | {"task": task, "model": model} | values | own)
    return made


@pytest.fixture
def frame():
    """A kernel that is ahead on the maps, level on the sinusoid and behind on the maze."""
    ours = rows(
        "contract", "scaled", (0.8, 0.7, 0.5, 0.1), coverage=(0.9, 1.0, 0.8, 0.5), interval_score=(0.1, 0.1, 0.1, 0.9)
    )
    theirs = rows(
        "shrink", "scaled", (0.6, 0.4, 0.5, 0.4), coverage=(0.5, 0.5, 0.5, 0.5), interval_score=(0.2, 0.2, 0.05, 0.3)
    )
    sizes = [{"s": 0.3}, {"s": 0.6}, {"s": 0.2}, {"s": 0.9}]
    pilots = rows("contract", "pilot", (0, 0, 0, 0), parameters=sizes)
    oracle = rows("contract", "oracle", (1, 1, 1, 1), parameters=[{"s": p["s"] / 3} for p in sizes])
    oracle[1]["at_bound"] = True
    fresh = rows("contract", "scaled", (0.2, 0.4, 0.6, 0.9))[:3]
    return typed(pd.DataFrame([*ours, *theirs, *pilots, *oracle, *(row | {"variant": "fresh"} for row in fresh)]))


def test_contests_are_counted_by_kind_of_task(frame):
    found = comparisons.tally(frame, [("contract", "shrink")], ["scaled"]).set_index("kind")
    assert found[["won", "lost", "groups"]].loc["maps"].to_list() == [2, 0, 2]
    assert found[["won", "lost", "groups"]].loc["sinusoid"].to_list() == [0, 0, 1]
    assert found[["won", "lost", "groups"]].loc["mazes"].to_list() == [0, 1, 1]
    assert found.difference.to_dict() == pytest.approx({"maps": 0.25, "sinusoid": 0.0, "mazes": -0.3})


def test_runs_with_further_seeds_are_kept_apart(frame):
    found = comparisons.by_training(frame, "scaled", ["contract"]).set_index("runs")
    assert set(found.index) == {"diffusion-mlp", "diffusion-mlp, fresh"}
    assert found.r2.to_dict() == pytest.approx({"diffusion-mlp": 0.7, "diffusion-mlp, fresh": 0.4})
    assert found.groups.to_list() == [3, 3]
    assert found.least_corr.to_dict() == pytest.approx({"diffusion-mlp": 0.5, "diffusion-mlp, fresh": 0.2})


def test_medians_may_be_kept_apart(frame):
    found = comparisons.medians(frame, "model").set_index(["model", "source", "kernel"])
    assert found.r2["x", "scaled", "shrink"] == pytest.approx(0.4)
    assert found.r2["diffusion-mlp", "scaled", "shrink"] == pytest.approx(0.5)


def test_sizes_at_the_end_of_their_range_are_left_out(frame):
    found = comparisons.sizes(frame)
    assert set(found.task) == {"tent", "sinusoid", "maze-umaze"}
    assert (found.finished / found.pilot).to_list() == pytest.approx([1 / 3] * 3)


def test_intervals_are_weighed_against_the_first(frame):
    found = comparisons.interval_worth(frame, [("contract", "scaled"), ("shrink", "scaled")])
    found = found.set_index(["tasks", "kernel"])
    assert found.coverage["synthetic", "contract"] == pytest.approx(0.9)
    assert found.interval_score["applied", "shrink"] == pytest.approx(0.3)
    assert found.better["synthetic", "shrink"] == found.better["applied", "shrink"] == 2


@pytest.fixture
def group():
    """Three runs whose histogram has one peak, and a forecast that has it three bins off."""
    mass = flat_mass()
    mass[8] += 0.04
    mass[3], mass[15] = mass[3] - 0.02, mass[15] - 0.02
    fine = np.zeros(FINE * BINS + 3, dtype=np.int32)
    fine[1:-2] = np.repeat(np.round(2_000 * mass[1:-2]).astype(np.int32), FINE)
    runs = [
        Result(resolve("tent", "diffusion-mlp", "smoke", seed), {"counts": fine}, {"n": 20_000, "seconds_total": 1.0})
        for seed in (0, 1, 2)
    ]
    made = RunGroup(tasks.get_task("tent"), "diffusion-mlp", "smoke", runs, runs, {}, {})
    moved = np.concatenate([mass[:1], np.roll(mass[1:-2], 3), mass[-2:]])
    return made, entry(made, "contract", "scaled", moved[None], np.zeros((1, len(mass))), 1_000)


def test_every_bin_stands_beside_its_forecast(group):
    found = comparisons.shift_by_bin([group])
    assert len(found) == BINS + 2
    assert set(found.group) == {"tent, diffusion-mlp"}
    assert found.observed[8] == pytest.approx(0.04)
    assert found.forecast[11] == pytest.approx(0.04)


def test_peaks_are_as_far_as_they_were_put(group):
    found = comparisons.peaks_and_troughs([(group[0], {"contract": group[1]})])
    assert found["contract peaks"][0] == 1.5  # the peak three bins off, the second highest place where it was: the mean
    exact = entry(group[0], "contract", "scaled", group[0].shares[:1], np.zeros((1, BINS + 3)), 1_000)
    same = comparisons.peaks_and_troughs([(group[0], {"contract": exact})])
    assert same["contract peaks"][0] == same["contract troughs"][0] == 0
    assert same["contract peaks p"][0] == pytest.approx(1 / 20, abs=0.02)  # one peak, twenty places for it


def test_networks_part_from_the_ideal_where_they_were_made_to():
    levels = np.array(RENOISE.levels)
    ratio = 1 + 0.2 * (0.1 / levels)  # a fifth above at a level of a tenth
    assert ideal_denoising.parting(ratio, 0.2) == pytest.approx(0.1, rel=1e-6)
    assert np.isnan(ideal_denoising.parting(np.ones_like(levels), 0.1))
    assert np.isnan(ideal_denoising.parting(np.full_like(levels, 2.0), 0.1))


def test_the_ideal_error_is_that_of_the_posterior_mean():
    task = tasks.get_task("sinusoid")
    error, levels = ideal_denoising.ideal_error(task, 40), np.array(RENOISE.levels)
    assert (np.diff(error) > 0).all()
    assert (error < levels).all(), "better than leaving the noise where it is"
    assert error[-1] < 1, "and than answering with the mean of the data"


def test_stored_ideal_errors_are_those_of_the_code():
    stored = ideal_denoising.load_errors("laptop")
    assert set(stored) == set(tasks.SYNTHETIC)
    sinusoid = ideal_denoising.ideal_error(tasks.get_task("sinusoid"), ideal_denoising.COUNT)
    np.testing.assert_allclose(sinusoid, stored["sinusoid"], rtol=1e-6)


def test_components_are_counted():
    rng = numpy_rng(0, "components")
    waves = np.cos(np.outer(np.arange(1, 4), np.linspace(0, np.pi, 16)))
    codes = (rng.standard_normal((4_000, 3)) @ waves)[..., None]
    assert coordinates.components(codes) == 3
    assert coordinates.components(codes + 1e-3 * rng.standard_normal(codes.shape)) == 3


def test_growth_of_errors_has_a_closed_form_in_an_orthonormal_chart():
    task, chart = tasks.get_task("sinusoid"), Cosines()
    found = coordinates.chart_properties(task, {"cosines": chart}).set_index("chart")
    unit = chart.encode(task.sample(50_000, numpy_rng(1, "unit")).x).std(axis=0)
    assert found.inverts_to["cosines"] < 1e-12
    assert found.grows_out["cosines"] == pytest.approx(np.sqrt(np.mean((unit / task.scale) ** 2)), rel=0.03)
    assert found.grows_in["cosines"] == pytest.approx(np.sqrt(np.mean((task.scale / unit) ** 2)), rel=0.03)


def effect(experiment, before, after):
    made = RemedyEffect(experiment)
    made.__dict__["outcomes"] = tuple([Outcome(v, v, 0.5, np.nan) for v in part] for part in (before, after))
    return made


def test_ratios_leave_out_what_the_kernel_says_nothing_of():
    tried = [effect(e, (0.2, 0.2), (0.1, 0.1)) for e in experiments("smoke")]
    far, half, flat = flat_mass(), flat_mass(), flat_mass()
    far[[1, 2]], half[[1, 2]] = (0, 0.1), (0.025, 0.075)
    made = [RemedyForecast(e.experiment.strategy, "logistic", "diffusion-mlp", 0.1, far, half) for e in tried]
    found = remedy_tables.ratios(tried, made)
    assert set(found.strategy) == {e.experiment.strategy for e in tried} - {"resample"}
    assert found.expected.to_list() == pytest.approx([0.5] * len(found))
    assert found.found.to_list() == pytest.approx([0.5] * len(found))
    silent = [RemedyForecast(m.strategy, m.task, m.model, 0.1, flat, half) for m in made[:1]]
    silent += [RemedyForecast(m.strategy, m.task, m.model, 0.1, far, None) for m in made[1:]]
    assert len(remedy_tables.ratios(tried, silent)) == 0


def test_agreement_counts_and_ranks():
    ratios = pd.DataFrame({"expected": [0.1, 0.5, 0.8, 1.0], "found": [0.2, 0.6, 0.95, 1.1]})
    found = remedy_tables.agreement(ratios)
    assert (found.count, found.right, found.helped) == (4, 3, 2)
    assert found.rank == pytest.approx(1.0)
    assert np.isnan(remedy_tables.agreement(ratios[:2]).rank)


def test_a_first_state_says_the_energy_and_ends_say_no_length():
    assert obedience.said_by_ends(tasks.get_task("pendulum-regular-state")) > 0.8
    assert abs(obedience.said_by_ends(tasks.get_task("maze-umaze"), n=4_000)) < 0.2


def test_nearer_to_the_state_or_to_the_value():
    name = "pendulum-regular-state"
    config = resolve(name, "diffusion-unet", "laptop", 0, mitigation="condition-apart", n_samples=2_000)
    told = obedience.asked(Result(config, {}, {}))
    energy = tasks.get_task(name).measure(np.repeat(told[:, None, 1:], 2, axis=1))
    for obeyed, share in ((energy, 1.0), (told[:, 0], 0.0)):
        assert obedience.nearer_to_state(Result(config, {"q": obeyed}, {})) == pytest.approx(share, abs=0.02)
    assert mitigations.get("condition-apart").needs_quantity
