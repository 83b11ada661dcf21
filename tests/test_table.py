"""The results table: what rows state, what is compared, and what is committed."""

import json
import math
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_1samp

from physlib import tasks
from physlib.book import reference
from physlib.core.errors import PhyslibError
from physlib.core.rng import numpy_rng
from physlib.evaluation import benchmark, claims, comparisons, remedies, rows, table
from physlib.evaluation.run_group import FORECASTS, SOURCES
from physlib.models import PROBES, RENOISE
from physlib.runs.run import fetch
from physlib.runs.store import Result
from physlib.runs.summary import summarise
from physlib.studies import catalogue, confounds, forecasts, speech
from tests.conftest import ROOT, physlib

EVIDENCE = catalogue.evidence("laptop")
SCORED = ("C4", "C5")
SPOKEN = tuple((speech.TASK, model) for model in speech.READERS)


@pytest.fixture(scope="session")
def found():
    """The table as the stored runs and forecasts give it, computed once."""
    return table.compute("laptop")


def test_the_committed_table_is_what_the_stored_runs_give(found, tmp_path):
    (tmp_path / "t.csv").write_text(table.text(found))
    pd.testing.assert_frame_equal(table.read(table.path()), table.read(tmp_path / "t.csv"), rtol=2e-5)


def test_expected_numbers_are_those_of_the_committed_table():
    page = (ROOT / "REPRODUCING.md").read_text()
    assert reference.expected(table.read(table.path())) in page
    assert len(re.findall(r"^\| C\d", page, re.MULTILINE)) > 150


def test_rows_have_all_columns_and_keys_of_their_own(found):
    assert list(found.columns) == list(table.COLUMNS)
    assert not found.duplicated(table.KEY).any()
    records = table.records(found)
    json.dumps(records, allow_nan=False)
    assert all(tuple(record) == tuple(table.COLUMNS) for record in records)
    stated = {*(f"C{i}" for i in range(1, 13)), "V1", "V2", "V4", "V5", "S1", "S2", "S3", "S4"}
    assert {record["claim"] for record in records} == stated


def test_a_row_states_the_mean_of_its_seeds(found):
    own = found[~found.model.eq("denoisers")]
    assert np.allclose(own.value, own["values"].map(np.mean), equal_nan=True)
    assert (own["values"].map(len) == own.seeds.map(len)).all()
    several = own[own["values"].map(lambda v: len(v) > 1 and np.isfinite(v).all() and np.ptp(v) > 0)]
    assert len(several) > 2_000
    half = several["values"].map(lambda v: np.ptp(ttest_1samp(v, 0).confidence_interval(0.95)) / 2)
    assert (several.tolerance >= math.sqrt(2) * half * (1 - 1e-9)).all()  # of a difference of two such means
    assert found.tolerance.notna().equals(found.value.notna())
    assert found.tolerance.dropna().gt(0).all()
    shifts = found[found.claim.isin(["C1", "C10", "C11", "C12"]) & found.number.eq("tv_observed")]
    assert set(shifts.claim) == {"C1", "C10", "C11", "C12"}
    assert shifts.value.equals(shifts.tv_observed)


def test_every_group_has_every_kernel_from_every_source(found):
    for pair, some in found.groupby(["task", "model"]):
        if pair not in forecasts.GROUPS:
            continue
        here = set(some[["kernel", "source"]].itertuples(index=False, name=None))
        at_bound = set(some[some.at_bound.eq(True)].kernel)
        wanted = {(kernel, source) for kernel in benchmark.FITTED for source in SOURCES}
        assert {key for key in wanted if key[1] != "scaled" or key[0] not in at_bound} <= here
        assert {("covariance", source) for source in ("oracle", "seed", "pilot")} <= here
        assert {("no-shift", "pilot"), ("pilot-samples", "pilot"), ("seed-profile", "seed")} <= here
        assert {("pilot-samples", "scaled"), ("task-profile", "transferred"), ("no-shift", "transferred")} <= here
        assert (some.claim.eq("C4") & some.number.eq("r2")).sum() == len(PROBES[pair[1]].levels)


