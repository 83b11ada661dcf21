"""Time, angle, origin and values that are not there, on motions whose quantities are known."""

import numpy as np
import pytest

from physlib.audit import Reading, after, audit
from physlib.audit.io.open import open_trajectories
from physlib.audit.io.read import load
from physlib.core.errors import PhyslibError
from physlib.tasks.quantities import QUANTITIES
from tests.test_audit import curves


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(after, "RESAMPLED", 10)


def taken(x, reading, quantity="path_length"):
    source = open_trajectories(x, reading)
    return load(source, QUANTITIES[quantity], reading, np.random.default_rng(0), reading.length or source.shape[1])


def reaches(n, steps, seed):
    """Minimum-jerk reaches of two seconds."""
    rng = np.random.default_rng(seed)
    t = np.linspace(0, 1, steps)[None, :, None]
    return rng.uniform(0.1, 0.5, (n, 1, 1)) * (10 * t**3 - 15 * t**4 + 6 * t**5) * np.array([1.0, 0.5])


def test_other_rates_are_compared_in_seconds():
    slow, fast = reaches(500, 21, 0), reaches(500, 41, 1)
    with pytest.raises(PhyslibError, match="--samples-dt"):
        audit(slow, "max_speed", fast, reading=Reading(ragged="resample", dt=0.1))
    done = audit(slow, "max_speed", fast, reading=Reading(ragged="resample", dt=0.1), samples_dt=0.05)
    assert done.record()["p_value"] > 0.01
    assert abs(done.record()["mean_shift"]) < 0.03
    assert done.record()["asked"]["samples_dt"] == 0.05
    same = {"x": slow, "fps": 10}, {"x": fast, "fps": 20}
    told = audit(same[0], "max_speed", same[1], reading=Reading(ragged="resample"))
    assert told.record()["mean_shift"] == pytest.approx(done.record()["mean_shift"])


def test_one_known_time_and_one_unknown_are_refused():
    with pytest.raises(PhyslibError, match="give it with --samples-dt"):
        audit({"x": reaches(200, 21, 0), "fps": 10}, "max_speed", reaches(200, 21, 1))
    assert audit({"x": reaches(200, 21, 0), "fps": 10}, "path_length", reaches(200, 21, 1)).record()["p_value"] > 0.001


@pytest.mark.parametrize("quantity", ["path_length", "max_speed", "smoothness", "displacement"])
def test_angles_are_unwrapped_for_every_quantity(quantity):
    angle = 3 * curves(300, np.random.default_rng(2), 24)
    wrapped = (angle + np.pi) % (2 * np.pi) - np.pi
    assert np.allclose(taken(wrapped, Reading(angles=(0, 1)), quantity).q, taken(angle, Reading(), quantity).q)
    found = audit(angle, quantity, (angle[::-1] + np.pi) % (2 * np.pi) - np.pi, angles=(0, 1)).record()
    assert found["p_value"] > 0.1 and found["spectrum"]["size"] is None


def test_idle_ends_are_cut():
    x = curves(200, np.random.default_rng(3), 20)
    idle = np.concatenate([np.repeat(x[:, :1], 7, axis=1), x, np.repeat(x[:, -1:], 4, axis=1)], axis=1)
    found = taken(idle, Reading(trim_idle=True), "duration")
    assert np.all(found.q == 19)
    speed = [
        taken(data, reading, "mean_speed").q for data, reading in ((idle, Reading(trim_idle=True)), (x, Reading()))
    ]
    assert np.allclose(*speed)
    still = np.concatenate([idle, np.zeros((50, 31, 2))])
    assert np.all(taken(still, Reading(trim_idle=True)).kept.steps >= 2)


@pytest.mark.parametrize("quantity", ["curvature", "dominant_frequency"])
def test_motion_that_is_none_has_no_value(quantity):
    x = curves(400, np.random.default_rng(4), 24)
    x[::2] = x[::2, :1]
    done = audit(x, quantity, x[:200])
    record = done.record()
    assert record["demonstrations"]["undefined"] == 200
    assert record["bins"]["intended"][-1] == 0.5 == record["mass"][-1]
    assert "have no" in done.summary()
    left = audit(x, quantity, x[:200], reading=Reading(drop_undefined=True)).record()
    assert (left["demonstrations"]["trajectories"], left["demonstrations"]["dropped"]) == (200, 200)
    assert left["quantity"]["mean"] == pytest.approx(record["quantity"]["mean"])


@pytest.mark.parametrize("relative", ["first", "last", "mean"])
def test_sizes_are_of_the_coordinates_that_the_model_sees(relative):
    x = curves(2_000, np.random.default_rng(5), 16)
    far = x + 50 * np.random.default_rng(6).standard_normal((2_000, 1, 2))
    point = {"first": x[:, :1], "last": x[:, -1:], "mean": x.mean(axis=1, keepdims=True)}[relative]
    found = taken(far, Reading(relative=relative))
    assert np.allclose(found.scale, (x - point).std(axis=(0, 1)))
    assert np.allclose(found.q, taken(x, Reading()).q)
    near, away = (
        audit(data, "path_length", reading=Reading(relative=relative)).record()["forecast"]["tv"] for data in (x, far)
    )
    assert away == pytest.approx(near, abs=0.01)
    assert audit(far, "path_length").record()["forecast"]["tv"] > away + 0.1


def test_the_ranking_knows_centred_coordinates():
    x = curves(1_000, np.random.default_rng(7), 16) + 50 * np.random.default_rng(8).standard_normal((1_000, 1, 2))
    ranked = {r["name"]: r["tv"] for r in audit(x, "path_length").record()["representations"]}
    alone = audit(x, "path_length", reading=Reading(relative="first")).record()["forecast"]["tv"]
    assert ranked["relative to the first point"] == pytest.approx(alone, rel=0.3)
    assert ranked["relative to the first point"] < ranked["as given"] - 0.1
