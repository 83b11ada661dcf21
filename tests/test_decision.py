"""Readings of trajectories, and when a model decides them: models whose answer is known."""

import numpy as np
import pytest
import torch

from physlib import tasks
from physlib.core.errors import PhyslibError
from physlib.core.rng import numpy_rng
from physlib.evaluation.decision import DecisionCurve, decision_curves, decision_frame, decision_level
from physlib.evaluation.mechanism import mean_shift, open_shares, open_shift
from physlib.forecasting.forecast import forecast
from physlib.kernels import Isotropic
from physlib.models import PROBES, RENOISE
from physlib.runs.decision import decisions, levels_of
from physlib.runs.presets import resolve
from physlib.runs.store import Result
from physlib.runs.summary import measure, summarise
from physlib.studies import mechanism
from physlib.tasks import readings as known
from physlib.tasks.estimators import Reread, estimators_of, read_by
from physlib.tasks.readings import readings

LOGISTIC, SINUSOID = tasks.get_task("logistic"), tasks.get_task("sinusoid")
LEVELS = np.array(levels_of(RENOISE, LOGISTIC))


class Contracted:
    """A model that knows the rule, draws parameters too near to the middle, and decides on them at one level."""

    device = torch.device("cpu")

    def __init__(self, task, decided_at):
        self.task, self.decided_at = task, decided_at

    def sample(self, n, rng):
        q = self.task.prior.mean + 0.8 * (self.task.prior_draws(n, rng) - self.task.prior.mean)
        return self.task.generate(q, self.task.nuisance(q, rng))

    def redraw(self, x, level, rng):
        if level < self.decided_at:
            return x
        return torch.as_tensor(self.sample(len(x), np.random.default_rng(int(1e6 * level) + len(x))))


def followed(task, decided_at, seed=0, n=20_000):
    config = resolve(task.name, "diffusion-mlp", "laptop", seed, n_decision=n)
    model = Contracted(task, decided_at)
    samples = model.sample(n, numpy_rng(seed, "samples"))
    arrays, record = decisions(model, task, RENOISE, samples, np.empty((0, *task.shape)), config, "test")
    summary, facts = summarise(task, measure(task, samples), samples[:1_000])
    return Result(config, arrays | summary, record | facts)


@pytest.fixture(scope="module")
def late():
    return [followed(LOGISTIC, 0.3, seed) for seed in range(3)]


def test_a_shift_is_back_from_the_level_where_it_is_decided(late):
    curves = decision_curves(late)
    assert next(iter(curves)) == "parameter"
    for name, noise in {**dict.fromkeys(estimators_of(LOGISTIC)[1:], 0.03), "maximum": 0.15}.items():
        curve, early = curves[name], LEVELS < 0.3
        assert np.all(curve.shift > 0.03)
        assert np.all(curve.shares[:, early] == 0)  # nothing has changed: not even noise
        assert curve.shares[:, ~early].mean() == pytest.approx(1, abs=noise)
        assert np.all((curve.decision_levels > 0.2) & (curve.decision_levels <= 0.3))


def test_every_estimator_sees_what_a_model_that_knows_the_rule_shifts(late):
    shift = {name: curve.shift.mean() for name, curve in decision_curves(late).items()}
    for name in estimators_of(LOGISTIC)[1:]:
        assert shift[name] == pytest.approx(shift["parameter"], abs=0.005)
    assert shift["parameter"] == pytest.approx(0.2, abs=0.01)  # a fifth of the range is empty


def test_redrawing_keeps_the_number_of_trajectories(late):
    assert np.all(late[0]["decision_net"].sum(axis=-1) == 0)
    assert np.all(np.abs(late[0]["decision_net"]) <= late[0]["decision_moved"])
    assert np.all(late[0]["reading_counts"].sum(axis=-1) == 20_000)


def test_a_model_without_a_shift_decides_nothing():
    class Right(Contracted):
        def sample(self, n, rng):
            return self.task.sample(n, rng).x

    task, config = SINUSOID, resolve("sinusoid", "diffusion-mlp", "laptop", 0, n_decision=2_000)
    model = Right(task, 0.3)
    samples = model.sample(2_000, numpy_rng(0, "samples"))
    arrays, record = decisions(model, task, RENOISE, samples, samples, config, "test")
    assert "amplitude" not in record["readings"]  # 1 in all data: it has no distribution
    curves = decision_curves([Result(config, arrays, record)])
    assert np.isnan(curves["angular frequency"].shares).all()
    assert np.isnan(curves["angular frequency"].decision_levels).all()


