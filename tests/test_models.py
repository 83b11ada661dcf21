"""The diffusion model against closed forms for Gaussian data, and the backbones' contract."""

import numpy as np
import pytest
import torch
from torch import nn

from physlib import models
from physlib.core.errors import PhyslibError
from physlib.core.rng import torch_rng
from physlib.models.denoising import DenoisingModel
from physlib.models.samplers import SIGMA_MAX, SIGMA_MIN, heun, noise_levels, stochastic
from physlib.models.wrappers import EndPoints

DRAWN = [row.name for row in models.MODELS.values() if not (row.plans or row.continues or row.parts)]  # unconditional
DENOISERS = [name for name in DRAWN if models.MODELS[name].probe is models.RENOISE]
MEAN, STD = np.array([0.3, -1.0]), np.array([0.5, 2.0])


class _IdealGaussian(nn.Module):
    """Backbone whose denoiser is exact for unit Gaussian data: E[x | x + sigma e] = (x + sigma e) / (1 + sigma^2)."""

    def forward(self, x, c_noise):
        return torch.zeros_like(x)


def ideal(heun_steps):
    return DenoisingModel(_IdealGaussian(), MEAN, STD, steps=4, heun_steps=heun_steps)


def planner(backbone, mean=MEAN, std=STD, steps=4, heun_steps=32):
    return DenoisingModel(backbone, mean, std, steps, heun_steps, conditioning=EndPoints())


@pytest.mark.parametrize("name", DENOISERS)
def test_untrained_loss_is_one(name):
    torch.manual_seed(0)
    model = models.build(name, MEAN, STD, 16, 16, 2, 8)
    x = model.restore(torch.randn(4000, 16, 2, generator=torch_rng(0, "x")))
    assert model.loss(x, torch_rng(1, "loss")).item() == pytest.approx(1, abs=0.05)


def test_noise_levels_run_from_largest_to_zero():
    sigmas = noise_levels(32)
    assert sigmas[0] == pytest.approx(SIGMA_MAX)
    assert sigmas[-2] == pytest.approx(SIGMA_MIN)
    assert sigmas[-1] == 0
    assert (sigmas.diff() < 0).all()


def test_ideal_denoiser_reproduces_gaussian_data():
    x = ideal(64).sample(20_000, torch_rng(0, "s"))
    assert torch.allclose(x.mean((0, 1)), torch.tensor([0.3, -1.0]), atol=0.04)
    assert torch.allclose(x.std((0, 1)), torch.tensor([0.5, 2.0]), rtol=0.02)


def test_held_entries_stay_and_independent_ones_keep_their_law():
    known = torch.full((5_000, 4, 2), torch.nan)
    known[:, 0], known[:, -1] = torch.tensor([1.0, 2.0]), torch.tensor([-1.0, 0.5])
    x = ideal(32).inpaint(known, torch_rng(0, "held"))
    assert torch.allclose(x[:, 0], torch.tensor([1.0, 2.0]), atol=1e-3)
    assert torch.allclose(x[:, -1], torch.tensor([-1.0, 0.5]), atol=1e-3)
    assert torch.allclose(x[:, 1:-1].std((0, 1)), torch.tensor([0.5, 2.0]), rtol=0.03)


