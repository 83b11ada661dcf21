"""Denoisers `D(x; sigma)` around a network `F(x; c_noise)`: the preconditionings of EDM and of flow matching.

`D(x; sigma) = c_skip x + c_out F(c_in x; c_noise)` (equation 7 of T. Karras, M. Aittala, T. Aila, S. Laine,
Elucidating the Design Space of Diffusion-Based Generative Models, 2022). Trajectories are normalised to unit standard
deviation, so `sigma_data = 1` and a noise level is a share of a channel's standard deviation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

Network = Callable[[Float[Tensor, "N T D"], Float[Tensor, " N"]], Float[Tensor, "N T D"]]
"""Of trajectories and `c_noise`."""
Denoiser = Callable[[Float[Tensor, "N T D"], Float[Tensor, " N"]], Float[Tensor, "N T D"]]
"""Of noisy trajectories and the noise level of each."""


def total(sigma: Float[Tensor, " N"]) -> Float[Tensor, "N 1 1"]:
    """Standard deviation of noisy data, `sqrt(sigma^2 + sigma_data^2)`: what EDM divides its input by."""
    return (1 + sigma[:, None, None] ** 2).sqrt()


@dataclass(frozen=True)
class EDM:
    """`c_skip = 1 / (1 + sigma^2)`, `c_out = sigma / sqrt(1 + sigma^2)`, `c_in = 1 / sqrt(1 + sigma^2)`, `c_noise = ln(sigma) / 4`.

    Table 1 of Karras et al. with `sigma_data = 1`.
    """

    network: Network

    def __call__(self, x: Float[Tensor, "N T D"], sigma: Float[Tensor, " N"]) -> Float[Tensor, "N T D"]:
        scale = total(sigma)
        return x / scale**2 + sigma[:, None, None] / scale * self.network(x / scale, sigma.log() / 4)


@dataclass(frozen=True)
class Clean:
    """The network predicts clean data: `c_skip = 0`, `c_out = 1`, `c_in` and `c_noise` as in EDM.

    For frames with more pixels than the network is wide, which cannot carry the noise of all of them to its output.
    """

    network: Network

    def __call__(self, x: Float[Tensor, "N T D"], sigma: Float[Tensor, " N"]) -> Float[Tensor, "N T D"]:
        return self.network(x / total(sigma), sigma.log() / 4)


@dataclass(frozen=True)
class StraightPath:
    """Flow matching: the network predicts the velocity `e - x` at the point `(1 - t) x + t e` between data and noise.

    Noise of level `sigma` is the point at `t = sigma / (1 + sigma)`, shrunken by `1 - t`, so `c_skip = c_in = 1 - t` and
    `c_out = -t`. Y. Lipman et al., Flow Matching for Generative Modeling (2023); X. Liu, C. Gong, Q. Liu, Flow Straight
    and Fast (2023).
    """

    network: Network

    def velocity(self, point: Float[Tensor, "N T D"], t: Float[Tensor, " N"]) -> Float[Tensor, "N T D"]:
        """The predicted `e - x` at points of the path, `0 < t < 1`."""
        return self.network(point, (t / (1 - t)).log() / 4)

    def __call__(self, x: Float[Tensor, "N T D"], sigma: Float[Tensor, " N"]) -> Float[Tensor, "N T D"]:
        t = sigma / (1 + sigma)
        point = x * (1 - t)[:, None, None]
        return point - t[:, None, None] * self.velocity(point, t)
