"""Flow matching, the next-step model, the autoencoder and the samplers against closed forms."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp, kstest
from torch import nn

from physlib import models
from physlib.core.errors import PhyslibError
from physlib.core.rng import torch_rng
from physlib.models.autoregressive import Autoregressive
from physlib.models.denoising import DenoisingModel
from physlib.models.losses import velocity_loss
from physlib.models.precond import StraightPath
from physlib.models.samplers import SAMPLERS, SIGMA_MAX, heun, noise_levels, stochastic
from physlib.models.vae import LATENT, VAE, FlowPrior

MEAN, STD = np.array([0.3, -1.0]), np.array([0.5, 2.0])


class _GaussianVelocity(nn.Module):
    """Exact for unit Gaussian data: E[e - x | (1-t) x + t e = y] = (2 t - 1) y / (t^2 + (1-t)^2)."""

    def forward(self, y, c_noise):
        sigma = (4 * c_noise).exp()[:, None, None]
        t = sigma / (1 + sigma)
        return (2 * t - 1) * y / (t**2 + (1 - t) ** 2)


class _GaussianScore(nn.Module):
    """Backbone that leaves EDM's preconditioning exact for unit Gaussian data."""

    def forward(self, x, c_noise):
        return torch.zeros_like(x)


def flow():
    return DenoisingModel(_GaussianVelocity(), MEAN, STD, 4, 32, precondition=StraightPath, objective=velocity_loss)


def test_the_exact_velocity_is_the_exact_denoiser():
    x, sigma = torch.randn(50, 4, 2), torch.rand(50) * 3 + 0.01
    assert torch.allclose(flow().denoiser()(x, sigma), x / (1 + sigma**2)[:, None, None], atol=1e-5)


def test_the_exact_velocity_leaves_the_least_loss_and_draws_from_the_law():
    # E |e - x|^2 given y is 2 - (2t-1)^2 / (t^2 + (1-t)^2); halved and averaged over t this is pi / 4
    model = flow()
    x = model.restore(torch.randn(50_000, 4, 2, generator=torch_rng(0, "x")))
    assert model.loss(x, torch_rng(1, "loss")).item() == pytest.approx(math.pi / 4, abs=0.01)
    drawn = model.sample(20_000, torch_rng(2, "s"))
    assert torch.allclose(drawn.std((0, 1)), torch.tensor([0.5, 2.0]), rtol=0.02)


@pytest.mark.parametrize(("sampler", "order"), [("heun", 2), ("euler", 1)])
def test_samplers_have_their_order(sampler, order):
    errors = []
    for steps in (64, 128, 256):
        start = torch.full((1, 4, 2), SIGMA_MAX).double()
        end = SAMPLERS[sampler](lambda x, sigma: x / (1 + sigma**2), start, noise_levels(steps), None)
        errors.append(abs(float(end[0, 0, 0]) - SIGMA_MAX / math.sqrt(1 + SIGMA_MAX**2)))
    assert math.log2(errors[1] / errors[2]) == pytest.approx(order, abs=0.35)


def test_the_stochastic_sampler_draws_from_the_law():
    model = DenoisingModel(_GaussianScore(), MEAN, STD, 4, 256, sampler=stochastic)
    x = model.sample(20_000, torch_rng(0, "s"))
    model.sampler = heun
    assert not torch.allclose(model.sample(20_000, torch_rng(0, "s")), x, atol=0.1)  # the same start, other noise
    assert torch.allclose(x.mean((0, 1)), torch.tensor([0.3, -1.0]), atol=0.04)
    assert torch.allclose(x.std((0, 1)), torch.tensor([0.5, 2.0]), rtol=0.02)


def test_an_unknown_sampler_suggests_the_nearest():
    with pytest.raises(PhyslibError, match="heun"):
        models.build("flow-mlp", MEAN, STD, 16, 16, 1, 4, sampler="huen")


def stepper():
    torch.manual_seed(0)
    return Autoregressive(MEAN, STD, steps=16, width=32, blocks=2)


