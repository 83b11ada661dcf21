"""Videos: shadows against closed forms, readers against the truth, the case-based prediction, bad input."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from physlib import tasks
from physlib.core.errors import PhyslibError
from physlib.core.rng import numpy_rng
from physlib.evaluation import video as evaluation
from physlib.models import denoising
from physlib.models.mlp import MLP
from physlib.runs.presets import resolve
from physlib.runs.setup import first_frames
from physlib.runs.store import Store
from physlib.studies import video as study
from physlib.tasks.shadows import TALLEST, WORLD, centres, draw
from physlib.tasks.video import DT, SHOWN, Cases, drawn, median_speed
from physlib.tasks.video_variants import PAIRS, continued
from tests.conftest import physlib

VIDEO = tasks.get_task("video")


@given(st.floats(2, 8), st.floats(0.3, 2), st.integers(0, 2), st.integers(0, 1))
def test_the_area_of_a_shadow_is_that_of_the_body_wherever_it_is(centre, radius, shape, colour):
    frame = draw(np.array([[centre]]), np.array([radius]), np.array([colour]), np.array([shape]), 32)[0, 0]
    area = {0: np.pi * radius**2, 1: 4 * radius**2, 2: np.pi * radius**2 * (1 - 0.36)}[shape]
    assert frame.sum() * WORLD / 32 * TALLEST == pytest.approx(area, rel=1e-9)
    half = frame.reshape(2, 32)
    assert half[1 - colour].sum() == 0
    assert half[colour].sum() > 0


def test_the_centre_is_found_to_a_hundredth_of_a_pixel_and_only_of_bodies_in_view():
    place = np.linspace(-3, 13, 161)[:, None]
    frames = draw(place, np.ones(161), np.zeros(161, int), np.zeros(161, int), 32)
    found, weight = centres(frames)
    inside = (place > 1.35) & (place < 8.65)
    assert (weight[inside] == 1).all()
    assert np.abs(found - place)[inside].max() < 0.01 * WORLD / 32
    assert (weight[(place < 0.5) | (place > 9.5)] == 0).all()


def test_speeds_are_read_below_the_floor_of_the_original():
    for name in VIDEO.tests:
        data = VIDEO.test(name, 400, numpy_rng(0, name))
        seen = continued(VIDEO, data.x, data)
        assert np.nanmean(seen["error"]) < 0.02  # .0099 to .021 in Kang et al.
        assert np.nanmedian(np.abs(seen["speed"] - data.q)) < 0.012
    data = VIDEO.sample(500, numpy_rng(1, "median"))
    assert np.abs(median_speed(VIDEO, data.x) - data.q).max() < 0.01


def test_stray_light_hardly_moves_the_median():
    data = VIDEO.sample(300, numpy_rng(2, "stray"))
    x = data.x.copy()
    x[:, ::3, 28] += 0.05
    by_mean, by_median = (np.nanmean(np.abs(read - data.q)) for read in (VIDEO.measure(x), median_speed(VIDEO, x)))
    assert by_median < 0.4 * by_mean


@pytest.mark.parametrize("name", ["video-gap", "video-narrowgap"])
def test_a_gap_has_nothing_in_it(name):
    task = tasks.get_task(name)
    data = task.sample(2_000, numpy_rng(0, name))
    low, high = task.lo + task.BAND, task.hi - task.BAND
    assert ((data.q <= low) | (data.q >= high)).all()
    assert np.mean(data.q < low + 1e-9) == pytest.approx(0.5, abs=0.01)
    between = task.test("between", 500, numpy_rng(1, name)).q
    assert ((between > low) & (between < high)).all()


def test_half_of_the_clips_are_mirrored_where_both_sides_are_shown():
    task = tasks.get_task("video-both")
    data = task.sample(400, numpy_rng(0, "both"))
    signed = VIDEO.measure(data.x)
    assert np.mean(signed < 0) == pytest.approx(0.5, abs=0.1)
    assert np.allclose(np.abs(signed), data.q, atol=0.01)
    assert (VIDEO.measure(tasks.get_task("video-right").sample(100, numpy_rng(0, "right")).x) > 0).all()


@pytest.mark.parametrize("name", PAIRS)
def test_what_is_kept_is_read_rightly_on_true_clips(name):
    task = tasks.get_task(name)
    for kind in ("seen", "swapped"):
        data = task.test(kind, 100, numpy_rng(0, name))
        assert (task.nearest(data.x, data) == 0).all()
    side = evaluation._sides(task, task.sample(100, numpy_rng(1, name)))
    assert (side[:, 0] == side[:, 1]).all()
    swapped = evaluation._sides(task, data)
    assert (swapped[:, 0] != swapped[:, 1]).all()


def test_the_nearest_case_is_what_a_sharp_denoiser_predicts():
    shown, asked = (VIDEO.sample(n, numpy_rng(n, "cases")) for n in (300, 20))
    weights = evaluation.case_weights(shown, asked, 1e-3)
    frames = [data.x[:, :SHOWN].reshape(len(data.q), -1) for data in (asked, shown)]
    nearest = np.argmin(((frames[0][:, None] - frames[1]) ** 2).sum(axis=2), axis=1)
    assert (weights.argmax(axis=1) == nearest).all()
    assert np.allclose(weights.sum(axis=1), 1)
    blurred = evaluation.case_weights(shown, asked, 1e3)  # knows nothing: every case alike
    assert np.allclose(blurred, 1 / 300, rtol=1e-3)


def test_continuations_hold_what_is_given():
    known = torch.as_tensor(first_frames(VIDEO.sample(4, numpy_rng(0, "held")).x), dtype=torch.float32)
    model = denoising.continuation(MLP(16, 64, 16, 1), np.zeros(64), np.ones(64), 16, 4)
    made = model.sample(known, torch.Generator().manual_seed(0))
    assert denoising.SHOWN == SHOWN
    assert torch.allclose(made[:, :SHOWN], known[:, :SHOWN], atol=1e-6)
    assert not torch.isnan(made).any()


def test_sealed_predictions_are_what_the_code_predicts_and_come_before_the_runs():
    record = evaluation.sealed("laptop")
    config = study.ranges("laptop")["video-gap"][0]
    told = evaluation.predicted(config, "between", record["level"]).mean()
    assert told == pytest.approx(record["velocity"]["video-gap"]["between"], abs=1e-3)
    assert record["level"] in evaluation.LEVELS
    assert Store.of("laptop").get(study.pilot("laptop")).config.key == record["pilot"]


def test_bad_input_gets_a_sentence():
    for cases, words in (
        (Cases(radius=(1.0, 3.0)), "leave the picture"),
        (Cases(colour="green"), "choose one of red, blue"),
        (Cases(shape="star"), "choose one of disc, square, ring"),
    ):
        with pytest.raises(PhyslibError, match=words):
            drawn(cases, 10, numpy_rng(0, "bad"))
    with pytest.raises(PhyslibError, match="continues videos"):
        resolve("tent", "video-mlp", "laptop", 0)
    done = physlib("run", "video[1,40]", "--model", "video-mlp", check=False)
    assert done.returncode == 2
    assert "within [0,6]" in done.stderr
    assert DT == 0.2
