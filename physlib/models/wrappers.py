"""Denoisers around a denoiser: held entries, held end points, and classifier-free guidance.

A *conditioning* says what a model knows of a trajectory before it makes it. It splits a normalised template, laid out as
training data, into trajectory and condition, and builds the denoiser that uses the condition.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from physlib.models.precond import EDM, Clean, Denoiser, Network, total

ENDS = [0, -1]
DROPPED = 0.1  # share of a batch that is denoised without its condition


@dataclass(frozen=True)
class Held:
    """Known entries replace what a denoiser predicts, so that they follow the exact flow from noise to their value."""

    denoiser: Denoiser
    values: Float[Tensor, "N T D"]  # NaN where they are free

    def __call__(self, x: Float[Tensor, "N T D"], sigma: Float[Tensor, " N"]) -> Float[Tensor, "N T D"]:
        return torch.where(self.values.isnan(), self.denoiser(x, sigma), self.values)


@dataclass(frozen=True)
class HeldEnds:
    """As `Held`, and the network sees the known entries without noise, whatever the noise level of the rest.

    Janner et al., Planning with Diffusion for Flexible Behavior Synthesis (2022), section 3.3, around EDM.
    """

    denoiser: EDM | Clean  # which divide their input by `total`
    values: Float[Tensor, "N T D"]  # NaN where they are free

    def __call__(self, x: Float[Tensor, "N T D"], sigma: Float[Tensor, " N"]) -> Float[Tensor, "N T D"]:
        seen = torch.where(self.values.isnan(), x, self.values * total(sigma))  # which the preconditioning divides by
        return Held(self.denoiser, self.values)(seen, sigma)


@dataclass(frozen=True)
class Guided:
    """`D = D_0 + w (D_c - D_0)`: J. Ho and T. Salimans, Classifier-Free Diffusion Guidance (2022)."""

    conditional: Denoiser
    unconditional: Denoiser
    guidance: float  # w: 1 follows the condition, more exaggerates it

    def __call__(self, x: Float[Tensor, "N T D"], sigma: Float[Tensor, " N"]) -> Float[Tensor, "N T D"]:
        alone = self.unconditional(x, sigma)
        return alone + self.guidance * (self.conditional(x, sigma) - alone)


class Conditioning(nn.Module, ABC):
    """What a denoising model knows of a trajectory before it makes it."""

    numbers = 0  # C, that travel behind the D channels of training data

    @abstractmethod
    def template(self, known: int | Tensor, steps: int, dims: int) -> Float[Tensor, "N T DC"]:
        """What is known of samples, laid out as training data in data units, NaN where the model is to make it."""

    @abstractmethod
    def split(self, x: Float[Tensor, "N T DC"], rng: torch.Generator) -> tuple[Tensor, Tensor | None]:
        """Trajectories `(N, T, D)` and condition of a normalised batch or template; `rng` for training."""

    @abstractmethod
    def denoiser(self, make: Callable[[Network], Denoiser], network: Network, condition: Tensor | None) -> Denoiser:
        """The denoiser of trajectories with that condition; `make` is the preconditioning."""


class Unconditional(Conditioning):
    """Nothing is known; samples are requested by their number."""

    def template(self, known, steps, dims):
        return torch.full((known, steps, dims), torch.nan)

    def split(self, x, rng):
        return x, None

    def denoiser(self, make, network, condition):
        return make(network)


class EndPoints(Conditioning):
    """The first and the last step are known, in training as in sampling; samples are requested by them, `(N, T, D)`."""

    def template(self, known, steps, dims):
        return known

    def split(self, x, rng):
        ends = torch.full_like(x, torch.nan)
        ends[:, ENDS] = x[:, ENDS]
        return x, ends

    def denoiser(self, make, network, condition):
        return HeldEnds(make(network), condition)


class FirstSteps(Conditioning):
    """The first steps are known, in training as in sampling, as in a video that is continued."""

    def __init__(self, count: int):
        super().__init__()
        self.count = count

    def template(self, known, steps, dims):
        return known

    def split(self, x, rng):
        shown = torch.full_like(x, torch.nan)
        shown[:, : self.count] = x[:, : self.count]
        return x, shown

    def denoiser(self, make, network, condition):
        return HeldEnds(make(network), condition)


class Numbers(Conditioning):
    """C numbers of each trajectory are known; samples are requested by them, `(N, C)`.

    The network sees them, and a one that says that they are known, as constant channels behind the D. In training all
    are zero for a share `DROPPED` of the batch.
    """

    def __init__(self, numbers: int, guidance: float = 1.0):
        super().__init__()
        self.numbers, self.guidance = numbers, guidance

    def template(self, known, steps, dims):
        blank = torch.full((len(known), steps, dims), torch.nan, device=known.device)
        return torch.cat([blank, known[:, None].expand(-1, steps, -1)], dim=2)

    def split(self, x, rng):
        known = x[:, 0, -self.numbers :]
        condition = torch.cat([known, torch.ones_like(known[:, :1])], dim=1)
        if self.training:
            condition = condition * (torch.rand(len(x), 1, generator=rng, device=x.device) >= DROPPED)
        return x[..., : -self.numbers], condition

    def denoiser(self, make, network, condition):
        def seeing(condition: Tensor) -> Denoiser:
            def channels(x: Tensor, c_noise: Tensor) -> Tensor:  # of what comes back the first D count
                known = condition[:, None].expand(-1, x.shape[1], -1)
                return network(torch.cat([x, known], dim=2), c_noise)[..., : x.shape[2]]

            return make(channels)

        if self.training or self.guidance == 1:
            return seeing(condition)
        return Guided(seeing(condition), seeing(torch.zeros_like(condition)), self.guidance)
