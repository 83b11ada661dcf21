"""What must not change an audit, and what it must not find: orders, blocks, paces, sizes of nought."""

import gc
import json
import weakref

import numpy as np
import pytest
from scipy.stats import poisson, wasserstein_distance

from physlib.audit import Reading, after, audit
from physlib.audit.compare import compare
from physlib.audit.io.open import open_trajectories
from physlib.audit.io.read import load
from physlib.audit.spectrum import read_spectrum
from physlib.core.errors import PhyslibError
from physlib.core.rng import numpy_rng
from physlib.forecasting.forecast import forecast
from physlib.kernels import Contract, Isotropic, Smooth, SpeedScale, StateScale
from physlib.stats.histogram import Bins
from physlib.tasks.representations import StepsAndHeadings
from tests.test_audit import STEPS, curves, demonstrations, episodes


@pytest.fixture(scope="module")
def few():
    return demonstrations(curves(3_000, np.random.default_rng(21)))


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(after, "RESAMPLED", 20)


def noisy(demos, n, seed, size=0.02):
    rng = np.random.default_rng(seed)
    return Isotropic(size).deviate(demos, curves(n, rng), rng)


def test_the_order_of_a_file_does_not_matter(few, monkeypatch):
    monkeypatch.setattr("physlib.audit.io.read.KEPT_ENTRIES", 0)  # 1,000 are kept of 3,000
    x = few.kept.x
    rising = x[np.argsort(few.loaded.kept_q)]
    drawn = noisy(few, 4_000, 22)
    falling = drawn[np.argsort(-few.measure(drawn))]
    first, second = (
        audit(a, "path_length", b, kernel="isotropic").record() for a, b in ((x, drawn), (rising, falling))
    )
    assert second["scale"] == pytest.approx(first["scale"], rel=0.05)
    assert second["skill"] == pytest.approx(first["skill"], abs=0.1)
    assert second["tv"] == first["tv"]


def test_each_half_chooses_without_the_other(few):
    first = np.arange(2_000) % 2 == 0
    calm, wild = noisy(few, 2_000, 31, 0.01), noisy(few, 2_000, 31, 0.01)
    wild[~first] = noisy(few, 1_000, 32, 0.1)
    chosen = []
    for x in (calm, wild):
        drawn = load(open_trajectories(x, Reading()), few.quantity, Reading(), numpy_rng(0, "halves"), STEPS)
        whole, half, _ = after._parts(few, drawn, None, (np.ones_like(first), first, ~first), "smooth", 0)
        chosen.append((half.responses[0].length, half.places, whole.places))
    assert chosen[0][0] == chosen[1][0]
    assert all(np.array_equal(*pair) for pair in zip(chosen[0][1], chosen[1][1], strict=True))
    assert not all(np.array_equal(*pair) for pair in zip(chosen[0][2], chosen[1][2], strict=True))


@pytest.mark.parametrize("kernel", [SpeedScale(0.02), StateScale(0.02)])
def test_the_size_of_blocks_does_not_matter(few, kernel):
    x, stretched = few.kept.x[:1_000], few.kept.x[:1_000].copy()
    stretched[500:] *= 5  # another block may move more: what it does to the first must not change
    moved = [kernel.deviate(few, rows, np.random.default_rng(0))[:500] for rows in (x, stretched)]
    assert np.array_equal(*moved)


def test_a_contraction_of_nought_leaves_every_bin_alone(few):
    pushed = forecast(few, Contract(1e-6), 20_000)
    held = np.diag(pushed.transition)[1:-2]
    # the posterior mean is a curve through means of groups: a value near an edge may still be carried over it
    assert held.min() > 0.9
    assert np.abs(pushed.drift).max() < 0.01 * np.ptp(few.bins.edges)
    larger = np.diag(forecast(few, Contract(0.02), 20_000).transition)[1:-2]
    assert larger.mean() < held.mean()


def at_pace(n, rng, pace):
    """Bent, weaving paths as `curves` makes them, walked faster and therefore farther."""
    long = curves(n, rng, 1_261)
    place = np.linspace(0, 630 * pace, 64)
    below, part = place.astype(int), (place % 1)[:, None]
    return (1 - part) * long[:, below] + part * long[:, below + 1]


