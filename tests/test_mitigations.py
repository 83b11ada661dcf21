"""Strategies against the shift: exact inverses, weights that undo, guidance as defined, and forecasts that follow."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from physlib import kernels, mitigations, tasks
from physlib.core.rng import numpy_rng, torch_rng
from physlib.forecasting.forecast import forecast
from physlib.mitigations import learned, penalty
from physlib.models import build
from physlib.models.wrappers import DROPPED, Numbers
from physlib.runs.presets import changes, resolve
from physlib.runs.run import produce, run
from physlib.runs.summary import Keep
from physlib.runs.training import Schedule, fit
from physlib.stats.distances import quantile_shift, total_variation, tv_floor
from physlib.stats.histogram import flat_mass
from physlib.tasks.representations import Cosines, Increments, Rates, Recoded, StepsAndHeadings, analytic_chart
from physlib.tasks.sensitivity import coordinate_sensitivity
from tests.conftest import physlib

LOGISTIC, SINUSOID = tasks.get_task("logistic"), tasks.get_task("sinusoid")
WIDTH = LOGISTIC.hi - LOGISTIC.lo


def tilted(n, rng):
    """Draws on the logistic map's range with a density that rises threefold from end to end."""
    u = rng.random(n)
    return LOGISTIC.lo + WIDTH * (np.sqrt(1 + 8 * u) - 1) / 2


@pytest.mark.parametrize("name", ["logistic", "tent", "sinusoid", "maze-umaze", "pendulum-regular-positions"])
def test_charts_invert(name):
    task = tasks.get_task(name)
    x = task.sample(300, numpy_rng(0, "chart")).x
    for chart in (analytic_chart(task), Increments(), Cosines()):
        codes = chart.encode(x)
        assert codes.shape == x.shape
        assert np.abs(chart.decode(codes) - x).max() < 1e-8
        seen = Recoded(task, chart)
        assert np.allclose(seen.measure(codes), task.measure(x), atol=1e-7)
        assert np.allclose(seen.residual(codes), task.residual(x), atol=1e-6)


@pytest.mark.parametrize("name", tasks.SYNTHETIC)
def test_rates_say_the_quantity(name):
    task = tasks.get_task(name)
    data = task.sample(500, numpy_rng(0, "rates"))
    assert np.allclose(Rates(task).encode(data.x)[:, task.HEAD :, 0], data.q[:, None])
    q = np.linspace(-2, 5, 101)
    assert np.allclose(task.parameter(task.coefficient(q)), q)


def test_a_frequency_below_zero_is_growth():
    codes = np.full((1, 16, 1), -0.3)
    codes[:, :2, 0] = 1, np.exp(0.3)
    assert np.allclose(Rates(SINUSOID).decode(codes)[0, :, 0], np.exp(0.3 * np.arange(16)))


def test_steps_and_headings_say_the_length():
    paths = tasks.get_task("maze-umaze").sample(200, numpy_rng(0, "paths"))
    codes = StepsAndHeadings().encode(paths.x)
    assert np.allclose(np.exp(codes[:, 1:, 0]).sum(axis=1), paths.q)


def test_an_error_of_one_rate_counts_for_its_share():
    """A map's parameter is the mean of its rates, weighted by f squared."""
    seen = Recoded(LOGISTIC, Rates(LOGISTIC))
    rng = numpy_rng(0, "rate")
    data = LOGISTIC.draw(4_000, rng)
    found = coordinate_sensitivity(seen, seen.encoded(data), 0.02, rng)
    weight = LOGISTIC.f(data.x[:, :-1, 0]) ** 2
    last = weight[:, -1] / weight.sum(axis=1)  # an error of the last rate moves no other step
    assert found.change[-1, 0] == pytest.approx(0.02 * found.slope[-1, 0], rel=0.05)
    assert found.slope[-1, 0] == pytest.approx(seen.scale[-1, 0] * np.sqrt(np.mean(last**2)), rel=0.05)


