"""The denoising model, a network with a preconditioning, a training loss, a sampler and a conditioning; its compositions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from physlib.core.errors import unknown
from physlib.models.base import TrajectoryModel
from physlib.models.losses import EDMLoss, Penalty, clean_loss, velocity_loss
from physlib.models.precond import EDM, Clean, Denoiser, StraightPath
from physlib.models.samplers import SAMPLERS, Sampler, heun, noise_levels, stochastic
from physlib.models.wrappers import Conditioning, EndPoints, FirstSteps, Held, Numbers, Unconditional

SHOWN = 3  # frames that a continuation is given


class DenoisingModel(TrajectoryModel):
    """Generates trajectories by denoising; `precondition(network)` is the denoiser `D(x; sigma)` that `objective` trains.

    Normalised units throughout, so that noise levels are shares of a channel's standard deviation. Redrawing and
    inpainting are deterministic whatever the sampler.
    """

    error_name = "denoising_error"

    def __init__(
        self,
        backbone: nn.Module,
        mean: Float[np.ndarray, "*T DC"],
        std: Float[np.ndarray, "*T DC"],
        steps: int,
        heun_steps: int,
        precondition: Callable[[nn.Module], Denoiser] = EDM,
        objective: Callable[..., Tensor] = EDMLoss(),  # noqa: B008 - frozen
        sampler: Sampler = heun,
        conditioning: Conditioning | None = None,
    ):
        """`backbone(x, c_noise)` maps `(N, T, D)` and `(N,)` to `(N, T, D)`; `heun_steps` noise levels in sampling.

        `objective(denoiser, x, rng)` is the loss. `mean` and `std` also normalise the C numbers of a
        conditioning, which travel behind the D channels of training data.
        """
        super().__init__(mean, std, steps)
        self.backbone, self.heun_steps, self.precondition = backbone, heun_steps, precondition
        self.objective, self.conditioning = objective, conditioning or Unconditional()
        self.dims -= self.conditioning.numbers
        self.sampler, self.deterministic = sampler, heun if sampler is stochastic else sampler

    def denoiser(self, condition: Tensor | None = None) -> Denoiser:
        """The denoiser of normalised trajectories with that condition."""
        return self.conditioning.denoiser(self.precondition, self.backbone, condition)

    def loss(self, x: Float[Tensor, "N T DC"], rng: torch.Generator) -> Float[Tensor, ""]:
        x, condition = self.conditioning.split(self.normalise(x), rng)
        return self.objective(self.denoiser(condition), x, rng)

    @torch.no_grad()
    def sample(self, known: int | Tensor, rng: torch.Generator) -> Float[Tensor, "N T D"]:
        template = self.conditioning.template(known, self.steps, self.dims).to(self.device)
        return self._complete(template, self.sampler, rng)

    @torch.no_grad()
    def inpaint(self, known: Float[Tensor, "N T D"], rng: torch.Generator) -> Float[Tensor, "N T D"]:
        """Samples with the entries of `known` (data units) that are not NaN held, as Diffuser plans between end points."""
        return self._complete(known, self.deterministic, rng)

    def _complete(self, template: Float[Tensor, "N T DC"], sampler: Sampler, rng: torch.Generator) -> Tensor:
        known, condition = self.conditioning.split(self.normalise(template), rng)
        sigmas = noise_levels(self.heun_steps)
        noise = torch.randn(known.shape, generator=rng, device=self.device)
        start = known.nan_to_num(0) + noise * sigmas[0]
        return self._descend(Held(self.denoiser(condition), known), start, sigmas, sampler, rng)

    def _descend(
        self, denoiser: Denoiser, x: Tensor, sigmas: Float[Tensor, " L"], sampler: Sampler, rng: torch.Generator
    ) -> Float[Tensor, "N T D"]:
        """From noise to trajectories in data units; in double, so that errors of the sampler stay below the network's."""

        def denoise(x: Tensor, sigma: Tensor) -> Tensor:
            level = sigma.to(x.device, self.dtype).expand(len(x))
            return denoiser(x.to(self.dtype), level).double()

        return self.restore(sampler(denoise, x.double(), sigmas, rng).to(self.dtype))

    @torch.no_grad()
    def redraw(self, x, level, rng):
        """Noise data to `level` (share of each channel's standard deviation) and let the model denoise them.

        What comes back is where the model moves trajectories that were right at that level: with a
        small level, the model's local deviation alone.
        """
        clean, condition = self.conditioning.split(self.normalise(x), rng)
        sigmas = noise_levels(self.heun_steps)
        levels = torch.cat([torch.tensor([level], dtype=torch.float64), sigmas[sigmas < level]])
        noise = torch.randn(clean.shape, generator=rng, device=x.device)
        return self._descend(self.denoiser(condition), clean + level * noise, levels, self.deterministic, rng)

    @torch.no_grad()
    def local_error(self, x, level, rng):
        """Root-mean-square error of one denoising step over the noise level, both per entry of x."""
        clean, condition = self.conditioning.split(self.normalise(x), rng)
        noisy = clean + level * torch.randn(clean.shape, generator=rng, device=x.device)
        denoised = self.denoiser(condition)(noisy, torch.full((len(x),), level, device=x.device))
        return float((denoised - clean).square().mean().sqrt()) / level


def diffusion(
    *network: Any,
    sampler: str = "heun",
    noise_shift: float = 0.0,
    penalty: Penalty | None = None,
    numbers: int = 0,
    guidance: float = 1.0,
) -> DenoisingModel:
    """EDM, conditioned on `numbers` of each trajectory where there are any.

    `network` is the backbone, `mean`, `std`, `steps` and `heun_steps`; `noise_shift` is added to the mean log noise
    level of training, `penalty` of denoised and clean trajectories in data units to the loss. Raises `PhyslibError` for
    an unknown sampler, here and below.
    """

    def normalised(denoised: Tensor, clean: Tensor) -> Tensor:
        return penalty(model.restore(denoised), model.restore(clean))

    objective = EDMLoss(noise_shift, penalty and normalised)
    conditioning = Numbers(numbers, guidance) if numbers else None
    model = DenoisingModel(*network, objective=objective, sampler=_sampler(sampler), conditioning=conditioning)
    return model


def flow_matching(*network: Any, sampler: str = "heun") -> DenoisingModel:
    """Flow matching along straight lines."""
    return DenoisingModel(*network, StraightPath, velocity_loss, _sampler(sampler))


def planner(*network: Any) -> DenoisingModel:
    """EDM between given end points, held in training and in sampling as Diffuser holds them."""
    return DenoisingModel(*network, conditioning=EndPoints())


def clips(*network: Any) -> DenoisingModel:
    """Whole clips, the network predicting clean frames."""
    return DenoisingModel(*network, Clean, clean_loss)


def continuation(*network: Any) -> DenoisingModel:
    """The same after the first `SHOWN` frames, which are held in training and in sampling."""
    return DenoisingModel(*network, Clean, clean_loss, conditioning=FirstSteps(SHOWN))


def _sampler(name: str) -> Sampler:
    if name not in SAMPLERS:
        raise unknown("sampler", name, SAMPLERS)
    return SAMPLERS[name]
