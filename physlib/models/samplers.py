"""Samplers: functions `(denoiser, x, sigmas, rng)` that take trajectories of noise level `sigmas[0]` down to the last.

T. Karras, M. Aittala, T. Aila, S. Laine, Elucidating the Design Space of Diffusion-Based Generative Models (2022),
whose constants, given for `sigma_data = 0.5`, are doubled. `denoiser(x, sigma)` takes one level for all trajectories.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

SIGMA_MIN, SIGMA_MAX, RHO = 0.004, 160.0, 7.0  # table 1, "sampling": range and spacing of noise levels
CHURN, CHURN_MIN, CHURN_MAX = math.sqrt(2) - 1, 0.1, 100.0  # algorithm 2: most noise that is put back, and where

LevelDenoiser = Callable[[Float[Tensor, "N T D"], Float[Tensor, ""]], Float[Tensor, "N T D"]]
Sampler = Callable[[LevelDenoiser, Float[Tensor, "N T D"], Float[Tensor, " L"], torch.Generator], Tensor]


def noise_levels(steps: int) -> Float[Tensor, " L"]:
    """Decreasing noise levels from SIGMA_MAX to SIGMA_MIN, then 0 (equation 5)."""
    ramp = torch.linspace(0, 1, steps, dtype=torch.float64)
    low, high = SIGMA_MIN ** (1 / RHO), SIGMA_MAX ** (1 / RHO)
    return torch.cat([(high + ramp * (low - high)) ** RHO, torch.zeros(1, dtype=torch.float64)])


def euler(denoiser, x, sigmas, rng):
    """First-order steps along the probability-flow equation `dx / dsigma = (x - D(x; sigma)) / sigma`; `rng` unused."""
    for now, then in pairwise(sigmas):
        x = x + (then - now) * _slope(denoiser, x, now)
    return x


def heun(denoiser, x, sigmas, rng):
    """Second-order steps along the same equation, the last one, to 0, of first order (algorithm 1); `rng` unused."""
    for now, then in pairwise(sigmas):
        x = _heun_step(denoiser, x, now, then)
    return x


def stochastic(denoiser, x, sigmas, rng):
    """Likewise, with noise put back before each step from a level between CHURN_MIN and CHURN_MAX (algorithm 2)."""
    for now, then in pairwise(sigmas):
        if CHURN_MIN <= now <= CHURN_MAX:
            raised = now * (1 + CHURN)
            fresh = torch.randn(x.shape, generator=rng, device=x.device)
            x, now = x + (raised**2 - now**2).sqrt() * fresh, raised
        x = _heun_step(denoiser, x, now, then)
    return x


SAMPLERS: dict[str, Sampler] = {"heun": heun, "euler": euler, "stochastic": stochastic}


def _slope(denoiser: LevelDenoiser, x: Tensor, sigma: Tensor) -> Tensor:
    return (x - denoiser(x, sigma)) / sigma


def _heun_step(denoiser: LevelDenoiser, x: Tensor, now: Tensor, then: Tensor) -> Tensor:
    slope = _slope(denoiser, x, now)
    there = x + (then - now) * slope
    return there if then == 0 else x + (then - now) * ((slope + _slope(denoiser, there, then)) / 2)