def test_a_learned_chart_inverts_and_lowers_the_sensitivity(monkeypatch):
    monkeypatch.setattr(learned, "STEPS", 150)
    ring = tasks.get_task("ring")
    data = ring.sample(20_000, numpy_rng(0, "ring"))
    chart = learned.learn(ring, data.x, 0)
    codes = chart.encode(data.x)
    assert np.abs(chart.decode(codes) - data.x).max() < 1e-10
    again = learned.FlowChart(ring).load(chart.weights())
    assert np.abs(again.decode(again.encode(data.x)) - data.x).max() < 1e-5
    assert np.allclose(again.encode(data.x), codes, atol=1e-4)
    plain, seen = (forecast(t, kernels.Isotropic(0.05), 40_000).spread.mean() for t in (ring, Recoded(ring, chart)))
    assert seen < 0.9 * plain


def test_reweighting_shows_the_inverse_of_what_was_seen():
    rng = numpy_rng(0, "reweight")
    data, seen = LOGISTIC.sample(100_000, rng), tilted(200_000, rng)
    change = mitigations.get("reweight").change(LOGISTIC, data, [seen], rng)
    shown = LOGISTIC.bins.counts(data.q[change.train_rows])[1:-2] / 100_000
    density = (1 + 2 * (np.arange(20) + 0.5) / 20) / 2
    assert shown * density == pytest.approx(np.full(20, np.mean(shown * density)), rel=0.1)
    twice = mitigations.get("reweight-twice").change(LOGISTIC, data, [seen, seen], rng)
    ratio = twice.arrays["bin_weights"] / change.arrays["bin_weights"] ** 2
    assert np.ptp(ratio) < 1e-9 * ratio.mean()


def test_deconvolution_makes_its_kernel_come_out_flatter(monkeypatch):
    monkeypatch.setattr("physlib.mitigations.deconvolve.DRAWS", 5_000)
    rng, kernel = numpy_rng(0, "deconvolve"), kernels.Contract(0.1)
    data = LOGISTIC.sample(50_000, rng)
    seen = kernel.push(LOGISTIC, LOGISTIC.sample(50_000, rng), rng)
    weights = mitigations.get("deconvolve").change(LOGISTIC, data, [seen], rng).arrays["bin_weights"]
    transition = forecast(LOGISTIC, kernel, 200_000).transition[:, 1:-2]
    even, best, less = (np.sum((transition @ w / 20 - flat_mass()) ** 2) for w in (np.ones(20), weights, weights**0.5))
    assert weights.min() >= 0
    assert best < even
    assert best < less


@pytest.mark.parametrize(("task", "ends"), [(SINUSOID, (0.01, 1.09)), (LOGISTIC, (3.45, 4.0))])
def test_a_guard_band_goes_as_far_as_the_rule(task, ends):
    rng = numpy_rng(0, "guard")
    change = mitigations.get("guard").change(task, task.sample(20_000, rng), [], rng)
    assert (change.wider.lo, change.wider.hi) == pytest.approx(ends)
    assert len(change.data.q) == 20_000
    kept = np.mean((change.data.q >= task.lo) & (change.data.q <= task.hi))
    assert kept == pytest.approx((task.hi - task.lo) / (ends[1] - ends[0]), abs=0.01)


def test_a_guard_band_fills_the_ends_that_a_contraction_empties():
    """A law that rounds the jumps at both ends over a width well below the band leaves nothing of its shift inside."""
    rng, law = numpy_rng(0, "guard law"), kernels.Shrink(0.03)
    before = mitigations.forecast_mitigation("", SINUSOID, law, rng)
    after = mitigations.forecast_mitigation("guard", SINUSOID, law, rng)
    assert after.sum() == pytest.approx(1)
    assert total_variation(before, flat_mass()) > 0.02
    assert total_variation(after, flat_mass()) < 2 * tv_floor(flat_mass(), 80_000)