class _Witness(_IdealGaussian):
    """An exact backbone that keeps what it saw at the end points."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, x, c_noise):
        self.seen.append(x[:, [0, -1]].clone())
        return super().forward(x, c_noise)


def test_a_planner_sees_its_ends_without_noise_at_every_level():
    model = planner(_Witness())
    x = model.restore(torch.randn(50, 4, 2, generator=torch_rng(0, "x")))
    ends = model.normalise(x)[:, [0, -1]]
    model.loss(x, torch_rng(1, "loss"))
    known = torch.full_like(x, torch.nan)
    known[:, [0, -1]] = x[:, [0, -1]]
    planned = model.sample(known, torch_rng(2, "plan"))
    model.redraw(x, 0.5, torch_rng(3, "renoise"))
    assert len(model.backbone.seen) > 20
    assert all(torch.allclose(seen, ends, atol=1e-5) for seen in model.backbone.seen)
    assert torch.allclose(planned[:, [0, -1]], x[:, [0, -1]], atol=1e-4)
    assert torch.allclose(planned[:, 1:-1].std((0, 1)), torch.tensor([0.5, 2.0]), rtol=0.3)


class _IdealWalk(nn.Module):
    """Backbone whose denoiser is exact for unit AR(1) data of correlation `RHO` between neighbours, ends known or not."""

    RHO = 0.8

    def __init__(self):
        super().__init__()
        self.law = self.RHO ** (torch.arange(5)[:, None] - torch.arange(5)).abs().double()

    def forward(self, x, c_noise):
        sigma = (4 * c_noise.double()).exp()[:, None, None]
        total = (1 + sigma**2).sqrt()
        seen = x.double() * total  # what the preconditioning was given; the ends carry no noise
        seen[:, [0, -1]] /= total
        noise = torch.diag_embed(torch.tensor([0.0, 1, 1, 1, 0]).double() * sigma[:, :, 0] ** 2)
        mean = self.law @ torch.linalg.solve(self.law + noise, seen)
        return ((mean - seen / total**2) * total / sigma).float()


def test_a_planner_with_an_exact_network_draws_from_the_law_given_the_ends():
    model = planner(_IdealWalk(), np.zeros(1), np.ones(1), steps=5, heun_steps=64)
    known = torch.full((20_000, 5, 1), torch.nan)
    known[:, 0], known[:, -1] = 1.0, -0.5
    x = model.inpaint(known, torch_rng(0, "walk"))[:, 1:-1, 0].double()
    law = model.backbone.law
    across, ends = law[1:-1][:, [0, 4]], law[[0, 4]][:, [0, 4]]
    mean = across @ torch.linalg.solve(ends, torch.tensor([1.0, -0.5]).double())
    covariance = law[1:-1, 1:-1] - across @ torch.linalg.solve(ends, across.T)
    assert torch.allclose(x.mean(0), mean, atol=0.02)
    assert torch.allclose(torch.cov(x.T), covariance, atol=0.02)


def test_a_planner_does_not_learn_its_ends_and_its_samples_are_plans():
    model = planner(_IdealGaussian(), steps=2, heun_steps=8)  # two points: both are ends
    x = torch.randn(50, 2, 2, generator=torch_rng(0, "x"))
    assert model.loss(x, torch_rng(1, "loss")).item() == 0
    assert torch.equal(model.sample(x, torch_rng(0, "s")), model.inpaint(x, torch_rng(0, "s")))
    with pytest.raises(AttributeError):  # a number is no end points
        model.sample(3, torch_rng(0, "s"))


def test_redrawing_and_inpainting_stay_deterministic_with_a_stochastic_sampler():
    plain, noisy = (DenoisingModel(_IdealGaussian(), MEAN, STD, 4, 8, sampler=s) for s in (heun, stochastic))
    x = plain.restore(torch.randn(20, 4, 2, generator=torch_rng(0, "x")))
    assert torch.equal(plain.redraw(x, 0.5, torch_rng(1, "r")), noisy.redraw(x, 0.5, torch_rng(1, "r")))
    assert torch.equal(plain.inpaint(x, torch_rng(1, "i")), noisy.inpaint(x, torch_rng(1, "i")))
    assert not torch.equal(plain.sample(20, torch_rng(1, "s")), noisy.sample(20, torch_rng(1, "s")))


def test_heun_is_second_order():
    # the flow of the exact denoiser is x(sigma) = x_0 sqrt(1 + sigma^2): compare the end point
    errors = []
    for steps in (32, 64, 128):
        start = torch.full((1, 4, 2), SIGMA_MAX).double()
        end = heun(lambda x, sigma: x / (1 + sigma**2), start, noise_levels(steps), None)
        errors.append(abs(float(end[0, 0, 0]) - SIGMA_MAX / np.sqrt(1 + SIGMA_MAX**2)))
    assert errors[0] / errors[1] > 3.3
    assert errors[1] / errors[2] > 3.0


def test_renoise_at_a_small_level_returns_the_data():
    model = ideal(64)
    x = model.restore(torch.randn(50, 4, 2, generator=torch_rng(0, "x")))
    moved = model.redraw(x, 0.01, torch_rng(1, "n"))
    assert torch.allclose(model.normalise(moved), model.normalise(x), atol=0.06)


def test_denoising_error_of_the_ideal_gaussian():
    # error of the posterior mean is sigma / sqrt(1 + sigma^2); over sigma, 1 / sqrt(1 + sigma^2)
    model = ideal(8)
    x = model.restore(torch.randn(50_000, 4, 2, generator=torch_rng(0, "x")))
    for level in (0.1, 1.0):
        assert model.local_error(x, level, torch_rng(1, "n")) == pytest.approx(1 / np.sqrt(1 + level**2), rel=0.01)


@pytest.mark.parametrize("name", DRAWN)
def test_weights_survive_saving(name):
    model, twin = (models.build(name, MEAN, STD, 16, 16, 2, 4) for _ in range(2))
    for parameter in model.parameters():  # also what starts at zero
        nn.init.normal_(parameter, std=0.1)
    twin.load(model.save())
    a, b = model.sample(3, torch_rng(0, "s")), twin.sample(3, torch_rng(0, "s"))
    assert torch.allclose(a, b, atol=0.15 * float(a.abs().max()))  # bfloat16 keeps 8 bits
    assert all(np.array_equal(v, twin.save()[k]) for k, v in model.save().items())


def test_weights_of_another_model_are_refused():
    with pytest.raises(PhyslibError, match="another model"):
        models.build("diffusion-mlp", MEAN, STD, 16, 16, 2, 4).load(ideal(4).save())


def test_unet_says_what_lengths_it_takes():
    with pytest.raises(PhyslibError, match="divisible by 4"):
        models.build("diffusion-unet", MEAN, STD, 1, 16, 2, 4)


def test_unknown_model_suggests_the_nearest():
    with pytest.raises(PhyslibError, match="diffusion-unet"):
        models.build("diffusion-une", MEAN, STD, 16, 16, 2, 4)


@pytest.mark.parametrize("name", [*DENOISERS, "planner-unet"])
def test_a_trajectory_is_denoised_alone(name):
    torch.manual_seed(0)
    model = models.build(name, MEAN, STD, 16, 16, 2, 4)
    x, sigma = torch.randn(6, 16, 2), torch.full((6,), 0.5)
    denoise = model.precondition(model.backbone)
    assert torch.allclose(denoise(x, sigma)[2:3], denoise(x[2:3], sigma[:1]), atol=1e-5)


@pytest.mark.parametrize(
    ("name", "option"),
    [("flow-mlp", "noise_shift"), ("flow-mlp", "penalty"), ("planner-unet", "sampler"), ("vae-mlp", "sampler")],
)
def test_no_option_is_ignored(name, option):
    with pytest.raises(PhyslibError, match=f"no option {option}"):
        models.build(name, MEAN, STD, 16, 16, 1, 4, **{option: 1.0})