def test_scaled_numbers_are_those_of_the_pilots_made_smaller(found):
    own = found[(found.claim == "C5") & found.variant.isna() & found.kernel.isin(benchmark.FITTED)]
    numbers = own.set_index(["task", "model", "kernel", "source"]).parameters
    for (task, model, kernel, source), scaled in numbers.items():
        if source == "scaled":
            pilot = numbers[task, model, kernel, "pilot"]
            assert scaled == {name: pytest.approx(value / math.sqrt(10)) for name, value in pilot.items()}


def test_nothing_that_ended_at_a_bound_is_rescaled_or_compared(found):
    assert not found[found.source == "scaled"].at_bound.eq(True).any()
    assert not comparisons.forecasts(found).at_bound.eq(True).any()


def test_every_forecast_by_a_fitted_kernel_has_an_interval(found):
    some = found[found.kernel.isin(benchmark.FITTED) & found.source.isin(FORECASTS) & found.model.ne("denoisers")]
    some = some[
        (some.prior == "flat") & (some.variant != "sealed")
    ]  # intervals rest on other tasks, which are forecast under a flat prior
    assert some.coverage.between(0, 1).all()
    assert some.interval_width.gt(0).all()
    assert (some.interval_width <= some.interval_score + 1e-12).all()  # equal where nothing falls outside


def test_no_shift_scores_nothing(found):
    some = found[found.kernel == "no-shift"]
    assert np.allclose(some.r2.dropna(), 0, atol=1e-6)
    assert some.skill.dropna().abs().lt(0.01).all()


def test_claims_without_a_forecast_have_their_rows(found):
    def of(claim):
        return found[found.claim == claim]

    assert set(of("C10").variant) == {f"{f.field}={level}" for f in confounds.FACTORS for level in f.levels}
    assert (of("C10").tv_lo > of("C10").tv_floor).all()
    usual = {f"{f.field}={getattr(confounds.usual('laptop'), f.field)}" for f in confounds.FACTORS}
    assert of("C10")[of("C10").variant.isin(usual)].value.nunique() == 1
    assert tuple(of("C11").task) == catalogue.DIAL
    assert tuple(of("C12").task) == catalogue.TOYS
    assert set(of("C2")[["task", "model"]].itertuples(index=False, name=None)) == {*forecasts.SYNTHETIC, *SPOKEN}
    assert {"J", "cells", "cells/s", "sd", "syllables/s"} == set(of("C3").unit)
    assert set(of("C6").variant.fillna("all")) == {"all", "plausible paths", "plans between given ends"}
    kinds = of("C2")[of("C2").no_shift.notna()].model  # every model kind shifts among plausible samples somewhere
    assert set(kinds) == {*catalogue.MODELS, *speech.READERS}
    headline = found[found.model == "denoisers"]
    assert set(headline.task) == {"synthetic", "applied"}
    assert set(headline.kernel) == {"contract"}


def test_a_shift_is_what_numpy_makes_of_the_samples(found):
    """C11 and C9, whose samples are stored, measured by hand."""
    for variant in ("condition", "guide"):
        row = found[(found.task == "tent") & (found.variant == variant)].iloc[0]
        runs = fetch([c for c in catalogue.runs("laptop") if (c.task, c.mitigation) == ("tent", variant)])
        q = np.array([run["q"] for run in runs], dtype=float)
        counts = np.array([np.histogram(part, 20, (1.2, 2.0))[0] for part in q]) / q.shape[1]
        outside = np.mean((q < 1.2) | (q > 2.0) | ~np.isfinite(q), axis=1)
        shifts = np.abs(counts - 0.05).sum(axis=1) / 2 + outside / 2
        assert row["values"] == pytest.approx(list(shifts))
        half = 4.302653 * np.std(shifts, ddof=1) / np.sqrt(3)  # Student's t for two degrees of freedom
        assert (row.tv_lo, row.tv_hi) == pytest.approx((np.mean(shifts) - half, np.mean(shifts) + half))