def test_resampling_is_flat_and_drops_what_is_outside():
    rng = numpy_rng(0, "resample")
    seen = np.concatenate([tilted(40_000, rng), np.full(2_000, LOGISTIC.hi + 1)])[rng.permutation(42_000)]
    kept = mitigations.get("resample").change(LOGISTIC, None, [seen], rng).selected
    mass = LOGISTIC.bins.counts(seen[kept]) / kept.size
    assert mass[-2] == 0
    assert kept.min() >= 21_000  # not those that the shares were read from
    assert total_variation(mass, flat_mass()) < tv_floor(flat_mass(), kept.size) + 0.02
    assert kept.size / 21_000 == pytest.approx(0.5, abs=0.05)  # a density that starts at half its mean


def test_the_penalty_is_the_squared_drift():
    sinusoid = penalty.drift_penalty(SINUSOID)
    x = torch.as_tensor(SINUSOID.sample(400, numpy_rng(0, "penalty")).x)
    assert float(sinusoid(x, x)) < 1e-12
    faster = torch.as_tensor(SINUSOID.generate(np.full(200, 0.61), np.zeros((200, 1)))).requires_grad_()
    slow = torch.as_tensor(SINUSOID.generate(np.full(200, 0.6), np.zeros((200, 1))))
    value = sinusoid(faster, slow)
    expected = penalty.STRENGTH * (0.01 / (SINUSOID.hi - SINUSOID.lo)) ** 2 / penalty.GROUPS
    assert float(value.detach()) == pytest.approx(expected, rel=1e-6)
    value.backward()
    assert torch.isfinite(faster.grad).all()
    wild = torch.full_like(x, 3.0) * torch.tensor([1.0, -1.0]).repeat(8)[:, None]
    assert np.isfinite(float(sinusoid(wild, x)))  # frequencies far off are passed over


def test_guidance_goes_along_the_difference():
    model = build("diffusion-mlp", np.zeros(2), np.ones(2), 4, 32, 1, 4, numbers=1, guidance=3.0).eval()
    torch.nn.init.normal_(model.backbone.leave.weight, generator=torch_rng(0, "leave"))
    x, sigma = torch.randn(8, 4, 1, generator=torch_rng(0, "x")), torch.full((8,), 0.5)
    known = torch.linspace(-1, 1, 8)[:, None].expand(8, 4)[..., None]
    _, condition = model.conditioning.split(torch.cat([x, known], dim=2), torch_rng(0, "unused"))
    assert condition.tolist() == [[pytest.approx(v), 1.0] for v in np.linspace(-1, 1, 8)]
    guided = model.denoiser(condition)(x, sigma)
    model.conditioning.guidance = 1.0
    told, alone = (model.denoiser(c)(x, sigma) for c in (condition, torch.zeros_like(condition)))
    assert not torch.allclose(told, alone, atol=1e-3)
    assert torch.allclose(guided, alone + 3 * (told - alone), atol=1e-5)


def test_a_share_of_the_batch_is_denoised_without_its_condition():
    model = build("diffusion-mlp", np.zeros(2), np.ones(2), 4, 32, 1, 4, numbers=1)
    batch = torch.randn(20_000, 4, 2, generator=torch_rng(0, "batch"))
    x, condition = model.conditioning.split(batch, torch_rng(0, "dropped"))
    assert torch.equal(x, batch[..., :1])
    silent = (condition == 0).all(dim=1)
    assert torch.equal(condition[~silent, 0], batch[~silent, 0, 1])
    assert set(condition[~silent, -1].tolist()) == {1.0}
    assert float(silent.float().mean()) == pytest.approx(DROPPED, abs=0.01)
    assert not (model.eval().conditioning.split(batch, torch_rng(0, "dropped"))[1] == 0).all(dim=1).any()