def test_the_cache_changes_nothing():
    model = stepper()
    x = model.sample(50, torch_rng(0, "s"))
    tokens = model._tokens(model.normalise(x[:, :-1]))
    whole, _ = model.trunk(tokens)
    parts, cache = [], None
    for t in range(16):
        h, cache = model.trunk(tokens[:, t : t + 1], cache)
        parts.append(h)
    assert torch.allclose(torch.cat(parts, dim=1), whole, atol=1e-5)


def test_no_step_sees_itself_or_later_ones():
    model = stepper()
    x = torch.randn(5, 16, 2)
    changed = x.clone()
    changed[:, 9:] += 1.0
    before, after = (model.predict(model.trunk(model._tokens(v[:, :-1]))[0]).log_prob(x) for v in (x, changed))
    assert torch.equal(before[:, :10], after[:, :10])
    assert not torch.isclose(before[:, 10:], after[:, 10:]).any()


def test_a_head_that_knows_nothing_pays_the_entropy_of_the_data():
    model = stepper()
    nn.init.zeros_(model.head.weight)
    nn.init.zeros_(model.head.bias)
    x = model.restore(torch.randn(20_000, 16, 2, generator=torch_rng(0, "x")))
    assert model.loss(x, torch_rng(0, "unused")).item() == pytest.approx(0.5 * math.log(2 * math.pi * math.e), abs=0.01)
    drawn = model.sample(20_000, torch_rng(1, "s"))
    assert torch.allclose(drawn.std((0, 1)), torch.tensor([0.5, 2.0]), rtol=0.02)


def test_a_mixture_is_drawn_with_its_weights():
    model = stepper()
    nn.init.zeros_(model.head.weight)
    nn.init.zeros_(model.head.bias)
    with torch.no_grad():  # two components, a third at -2 and the rest at 2, all narrow
        model.head.bias[:8] = torch.tensor([1.0, 2.0, *[0.0] * 6]).log()
        model.head.bias[8:12] = torch.tensor([-2.0, -2.0, 2.0, 2.0])
        model.head.bias[24:] = -20.0
    first = model.normalise(model.sample(20_000, torch_rng(1, "s")))[:, 0]
    assert float((first[:, 0] < 0).float().mean()) == pytest.approx(1 / 3, abs=0.015)
    assert torch.allclose(first.abs(), torch.tensor(2.0), atol=0.01)


def test_continuing_keeps_the_steps_it_was_given():
    model = stepper()
    x = model.restore(torch.randn(50, 16, 2, generator=torch_rng(0, "x")))
    again = model.redraw(x, 0.25, torch_rng(1, "r"))
    assert torch.allclose(again[:, :12], x[:, :12], atol=1e-5)
    assert not torch.isclose(again[:, 12:], x[:, 12:]).all(dim=(1, 2)).any()


def test_the_transformer_says_what_widths_it_takes():
    with pytest.raises(PhyslibError, match="multiple of 16"):
        models.build("diffusion-transformer", MEAN, STD, 16, 40, 2, 4)


def autoencoder():
    torch.manual_seed(0)
    return VAE(MEAN, STD, steps=8, width=32, blocks=1)


def bent_prior():
    """Far from the Gaussian that it starts as."""
    torch.manual_seed(0)
    prior, rng = FlowPrior().double(), torch_rng(0, "bend")
    with torch.no_grad():
        for parameter in prior.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=rng))
    return prior


def test_the_prior_draws_from_its_density():
    prior = bent_prior()
    bend = prior.flow().transform
    with torch.no_grad():
        z = prior.draw(5_000, torch_rng(0, "draw"))
        noise = bend(z)
    assert (z - noise).std() > 0.2
    assert torch.allclose(bend.inv(noise), z, atol=1e-4)
    assert ks_2samp(noise[:, 5].numpy(), np.random.default_rng(0).standard_normal(5_000)).pvalue > 1e-3
    for point, density in zip(
        z[:5], prior.log_density(z[:5]), strict=True
    ):  # change of variables, by the whole Jacobian
        volume = torch.autograd.functional.jacobian(bend, point).slogdet().logabsdet
        assert density.item() == pytest.approx((volume - bend(point).square().sum() / 2).item(), abs=1e-6)


