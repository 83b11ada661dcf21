"""The model families by name: an objective around a backbone. Importing this package does not import PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from physlib.errors import unknown

if TYPE_CHECKING:
    from physlib.models.base import Generator

VERSIONS = {"diffusion-mlp": 1, "diffusion-unet": 1, "planner-unet": 1}
"""Model names with a version each, raised by hand when the meaning of the model changes: stored runs then miss."""
PLANNERS = ("planner-unet",)
"""Models that fill in between given end points."""


def build(
    name: str, mean: np.ndarray, std: np.ndarray, steps: int, width: int, blocks: int, heun_steps: int
) -> Generator:
    """An untrained model for trajectories of `steps` steps and `len(mean)` channels.

    `width` is the narrowest layer's; `blocks` counts the MLP's residual blocks (the U-Net has a fixed
    number per level). Raises `PhyslibError` for an unknown name or a T that the backbone cannot take.
    """
    from physlib.models.diffusion import Diffusion
    from physlib.models.mlp import MLP
    from physlib.models.planner import Planner
    from physlib.models.unet1d import UNet1d

    if name not in VERSIONS:
        raise unknown("model", name, VERSIONS)
    dims = len(mean)
    backbone = MLP(steps, dims, width, blocks) if name == "diffusion-mlp" else UNet1d(steps, dims, width)
    objective = Planner if name in PLANNERS else Diffusion
    return objective(backbone, mean, std, steps, heun_steps)
