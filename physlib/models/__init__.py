"""The model families by name: an objective around a backbone. Importing this package does not import PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from physlib.core.errors import PhyslibError, unknown

if TYPE_CHECKING:
    from physlib.models.base import TrajectoryModel


class Probe(NamedTuple):
    """How a trained model is asked what it makes of trajectories that were right, and how far it may go."""

    name: str
    meaning: str  # of a level
    levels: tuple[float, ...]  # what `TrajectoryModel.redraw` is given, from near to far


RENOISE = Probe(
    "renoise",
    "level of re-noising (share of a standard deviation)",
    (0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 2.0),
)
CONTINUE = Probe(
    "continue", "share of the steps that the model makes itself", (0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875)
)
REENCODE = Probe("re-encode", "weight of a fresh draw from the prior", (0.01, 0.1, 0.2, 0.35, 0.5, 0.8, 1.0))
PROBES = {
    "diffusion-mlp": RENOISE,
    "diffusion-unet": RENOISE,
    "diffusion-transformer": RENOISE,
    "flow-mlp": RENOISE,
    "autoregressive-transformer": CONTINUE,
    "vae-mlp": REENCODE,
    "planner-unet": RENOISE,
}
"""What each model is probed by; these are all the models."""
VERSIONS = dict.fromkeys(PROBES, 1)
"""Model names with a version each, raised by hand when the meaning of the model changes: stored runs then miss."""
DIFFUSIONS = ("diffusion-mlp", "diffusion-unet")
"""The models that the argument is made on."""
PLANNERS = ("planner-unet",)
"""Models that fill in between given end points."""


def build(
    name: str, mean: np.ndarray, std: np.ndarray, steps: int, width: int, blocks: int, heun_steps: int, **options: Any
) -> TrajectoryModel:
    """An untrained model for trajectories of `steps` steps and `mean.shape[-1]` channels.

    `width` is the narrowest layer's; `blocks` counts residual or attention blocks (the U-Net has a fixed
    number per level); `heun_steps` and `options` are a denoiser's, see `physlib.models.diffusion.Diffusion`.
    Raises `PhyslibError` for an unknown name, a T or width that the backbone cannot take, or options without a denoiser.
    """
    from physlib.models.autoregressive import Autoregressive
    from physlib.models.diffusion import Diffusion
    from physlib.models.flow import FlowMatching
    from physlib.models.guided import Guided
    from physlib.models.mlp import MLP
    from physlib.models.planner import Planner
    from physlib.models.transformer import Transformer
    from physlib.models.unet1d import UNet1d
    from physlib.models.vae import VAE

    if name not in VERSIONS:
        raise unknown("model", name, VERSIONS)
    dims = mean.shape[-1]
    whole = {"autoregressive-transformer": Autoregressive, "vae-mlp": VAE}
    if name in whole:
        if options:
            raise PhyslibError(f"{name} is no denoiser and has no {' or '.join(options)}: leave it out.")
        return whole[name](mean, std, steps, width, blocks)
    objective, backbone = name.split("-")
    if "told" in options:
        objective, dims = "guided", dims + 1  # with a channel that says whether anything is told
    network = {
        "mlp": lambda: MLP(steps, dims, width, blocks),
        "unet": lambda: UNet1d(steps, dims, width),
        "transformer": lambda: Transformer(steps, dims, width, blocks),
    }[backbone]()
    denoiser = {"diffusion": Diffusion, "flow": FlowMatching, "planner": Planner, "guided": Guided}[objective]
    return denoiser(network, mean, std, steps, heun_steps, **options)