def test_the_decision_level_is_log_linear_between_levels():
    levels = np.array([0.1, 0.4, 2.0])
    assert decision_level(levels, np.array([0.25, 0.75, 1])) == pytest.approx(0.2)
    assert decision_level(levels, np.array([0.6, 0.75, 1])) == 0.1
    assert decision_level(levels, np.array([0.0, 0.2, 0.5])) == pytest.approx(2.0)
    assert np.isnan(decision_level(levels, np.array([0.0, 0.2, 0.4])))


def test_a_curve_as_rows():
    curve = DecisionCurve("energy", np.array([0.1, 0.3]), np.array([0.1, 1.0]), np.array([[0.0, 1.0], [0.4, 1.0]]))
    frame = decision_frame([curve])
    assert frame.share.tolist() == pytest.approx([0.2, 1.0])
    assert frame["shift"].tolist() == pytest.approx([0.2, 0.2])


def test_a_run_without_decision_curves_has_no_such_arrays():
    config, x = resolve("logistic", "diffusion-mlp", "laptop", 0), np.empty((0, 16, 1))
    assert decisions(None, LOGISTIC, RENOISE, x, x, config, "") == ({}, {})


def test_series_against_closed_forms():
    t = np.arange(16)
    wave = np.sin(2 * np.pi * t / 16 + 0.3)[None, :, None]
    assert known.mean(wave) == pytest.approx(0, abs=1e-12)
    assert known.variance(wave) == pytest.approx(0.5)
    assert known.variance(np.concatenate([wave, 2 * wave], axis=2)) == pytest.approx(2.5)
    line = np.arange(6.0)[None, :, None]
    assert (known.maximum(line), known.minimum(line), known.step_size(3 * line)) == (5, 0, 3)
    assert known.late_variance(line) == pytest.approx(2 / 3)
    turns = np.tile([1.0, -1.0], 8)[None, :, None]
    assert known.correlation(turns) == pytest.approx(-15 / 16)


@pytest.mark.parametrize("name", ["logistic", "sinusoid~cosine", "maze-umaze", "pendulum-regular-state"])
def test_there_are_at_least_six_readings_and_the_balanced_one_comes_first(name):
    task = tasks.get_task(name)
    found = readings(task)
    names = [reading.name for reading in found]
    assert len(set(names)) == len(names) >= 6
    assert names[0] == task.info.quantity
    assert [r.balanced for r in found].count(True) == len(estimators_of(task))
    x = task.sample(50, numpy_rng(0, "readings")).x
    assert all(np.isfinite(r.read(x)).all() for r in found)


def test_nonlinear_least_squares_takes_most_of_the_white_error_off_the_lowest_frequencies():
    first = [
        20 * forecast(read_by(SINUSOID, name), Isotropic(0.036), 200_000).mass[1] for name in estimators_of(SINUSOID)
    ]
    assert first == pytest.approx([0.64, 0.94], abs=0.02)


def test_a_reread_task_is_the_same_but_for_its_measurement():
    task = read_by(LOGISTIC, "best-orbit")
    assert isinstance(task, Reread)
    assert read_by(LOGISTIC) is LOGISTIC
    data = task.sample(100, numpy_rng(0, "reread"))
    assert np.array_equal(data.x, LOGISTIC.sample(100, numpy_rng(0, "reread")).x)
    assert task.measure(data.x) == pytest.approx(data.q, abs=1e-6)
    assert task.name == "logistic by best-orbit"
    with pytest.raises(PhyslibError, match="best-orbit"):
        read_by(LOGISTIC, "best-orbt")


def test_open_bins_count_what_lies_beyond_with_the_ends(late):
    inside = followed(tasks.get_task("logistic~cosine"), 0.3, n=4_000)
    for runs in (late, [inside]):
        mass = open_shares(runs)
        assert mass.sum(axis=1) == pytest.approx(1)
        assert not mass[:, [0, -2]].any()
    # a uniform law squeezed to four fifths of its range: 2 of 20 bins empty on either side, the others a quarter more
    assert open_shift(late) == pytest.approx(0.2, abs=0.01)
    assert mean_shift(late) == pytest.approx(0, abs=0.05)


def test_longer_trajectories_are_followed_further():
    assert LEVELS.max() == 2
    assert max(levels_of(RENOISE, tasks.get_task("pendulum-regular-state"))) == 20
    for model in ("autoregressive-transformer", "vae-mlp"):
        assert levels_of(PROBES[model], LOGISTIC) == PROBES[model].decision


def test_as_many_are_followed_under_every_prior():
    sizes = {
        c.n_decision for prior in ("", "~cosine") for c in mechanism.followed(f"tent{prior}", "diffusion-mlp", "laptop")
    }
    assert sizes == {20_000}
    assert resolve("tent~cosine", "diffusion-mlp", "laptop", 100, pilot=True).n_decision == 0