def test_an_encoder_that_says_the_prior_pays_nothing():
    model = autoencoder()
    for last in (model.encoder[-1], model.decoder[-1]):
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
    for parameter in model.prior.parameters():  # splines that are straight lines
        nn.init.zeros_(parameter)
    x = torch.randn(2_000, 8, 2)
    with torch.no_grad():  # against N(0, 1) a posterior N(a, e^b) pays (a^2 + e^b - 1 - b) / 2 for each variable
        model.encoder[-1].bias[:LATENT], model.encoder[-1].bias[LATENT:] = 0.5, -1.0
    paid = LATENT * (0.5**2 + math.exp(-1) - 1 + 1) / 2
    assert model.encode(x, torch_rng(0, "z"))[1].mean().item() == pytest.approx(paid, rel=0.02)
    nn.init.zeros_(model.encoder[-1].bias)
    assert torch.allclose(model.encode(x, torch_rng(0, "z"))[1], torch.zeros(2_000), atol=1e-4)
    x = model.restore(torch.randn(20_000, 8, 2, generator=torch_rng(0, "x")))
    assert model.loss(x, torch_rng(1, "loss")).item() == pytest.approx(0, abs=0.01)


@torch.no_grad()
@pytest.mark.parametrize("level", [0.3, 1.0])
def test_moving_within_the_prior_keeps_its_law(level):
    prior = bent_prior()
    bend = prior.flow().transform
    z = prior.draw(4_000, torch_rng(1, "draw"))
    before, after = bend(z), bend(prior.move(z, level, torch_rng(2, "move")))
    assert kstest(after.flatten().numpy(), "norm").pvalue > 1e-3  # the law before it is bent is a Gaussian again
    assert torch.allclose(after.T.cov(), torch.eye(LATENT, dtype=after.dtype), atol=0.08)
    kept = (before * after).mean().item()
    assert kept == pytest.approx(math.sqrt(1 - level**2), abs=0.02)


def test_an_autoencoder_redraws_what_its_prior_covers():
    model = autoencoder()
    x = model.restore(torch.randn(500, 8, 2, generator=torch_rng(0, "x")))
    near, far = (model.redraw(x, level, torch_rng(1, "r")) for level in (1e-3, 1.0))
    drawn, _ = model.encode(model.normalise(x), torch_rng(1, "r"))
    assert (near - model.restore(model.decode(drawn))).abs().mean() < 0.1 * (far - near).abs().mean()


@pytest.mark.parametrize("name", ["diffusion-mlp", "flow-mlp", "autoregressive-transformer", "vae-mlp"])
def test_models_work_in_double_precision(name):
    model = models.build(name, MEAN, STD, 16, 16, 1, 4).double()
    x = torch.randn(7, 16, 2, dtype=torch.float64)
    assert torch.isfinite(model.loss(x, torch_rng(0, "loss")))
    assert model.sample(3, torch_rng(0, "s")).shape == (3, 16, 2)
    level = models.PROBES[name].levels[2]
    assert torch.isfinite(model.redraw(x, level, torch_rng(0, "r"))).all()
    assert math.isfinite(model.local_error(x, level, torch_rng(0, "e")))


def test_a_model_of_the_next_step_needs_steps():
    with pytest.raises(PhyslibError, match="8 steps or more"):
        models.build("autoregressive-transformer", MEAN, STD, 1, 16, 1, 4)


def test_each_channel_at_each_step_can_have_its_own_unit():
    rng = np.random.default_rng(0)
    mean, std = rng.normal(size=(16, 2)), rng.uniform(0.5, 2, (16, 2))
    for name in ("diffusion-mlp", "autoregressive-transformer", "vae-mlp"):
        model = models.build(name, mean, std, 16, 16, 1, 4)
        x = torch.randn(7, 16, 2)
        assert torch.allclose(model.restore(model.normalise(x)), x, atol=1e-5)
        assert model.sample(3, torch_rng(0, "s")).shape == (3, 16, 2)