@pytest.mark.parametrize("pace", [0.9, 1.05, 1.2])
def test_a_faster_motion_is_not_an_error(pace):
    rng = np.random.default_rng(23)
    demos, x = at_pace(5_000, rng, 1.0), at_pace(5_000, rng, pace)
    scale = demos.std(axis=(0, 1))
    found = read_spectrum(episodes(demos), episodes(x), scale)
    assert found.size is None
    assert found.moved
    error = Smooth(0.03, 2.5).deviate(demonstrations(demos), x, rng)
    assert read_spectrum(episodes(demos), episodes(error), scale).kind == "smooth"


def test_a_larger_motion_is_not_an_error(few):
    x = 1.2 * curves(3_000, np.random.default_rng(24))
    done = audit(few.kept.x, "path_length", x, kernel="isotropic")
    assert done.findings.spectrum.kind == "unreadable"
    assert "faster, slower or larger" in done.summary()


def test_samples_that_have_left_the_bins_identify_nothing(few):
    done = audit(few.kept.x, "smoothness", noisy(few, 500, 30, 0.1))
    assert done.record()["skill"] is None
    assert "of the samples lie in one bin (above" in done.summary()


def test_distance_of_few_valued_quantities_is_covered():
    truth = wasserstein_distance(range(40), range(40), poisson.pmf(range(40), 2.0), poisson.pmf(range(40), 2.3))
    held = []
    for seed in range(100):
        rng = np.random.default_rng([25, seed])
        first, second = rng.poisson(2.0, 2_000).astype(float), rng.poisson(2.3, 2_000).astype(float)
        low, high = compare(Bins.of_sample(first), first, second, rng).w1_interval
        held.append(low <= truth <= high)
    assert np.mean(held) >= 0.88


def test_residuals_of_nought_or_beside_a_kernel_are_refused(few):
    x = few.kept.x
    with pytest.raises(PhyslibError, match="all zero"):
        audit(x, "path_length", residuals=np.zeros_like(x[:500]))
    with pytest.raises(PhyslibError, match="leave out --kernel"):
        audit(x, "path_length", residuals=0.01 * x[:500], kernel="smooth")


def test_few_residuals_leave_a_wide_range(few):
    def width(n):
        rng = np.random.default_rng(26)
        error = rng.exponential(0.01, (n, 1, 1)) * rng.standard_normal((n, 64, 2))
        low, high = audit(few.kept.x, "path_length", residuals=error).record()["forecast"]["mean_shift_range"]
        return high - low

    assert width(100) > 2 * width(2_000) > 0


def test_enormous_entries_get_one_sentence(few, recwarn):
    x = few.kept.x[:200].copy()
    x[3, 2, 1] = 1e200
    with pytest.raises(PhyslibError, match="squares are beyond all numbers"):
        audit(x, "path_length")
    assert not [w for w in recwarn if w.category is RuntimeWarning]


def test_a_record_says_what_was_asked_and_not_where(few, tmp_path):
    np.savez(tmp_path / "d.npz", x=few.kept.x[:300])
    done = audit(tmp_path / "d.npz", "displacement", angles=(1,), kernel="smooth", seed=4)
    done.save(json_file=tmp_path / "r.json")
    text = (tmp_path / "r.json").read_text()
    asked = json.loads(text)["asked"]
    plain = {"key": "x", "columns": None, "dt": None, "ragged": None, "length": None, "angles": [1]}
    plain |= {"episode": None, "trim_idle": False, "drop_undefined": False, "relative": None}
    assert asked["reading"] == plain
    assert (asked["kernel"], asked["seed"]) == ("smooth", 4)
    assert str(tmp_path) not in text
    assert "version" in json.loads(text)["physlib"]


def test_an_audit_can_be_forgotten():
    demos = demonstrations(curves(500, np.random.default_rng(28)))
    for kernel in (Contract(0.02), SpeedScale(0.02), StateScale(0.02)):
        forecast(demos, kernel, 2_000)
    known = weakref.ref(demos)
    del demos
    gc.collect()
    assert known() is None


def test_a_step_is_its_direction_and_the_logarithm_of_its_length():
    x = np.random.default_rng(29).standard_normal((50, 12, 3)).cumsum(axis=1)
    chart = StepsAndHeadings(1e-6, vectors=True)
    assert np.allclose(chart.decode(chart.encode(x)), x)
    longer = chart.encode(x)
    longer[:, 1:, 0] += np.log(2)
    assert np.allclose(np.diff(chart.decode(longer), axis=1), 2 * np.diff(x, axis=1), atol=1e-4)