def test_remedies_have_their_rows(found):
    keyed = found[found.claim.isin(["C7", "C8", "C9"])].set_index(["task", "model", "variant"])
    for effect in remedies.effects("laptop"):
        e = effect.experiment
        row = keyed.loc[e.task, e.after[0].model, e.strategy]
        before, after = (np.mean([o.shift for o in outcomes]) for outcomes in effect.outcomes)
        assert (row.tv_before, row.tv_after, row.value) == pytest.approx((before, after, after))
        assert 0 <= row.plausibility_after <= 1
        assert row.needs_quantity == e.strategy.startswith(("condition", "guide"))
        if e.strategy in ("reweight", "deconvolve", "resample"):
            assert row.seconds_extra > 0  # of a run that has to be seen first
    change = (keyed.tv_after / keyed.tv_before).xs("diffusion-mlp", level="model")
    for task in ("tent", "logistic"):  # what page 09 claims
        assert change[task, "coordinates"] < 0.6
        assert change[task, "reweight"] > 0.8
        assert change[task, "condition"] < 0.85


def flat(run: Result) -> Result:
    """The run as it were without any shift: its samples are demonstrations."""
    task, config = tasks.get_task(run.config.task), run.config
    rng = numpy_rng(config.seed, f"flat {config.key}")
    q = task.prior_draws(run.provenance["n"], rng)
    measured = {"q": q.astype(np.float32), "residual": np.zeros(q.size, np.float16)}
    summary, facts = summarise(task, measured, np.empty((0, *task.shape)))
    arrays = run.arrays | summary | measured
    if "plan_q" in arrays:
        arrays["plan_q"] = rng.permutation(arrays["plan_data_q"])
    if "other/path length" in arrays:
        arrays["other/path length"] = rng.uniform(2, 10, q.size)
    return replace(run, arrays=arrays, provenance=run.provenance | facts)


@pytest.mark.parametrize("claim", [f"C{i}" for i in range(1, 13)])
def test_runs_without_a_shift_pass_no_row_that_states_one(claim, found, monkeypatch):
    monkeypatch.setattr(rows, "fetch", lambda configs: [flat(run) for run in fetch(configs)])
    stated = found.set_index([found[name].fillna("") for name in table.KEY])
    tried = 0
    for evidence in (e for e in EVIDENCE if e.claim == claim and e.variant not in table.MAKERS):
        for made in rows.rows_of(evidence):
            row = stated.loc[tuple(made.get(name) or "" for name in table.KEY)]
            stated_by_row = row.value, row.tolerance, row.no_shift
            assert claims.passes(row.value, *stated_by_row) or not np.isfinite(row.value)
            if claim in SCORED or np.isfinite(row.no_shift):
                tried += 1
                assert not claims.passes(made["value"], *stated_by_row), row
    assert tried >= len({e.task for e in EVIDENCE if e.claim == claim}) / 2


def test_a_tolerance_holds_19_new_means_in_20():
    rng = np.random.default_rng(0)
    old, new = rng.normal(size=(2, 20_000, 3))
    kept = [abs(n.mean() - o.mean()) <= claims.tolerance(list(o)) for o, n in zip(old, new, strict=True)]
    assert np.mean(kept) == pytest.approx(0.95, abs=0.005)
    assert claims.tolerance([0.2, 0.2, 0.2], least=0.01) == 0.01
    assert math.isnan(claims.tolerance([0.2]))


def test_flat_samples_hardly_ever_exceed_what_no_shift_says():
    task, rng, n = tasks.get_task("tent"), np.random.default_rng(0), 2_000
    mass = task.bins.reference
    tv = 0.5 * np.abs(rng.multinomial(n, mass, size=(20_000, 3)) / n - mass).sum(axis=2)
    bound = claims.no_shift([0.5, 0.6, 0.55], float(tv.mean()), claims.tv_deviation(n))
    assert claims.tv_deviation(n) == pytest.approx(tv.std(), rel=0.05)
    assert np.mean(tv.mean(axis=1) > bound) < 0.003
    assert np.mean(tv[:, 0] > claims.most_tv(n)) < 0.003
    means = rng.uniform(2, 10, (2_000, 3, 500)).mean(axis=2)
    assert claims.mean_deviation(8.0, 500) == pytest.approx(means.std(), rel=0.05)
    assert math.isnan(claims.no_shift([0.01, 0.02, 0.09], 0.01, 0.001))  # an interval that holds what noise gives


