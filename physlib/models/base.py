"""What a generative model of trajectories is: a loss, a sampler, weights.

A model knows nothing of training loops, files or tasks; it takes `(N, T, D)` float tensors in data units and keeps the
normalisation inside itself.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from physlib.core.errors import PhyslibError


class TrajectoryModel(nn.Module, ABC):
    """A model that is trained by minimising `loss` and then draws trajectories."""

    error_name: ClassVar[str]  # what `local_error` is called in a stored run

    def __init__(self, mean: Float[np.ndarray, "*T D"], std: Float[np.ndarray, "*T D"], steps: int):
        """`mean` and `std` normalise each channel, or each channel at each step, to unit size; `steps` is T."""
        super().__init__()
        self.steps, self.dims = steps, mean.shape[-1]
        self.register_buffer("mean", torch.as_tensor(mean, dtype=torch.float32))
        self.register_buffer("std", torch.as_tensor(std, dtype=torch.float32))

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.mean.device

    @property
    def dtype(self) -> torch.dtype:
        """The number format of the weights."""
        return self.mean.dtype

    @property
    def n_parameters(self) -> int:
        """Number of trainable weights."""
        return sum(p.numel() for p in self.parameters())

    def normalise(self, x: Float[Tensor, "N T D"]) -> Float[Tensor, "N T D"]:
        """Data units to units of each channel's standard deviation, about its mean."""
        return (x - self.mean) / self.std

    def restore(self, x: Float[Tensor, "N T D"]) -> Float[Tensor, "N T D"]:
        """Inverse of `normalise`, of the `dims` channels of a trajectory."""
        return x * self.std[..., : self.dims] + self.mean[..., : self.dims]

    @abstractmethod
    def loss(self, x: Float[Tensor, "N T D"], rng: torch.Generator) -> Float[Tensor, ""]:
        """Training objective on a batch of trajectories, in data units."""

    @abstractmethod
    def sample(self, known: int | Tensor, rng: torch.Generator) -> Float[Tensor, "N T D"]:
        """Trajectories from the model, in data units.

        `known` is their number N; for a conditional model it is what it should know of each, one row a trajectory.
        """

    @abstractmethod
    def redraw(self, x: Float[Tensor, "N T D"], level: float, rng: torch.Generator) -> Float[Tensor, "N T D"]:
        """What the model makes of trajectories that were right, in data units.

        `level` says how far it may go, from its local deviation alone towards a new sample.
        """

    @abstractmethod
    def local_error(self, x: Float[Tensor, "N T D"], level: float, rng: torch.Generator) -> float:
        """Root-mean-square error per entry of what the objective has it predict at `level`, in normalised units.

        A denoiser's is relative to the level.
        """

    def save(self) -> dict[str, np.ndarray]:
        """Trained weights as raw bfloat16 words (`uint16`), half the size of float32.

        The normalisation is not among them: eight bits would move it by a per cent of a standard deviation.
        """
        words = {name: p.detach().to(torch.bfloat16).view(torch.uint16) for name, p in self.named_parameters()}
        return {name: word.cpu().numpy() for name, word in words.items()}

    def load(self, weights: dict[str, np.ndarray]) -> None:
        """Inverse of `save`. Raises `PhyslibError` where names or shapes are another model's."""
        parameters = dict(self.named_parameters())
        if {k: tuple(p.shape) for k, p in parameters.items()} != {k: v.shape for k, v in weights.items()}:
            raise PhyslibError("these weights belong to another model: names or shapes differ.")
        with torch.no_grad():
            for name, words in weights.items():
                parameters[name].copy_(torch.from_numpy(words.copy()).view(torch.bfloat16))
