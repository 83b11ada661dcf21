"""What an audit says must be true: signs, sizes, ties, shares, and when to look for another cause."""

import inspect

import numpy as np
import pytest

from physlib.audit import after, audit
from physlib.audit.random_walk import RandomWalk
from physlib.audit.report import advice
from physlib.audit.report.words import chance, span, where
from physlib.core.rng import numpy_rng
from physlib.figures.trees import BRANCHES, OTHERWISE
from physlib.kernels import Isotropic
from tests.test_audit import curves, demonstrations


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(after, "RESAMPLED", 20)


def walkers(n, rng, shares):
    """Straight walks from anywhere on a square: some that hardly move, some slow, some fast."""
    heading, start = rng.uniform(0, 2 * np.pi, n), rng.uniform(-4, 4, (n, 1, 2))
    kind = rng.choice(3, n, p=shares)
    speed = rng.uniform(np.array([0.01, 0.2, 3.0])[kind], np.array([0.2, 3.0, 6.0])[kind])
    way = np.linspace(0, 1, 12)[None, :, None] * np.stack([np.cos(heading), np.sin(heading)], axis=-1)[:, None]
    return start + speed[:, None, None] * way


def test_a_kernel_that_moves_the_mean_the_other_way_does_not_explain():
    """Those that hardly move and the fast become slow: noise would empty the lowest bins as well, and raise the mean."""
    rng = np.random.default_rng(0)
    demos, drawn = walkers(2_000, rng, [0.4, 0.3, 0.3]), walkers(2_000, rng, [0.02, 0.93, 0.05])
    done = audit(demos, "displacement", drawn, kernel="isotropic")
    record = done.record()
    assert record["mean_shift_interval"][1] < 0 < record["ladder"][0]["mean_shift"]
    assert "mean" in record["contradictions"]
    assert "No error of the kinds tried explains" in done.summary()
    assert "Look for another cause" in done.summary()


def test_a_size_that_the_differences_deny_does_not_explain():
    """A slow bend that turns the whole path is no white error of the size that its ends suggest."""
    rng = np.random.default_rng(1)
    x, drawn = curves(3_000, rng, 16), curves(3_000, rng, 16)
    drawn += 0.6 * x.std() * rng.standard_normal((3_000, 1, 2)) * np.linspace(-1, 1, 16)[None, :, None]
    done = audit(x, "displacement", drawn, kernel="isotropic")
    assert done.record()["contradictions"] == ["differences"]
    assert "far rougher" in done.summary()


def test_a_true_cause_is_not_contradicted():
    rng = np.random.default_rng(2)
    x = curves(3_000, rng, 32)
    demos = demonstrations(x)
    done = audit(x, "path_length", Isotropic(0.03).deviate(demos, curves(3_000, rng, 32), rng))
    record = done.record()
    assert record["contradictions"] == [] and record["skill"] > 0.8
    fit = next(fit for fit in record["ladder"] if fit["kernel"] == "isotropic")
    assert fit["tied"] or record["kernel"] == "isotropic"
    assert fit["mean_shift"] == pytest.approx(record["mean_shift"], rel=0.2)
    assert "The two sizes of the best-fitting kernel" in done.summary()


def test_error_that_adds_up_from_step_to_step_is_on_the_ladder():
    rng = np.random.default_rng(3)
    x = curves(3_000, rng, 32)
    drawn = RandomWalk(0.15).deviate(demonstrations(x), curves(3_000, rng, 32), rng)
    record = audit(x, "path_length", drawn, kernel="random-walk").record()
    fit = next(fit for fit in record["ladder"] if fit["kernel"] == "random-walk")
    assert fit["size"] == pytest.approx(0.15, rel=0.2)
    assert fit["skill"] > 0.8
    assert record["size_in_differences"] == pytest.approx(0.15, rel=0.5)


def test_a_random_walk_has_its_size_over_the_trajectory():
    class Unit:
        scale = np.ones(1)

    walk = RandomWalk(0.3).deviate(Unit, np.zeros((4_000, 20, 1)), numpy_rng(0, "walk"))
    assert np.sqrt(np.mean(walk**2)) == pytest.approx(0.3, rel=0.03)
    assert np.std(np.diff(walk, axis=1)) == pytest.approx(0.3 / np.sqrt(10.5), rel=0.03)


def test_a_forecast_says_what_it_assumes():
    said = audit(curves(300, np.random.default_rng(4), 16), "path_length").summary()
    assert "errors that were assumed" in said and "known to leave" not in said
    assert "the other way" in said and "--residuals" in said


def test_the_ends_of_a_path_are_named_one_by_one():
    said = audit(curves(300, np.random.default_rng(5), 12), "displacement").summary()
    assert "as much only at step 0 and 11." in said


def test_numbers_are_possible():
    assert chance(0.001) == "p at most 0.001"
    assert chance(0.0214) == "p = 0.021"
    assert span((0.7, 1.1)) == "70 % to 100 %"
    assert span((-0.3, 0.4), 0.0) == "0.0 % to 40 %"
    assert where(21.91, 21.94, "m") == "at 21.9 m"


@pytest.mark.parametrize("share", [0.003, 0.02])
def test_no_more_is_lost_than_there_was(share):
    rng = np.random.default_rng(6)
    drawn = 2 + curves(1_000, rng, 16)
    record = audit(curves(2_000, rng, 16), "path_length", drawn * (3 + share)).record()
    intended = np.array(record["bins"]["intended"])
    for stretch in record["losses"]:
        assert -intended.sum() - 1e-12 <= min(stretch["interval"]) and stretch["interval"][1] <= 1
    lost = [s for s in record["losses"] if s["lo"] is None]
    assert all(s["interval"][0] >= -1 for s in lost)


def test_hard_ends_are_found_with_what_is_lost_there():
    """Lengths of lines, flat on [1, 3]: an error of both ends along the line moves it by a normal of known width."""
    rng = np.random.default_rng(7)
    for length, ends in ((rng.uniform(1, 3, 4_000), 2), (2 + 0.3 * rng.standard_normal(4_000), 0)):
        x = np.array([[0.0, 1.0]])[..., None] * length[:, None, None]
        done = audit(x, "displacement", kernel="isotropic")
        record = done.record()
        assert len(record["hard_ends"]) == ends
        for end in record["hard_ends"]:
            size = np.sqrt(2) * 0.02 * done.demos.scale[0]
            assert end["guard"] == pytest.approx(2 * size, rel=0.1)
            assert end["lost"] == pytest.approx(0.5 * size / np.sqrt(2 * np.pi), rel=0.15)
        assert ("guard band" in done.summary()) == bool(ends)


def test_the_drawn_tree_gives_the_advice_of_the_report():
    """Every way out begins as a sentence of the report does, in the report's order."""
    said = inspect.getsource(advice)
    for text in (*(branch.leaf for branch in BRANCHES), OTHERWISE):
        assert text.replace("\n", " ").split(",")[0] in said
    after = [branch.leaf.replace("\n", " ").split(",")[0] for branch in BRANCHES[2:]]
    places = [said.index(text) for text in after if text != "Train longer"]
    assert places == sorted(places)