def test_a_conditioned_model_makes_what_is_requested():
    rng = numpy_rng(0, "told")
    label = rng.uniform(-2, 2, (5_000, 1))
    x = (label[:, :, None] + 0.05 * rng.standard_normal((5_000, 4, 1))).astype(np.float32)
    packed = np.concatenate([x, np.broadcast_to(label[:, :, None], x.shape)], axis=2)
    model = build("diffusion-mlp", packed.mean((0, 1)), packed.std((0, 1)), 4, 32, 1, 8, numbers=1)
    assert isinstance(model.conditioning, Numbers)
    fit(model, torch.as_tensor(packed, dtype=torch.float32), Schedule(steps=400, batch=128), torch_rng(0, "fit"))
    asked = torch.linspace(-1.5, 1.5, 200)[:, None]
    made = model.sample(asked, torch_rng(0, "ask"))
    assert made.shape == (200, 4, 1)
    assert float((made.mean(dim=(1, 2)) - asked[:, 0]).abs().median()) < 0.15


def test_a_kernel_says_what_each_strategy_will_do():
    def distance(name, kernel):
        mass = mitigations.forecast_mitigation(name, LOGISTIC, kernel, numpy_rng(0, name), draws=30_000)
        return mass if mass is None else total_variation(mass, flat_mass())

    contract = kernels.Contract(0.08)
    plain = distance("", contract)
    assert distance("coordinates", contract) < 0.3 * plain
    assert distance("resample", contract) < 0.6 * plain
    assert distance("condition", contract) > distance("coordinates", contract)
    assert distance("penalty", contract) is None
    assert distance("", kernels.NoShift()) == pytest.approx(0, abs=2 * tv_floor(flat_mass(), 30_000))


@given(st.floats(0.2, 5), st.floats(-3, 3))
@settings(max_examples=20, deadline=None)
def test_quantile_shift_does_not_care_for_units(scale, offset):
    rng = numpy_rng(0, "units")
    a, b = rng.standard_normal(2_000), rng.standard_normal(2_000) + 0.5
    assert quantile_shift(scale * a + offset, scale * b + offset) == pytest.approx(quantile_shift(a, b), abs=2e-3)
    assert quantile_shift(a, np.full(10, np.nan)) == pytest.approx(1)
    assert np.isnan(quantile_shift(np.ones(50), a))


@pytest.mark.parametrize("name", mitigations.STRATEGIES)
def test_every_strategy_makes_a_run(name, tmp_path, monkeypatch):
    monkeypatch.setattr(learned, "STEPS", 5)
    monkeypatch.setattr("physlib.mitigations.deconvolve.DRAWS", 2_000)
    monkeypatch.setenv("PHYSLIB_BUILD", str(tmp_path))
    brief = {"n_train": 2_000, "n_samples": 400, "n_probe": 0, "steps": 10, "heun_steps": 4}
    result = run(resolve("tent", "diffusion-mlp", "smoke", 0, mitigation=name, **brief))
    assert 0 < result["q"].size <= 400
    assert result["other_shift"].shape == (2,)
    assert ("asked" in result.arrays) == mitigations.get(name).needs_quantity
    assert changes(result.config)["mitigation"] == name


def test_runs_that_a_strategy_depends_on_are_made_again_where_their_samples_were_not_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("PHYSLIB_BUILD", str(tmp_path))
    brief = {"n_train": 2_000, "n_samples": 400, "n_probe": 0, "steps": 10, "heun_steps": 4}
    plain = resolve("tent", "diffusion-mlp", "smoke", 0, **brief)
    assert "q" not in run(plain, keep=Keep(samples=False, residual=False, others=False)).arrays
    made = run(resolve("tent", "diffusion-mlp", "smoke", 0, mitigation="resample", **brief))
    samples = produce(plain, "cpu", None)["q"]
    assert 0 < made["q"].size < 200
    assert np.isin(made["q"], samples[200:]).all()


def test_bad_names_get_one_sentence():
    answer = physlib("run", "tent", "--set", "mitigation=rewight", check=False)
    assert answer.returncode == 2
    assert "did you mean 'reweight'" in answer.stderr
    answer = physlib("run", "tent", "--model", "vae-mlp", "--set", "mitigation=reweight", check=False)
    assert answer.returncode == 2
    assert "means nothing for vae-mlp" in answer.stderr
