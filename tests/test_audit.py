"""The audit against what was planted: false alarms, power, sizes, spectra, closed forms."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest

from physlib.audit import Reading, after, audit
from physlib.audit.compare import compare
from physlib.audit.demonstrations import Demonstrations
from physlib.audit.io.episodes import Episodes
from physlib.audit.io.open import open_trajectories
from physlib.audit.io.read import load
from physlib.audit.result import AFTER
from physlib.audit.spectrum import expected, read_spectrum
from physlib.core.rng import numpy_rng
from physlib.kernels import DistanceScale, Isotropic, Smooth, SpeedScale, StateScale
from physlib.stats.histogram import Bins
from physlib.stats.permutation import permutation_test, pooled_counts
from physlib.stats.stretches import stretches
from physlib.tasks.quantities import QUANTITIES

STEPS = 64


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(after, "RESAMPLED", 40)


def curves(n, rng, steps=STEPS):
    """Bent, weaving paths whose length is flat on [1, 3]."""
    length, heading, bend, weave = rng.uniform([1, 0, -2, 0.5], [3, 2 * np.pi, 2, 2], (n, 4)).T
    t = np.linspace(0, 1, steps)
    angle = heading[:, None] + bend[:, None] * t + 0.4 * np.sin(2 * np.pi * weave[:, None] * t)
    step = np.stack([np.cos(angle), np.sin(angle)], axis=-1) * (length / (steps - 1))[:, None, None]
    return np.cumsum(step, axis=1)


def demonstrations(x, quantity="path_length"):
    measured = QUANTITIES[quantity]
    loaded = load(open_trajectories(x, Reading()), measured, Reading(), numpy_rng(0, "kept"), x.shape[1])
    return Demonstrations(loaded, measured, "m")


@pytest.fixture(scope="module")
def demos():
    return demonstrations(curves(20_000, np.random.default_rng(1)))


def episodes(x):
    return Episodes(x, np.full(len(x), x.shape[1]), np.ones(len(x)))


def deviated(demos, kernel, n, seed):
    """Samples of a model whose deviation is the kernel's: fresh trajectories, not the demonstrations'."""
    rng = np.random.default_rng(seed)
    return kernel.deviate(demos, curves(n, rng), rng)


def findings(demos, x):
    sampled = load(open_trajectories(x, Reading()), demos.quantity, Reading(), numpy_rng(0, "s"), x.shape[1])
    spectrum = read_spectrum(demos.kept, sampled.kept, demos.scale)
    found = compare(demos.bins, demos.loaded.q, sampled.q, numpy_rng(0, "c"))
    return found, spectrum, after.explain(demos, sampled, None, 0)


# ---- is the shift real


def test_false_alarms_are_as_many_as_promised():
    rng = numpy_rng(0, "false alarms")
    p = [permutation_test(*pooled_counts(*rng.gamma(3, size=(2, 1_000))), rng) for _ in range(1_000)]
    assert 0.035 <= np.mean(np.array(p) < 0.05) <= 0.065
    assert kstest(p, "uniform").pvalue > 0.01


def test_repeated_values_raise_no_alarm():
    rng = numpy_rng(0, "repeated values")
    p = [permutation_test(*pooled_counts(*rng.poisson(2.0, (2, 500)).astype(float)), rng, 199) for _ in range(1_000)]
    assert 0.035 <= np.mean(np.array(p) <= 0.05) <= 0.065


def test_white_error_of_two_per_cent_is_found(demos):
    rng = numpy_rng(0, "power")
    found = 0
    for _ in range(100):
        x = curves(2_000, rng)
        x += 0.02 * demos.scale * rng.standard_normal(x.shape)
        found += permutation_test(*pooled_counts(demos.loaded.q, demos.measure(x)), rng) < 0.05
    assert found >= 90


@pytest.mark.parametrize("move", ["mean", "width", "one bin to the next"])
def test_every_kind_of_move_is_found(move):
    rng = numpy_rng(0, move)
    found = 0
    for _ in range(50):
        first, second = rng.uniform(0, 1, (2, 2_000))
        if move == "mean":
            second = second + 0.03
        elif move == "width":
            second = 0.5 + 0.92 * (second - 0.5)
        else:
            second = np.where(rng.random(2_000) < 0.5, np.floor(10 * second) / 10 + 0.05 * (10 * second % 1), second)
        found += permutation_test(*pooled_counts(first, second), rng, 199) < 0.05
    assert found >= 45


def test_the_floor_is_what_sampling_alone_gives():
    rng = numpy_rng(0, "floor")
    every = []
    for _ in range(60):
        first, second = rng.gamma(3, size=3_000), rng.gamma(3, size=2_000)
        every.append(compare(Bins.of_sample(first), first, second, rng))
    assert np.mean([c.tv for c in every]) == pytest.approx(every[0].tv_floor, rel=0.05)
    held = [c.mean_shift_interval[0] <= 0 <= c.mean_shift_interval[1] for c in every]
    assert np.mean(held) > 0.85


def test_a_known_move_has_its_size():
    rng = numpy_rng(0, "known")
    first, second = rng.uniform(0, 1, 50_000), rng.uniform(0.1, 1.1, 50_000)
    found = compare(Bins.of_sample(first), first, second, rng)
    assert found.tv == pytest.approx(0.1, abs=0.01)
    assert found.w1 == pytest.approx(0.1, abs=0.005)
    assert found.w1_interval[0] < 0.1 < found.w1_interval[1]
    assert found.mean_shift == pytest.approx(0.1, abs=0.005)
    (loss, *_), (gain, *_) = found.losses, found.gains
    assert loss.lo is None and loss.hi == pytest.approx(0.1, abs=0.05)
    assert loss.mass == pytest.approx(-0.1, abs=0.01)
    assert gain.hi is None and gain.lo == pytest.approx(1.0, abs=0.05)
    assert found.p_value == 0.001


@given(st.lists(st.floats(-1e6, 1e6), min_size=100, max_size=300, unique=True))
def test_bins_count_everything_once_and_alike(values):
    q = np.array(values)
    bins = Bins.of_sample(q)
    counts = bins.counts(np.append(q, np.nan))
    assert counts.sum() == len(q) + 1
    assert counts[-1] == 1
    assert np.allclose(counts[1:-2], len(q) * 0.0495, atol=2)


def test_stretches_are_neighbours_of_one_sign():
    bins = Bins.of_sample(np.linspace(0, 1, 10_001))
    change = np.zeros(23)
    change[3:6], change[10], change[0] = 0.02, -0.06, -1e-5
    found = stretches(change, np.full(23, 1e-6))
    ends = [bins.span(rows.start, rows.stop - 1) for rows in found]
    moved = [change[rows].sum() for rows in found]
    assert [(round(lo, 2), round(hi, 2), round(m, 3)) for (lo, hi), m in zip(ends, moved, strict=True)] == [
        (0.1, 0.25, 0.06),
        (0.45, 0.5, -0.06),
    ]


# ---- what was planted

SIZES = np.random.default_rng(20_260_515).uniform(0.006, 0.03, 3).round(4)  # nobody tuned on these


@pytest.mark.parametrize("size", SIZES)
def test_white_error_comes_back_with_its_size(demos, size):
    _, spectrum, found = findings(demos, deviated(demos, Isotropic(size), 20_000, 2))
    assert found.white.size == pytest.approx(size, rel=0.2)
    assert found.white.size_interval[0] < size * 1.05 and found.white.size_interval[1] > size * 0.95
    assert found.skill >= 0.9
    assert found.skill_interval[1] == 1
    assert spectrum.kind == "white"
    assert spectrum.size == pytest.approx(size, rel=0.1)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", ["smooth", "speed", "distance", "sensitivity"])
def test_other_deviations_are_explained_or_said_to_be_beyond_this_quantity(demos, kind, size):
    kernels = {"smooth": Smooth(3 * size, 2.5), "speed": SpeedScale(size), "distance": DistanceScale(size)}
    kernel = (kernels | {"sensitivity": StateScale(size)})[kind]
    comparison, spectrum, found = findings(demos, deviated(demos, kernel, 20_000, 3))
    if comparison.tv > 2 * comparison.tv_floor:
        assert found.skill >= 0.9
    else:
        assert found.skill is None
    if kind == "smooth":
        assert spectrum.kind == "smooth"
        assert spectrum.length == pytest.approx(2.5, rel=0.2)
        assert spectrum.size == pytest.approx(3 * size, rel=0.2)


def test_error_that_the_quantity_cannot_see_is_said_to_be_so(demos):
    shaken = demonstrations(demos.kept.x[:3_000], "displacement")
    x = curves(2_000, np.random.default_rng(4))
    done = audit(demos.kept.x[:3_000], "displacement", Smooth(0.01, 8.0).deviate(shaken, x, np.random.default_rng(5)))
    record = done.record()
    assert record["skill"] is None
    assert record["scale"] is None
    assert "cannot identify" in done.summary()


@pytest.mark.parametrize("order", [1, 2, 3])
def test_differences_of_white_error_have_binomial_mean_squares(order):
    assert expected(STEPS, 0.0)[order - 1] == pytest.approx([2, 6, 20][order - 1], rel=1e-3)
    smooth = Smooth(1.0, 4.0).deviate(Unit, np.zeros((400, 256, 1)), np.random.default_rng(0))
    square = np.mean(np.diff(smooth, order, axis=1) ** 2)
    assert square == pytest.approx(expected(256, 4.0)[order - 1], rel=0.15)


class Unit:
    scale = np.ones(1)


# ---- the whole


def test_record_is_json_and_absent_values_are_null(demos, tmp_path):
    done = audit(demos.kept.x[:1_000], "path_length")
    done.save(json_file=tmp_path / "a.json")
    record = json.loads((tmp_path / "a.json").read_text())
    assert record["schema_version"] == 3
    assert all(record[key] is None for key in AFTER)
    assert len(record["bins"]["edges"]) == 21
    assert np.allclose(record["bins"]["intended"], [0.005, *[0.0495] * 20, 0.005, 0], atol=2e-3)


def test_a_record_with_samples_has_the_keys_of_one_without(demos):
    x = demos.kept.x[:300]
    done = audit(x, "displacement", x[:150])
    without, found = audit(x, "displacement").record(), done.record()
    assert set(found) == set(without)
    assert {key for key, value in found.items() if value is not None and without[key] is None} <= set(AFTER)
    comparison = done.findings.comparison
    assert (found["tv"], found["p_value"], found["w1"]) == (comparison.tv, comparison.p_value, comparison.w1)
    assert found["mass"] == comparison.mass.tolist()
    assert found["samples"] == {"file": "array", "trajectories": 150, "failed": 0}


def test_same_seed_same_audit_and_samples_may_fail(demos):
    x = curves(500, np.random.default_rng(12))
    words = {
        "demos": demos.kept.x[:1_000],
        "quantity": "curvature",
        "samples": np.where(np.arange(500)[:, None, None] < 3, 0, x),
    }
    first, second = audit(**words).record(), audit(**words).record()
    assert first == second
    assert first["samples"]["failed"] == 3
    assert first["mass"][-1] == pytest.approx(0.006)


@pytest.mark.parametrize("kernel", ["isotropic", "smooth", "speed-scale", "distance-scale", "state-scale", "contract"])
def test_any_kernel_may_be_asked_for(demos, kernel):
    done = audit(demos.kept.x[:1_000], "path_length", deviated(demos, Isotropic(0.02), 1_000, 13), kernel=kernel)
    assert done.record()["kernel"] == kernel
    assert done.forecast.typical.kernel.name == kernel


def test_unequal_episodes_are_audited(tmp_path):
    rng = np.random.default_rng(14)
    x, steps = curves(1_000, rng), rng.integers(30, 65, 1_000)
    np.savez(tmp_path / "demos.npz", x=x, steps=steps)
    np.savez(tmp_path / "gen.npz", x=x + 0.02 * rng.standard_normal(x.shape), steps=steps)
    for ragged in ("mask", "resample"):
        reading = Reading(ragged=ragged, dt=0.1)
        done = audit(tmp_path / "demos.npz", "path_length", tmp_path / "gen.npz", reading=reading)
        assert done.record()["p_value"] < 0.01
        assert done.record()["skill"] > 0.5