@pytest.mark.parametrize(
    ("value", "passed"),
    [(0.5, True), (0.44, True), (0.39, False), (0.61, False), (-0.5, False), (math.nan, False)],
)
def test_a_row_is_passed_within_its_tolerance_and_beyond_no_shift(value, passed):
    assert claims.passes(value, 0.5, 0.1, 0.3) == passed
    assert claims.passes(-value, -0.5, 0.1, 0.3) == passed
    assert claims.passes(value, 0.5, 0.1, math.nan) == passed
    assert not claims.passes(0.44, 0.5, 0.1, 0.45)
    assert not claims.passes(-0.5, 0.5, 2.0, 0.3)


def planted(scores):
    """Forecasts with these R2 by seed, by task and kernel."""
    made = [
        {
            "claim": "C5",
            "task": task,
            "model": "diffusion-mlp",
            "kernel": kernel,
            "source": "scaled",
            "number": "r2",
            "prior": "flat",
        }
        | {"values": each, "value": np.mean(each), "r2": np.mean(each), "n_parameters": 1, "at_bound": False}
        for (task, kernel), each in scores.items()
    ]
    return table.typed(pd.DataFrame(made))


def test_contests_are_paired_by_run():
    """Both kernels vary from seed to seed by far more than they differ: only the difference counts."""
    scores = {
        ("tent", "contract"): [0.1, 0.5, 0.9],
        ("tent", "shrink"): [0.0, 0.41, 0.79],
        ("logistic", "contract"): [0.1, 0.5, 0.9],
        ("logistic", "shrink"): [0.9, 0.1, 0.5],
        ("sinusoid", "contract"): [0.1, 0.5, 0.9],
    }
    contest = comparisons.contests(planted(scores), "contract", "shrink", "scaled").set_index("task")
    assert set(contest.index) == {"tent", "logistic"}
    assert contest.winner.to_dict() == {"tent": "contract", "logistic": "neither"}
    assert contest.difference["tent"] == pytest.approx(0.1)
    ends = ttest_1samp([0.1, 0.09, 0.11], 0).confidence_interval(0.95)
    assert (contest.lo["tent"], contest.hi["tent"]) == pytest.approx((ends.low, ends.high))


def test_medians_and_contests_leave_out_fits_at_a_bound():
    scores = {("tent", "contract"): [0.5] * 3, ("logistic", "contract"): [0.7] * 3, ("sinusoid", "contract"): [9.0] * 3}
    frame = planted(scores | {("sinusoid", "shrink"): [0.1] * 3})
    frame.loc[2, "at_bound"] = True
    median = comparisons.medians(frame).set_index("kernel")
    assert (median.r2["contract"], median.groups["contract"]) == (pytest.approx(0.6), 2)
    assert not len(comparisons.contests(frame, "contract", "shrink", "scaled"))


def test_the_headline_is_a_median_over_denoisers(found):
    row = found[(found.model == "denoisers") & (found.task == "synthetic")].iloc[0]
    chosen = comparisons.forecasts(found)
    chosen = chosen[(chosen.kernel == "contract") & (chosen.source == "scaled") & chosen.task.isin(forecasts.TASKS)]
    chosen = chosen[[PROBES[model] is RENOISE for model in chosen.model]]
    assert row.value == pytest.approx(np.median(chosen.r2.dropna()))
    assert row.variant == f"median of {chosen.r2.count()}"


def test_selection_suggests_the_nearest_name(found):
    some = table.select(found, claim="C5", task="logistic", kernel="contract")
    assert set(some.claim) == {"C5"}
    assert set(some.task) == {"logistic"}
    with pytest.raises(PhyslibError, match="did you mean 'contract'"):
        table.select(found, kernel="contrct")


def test_text_and_back(found, tmp_path):
    (tmp_path / "t.csv").write_text(table.text(found))
    again = table.read(tmp_path / "t.csv")
    assert table.text(again) == table.text(found)
    assert again.dtypes.equals(found.dtypes)


def test_printed_tables_drop_empty_columns():
    text = physlib("table", "--claim", "C10").stdout
    assert "steps=1000" in text
    assert "skill" not in text
    lines = physlib("table", "--claim", "C5", "--task", "logistic", "--csv").stdout.splitlines()
    assert lines[0].split(",") == list(table.COLUMNS)
    assert all(line.startswith("C5,logistic,") for line in lines[1:])
