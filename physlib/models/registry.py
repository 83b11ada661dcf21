"""The models by name, one row each. Importing this module does not import PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from physlib.core.errors import PhyslibError, unknown

if TYPE_CHECKING:
    from physlib.models.base import TrajectoryModel


class Probe(NamedTuple):
    """How far a trained model is let go when it redraws trajectories that were right."""

    name: str
    meaning: str  # of a level
    levels: tuple[float, ...]  # what `TrajectoryModel.redraw` takes, from near to far
    decision: tuple[float, ...]  # levels of decision curves; at the last nothing of the data is left


RENOISE = Probe(
    "renoise",
    "level of re-noising (share of a standard deviation)",
    (0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 2.0),
    (0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.2, 2.0, 5.0, 20.0),
)
CONTINUE = Probe(
    "continue",
    "share of the steps that the model makes itself",
    (0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875),
    (0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.0),
)
REENCODE = Probe(
    "re-encode",
    "weight of a fresh draw from the prior",
    (0.01, 0.1, 0.2, 0.35, 0.5, 0.8, 1.0),
    (0.01, 0.1, 0.2, 0.35, 0.5, 0.8, 1.0),
)


@dataclass(frozen=True)
class ModelRow:
    """One model: how it is made, and what the library has to know of it."""

    name: str
    make: Callable[..., TrajectoryModel]  # takes what `build` takes
    probe: Probe
    seconds: tuple[float, float]  # on one core, per trajectory of 16 steps: training step, evaluation
    fields: frozenset[str]  # those of `SOME_FIELDS` that mean something to it
    plans: bool = False  # whether it is trained between given end points, so that samples are plans
    continues: bool = False  # whether it is given the first frames of a video
    parts: tuple[str, ...] = ()  # of one that says a text, what can go wrong apart, see `physlib.models.speaker`
    version: int = 1  # raise by hand when the meaning of the model changes: stored runs then miss


SOME_FIELDS = frozenset({"blocks", "heun_steps", "sampler", "noise_shift", "n_plans", "mitigation"})
"""Fields of a configuration that mean something to some models only."""
STRATEGIC = frozenset({"penalty", "numbers", "guidance"})
"""Options that mitigations give to the models that take them."""


def _denoising(composition: str, backbone: str) -> Callable[..., TrajectoryModel]:
    """A composition of `physlib.models.denoising` around a backbone."""

    def make(mean, std, steps, width, blocks, heun_steps, **options):
        from physlib.models import denoising
        from physlib.models.mlp import MLP
        from physlib.models.transformer import Transformer
        from physlib.models.unet1d import UNet1d

        channels = mean.shape[-1] + ("numbers" in options)  # one channel says whether the numbers are known
        if backbone == "unet":
            network = UNet1d(steps, channels, width)
        else:
            network = {"mlp": MLP, "transformer": Transformer}[backbone](steps, channels, width, blocks)
        return getattr(denoising, composition)(network, mean, std, steps, heun_steps, **options)

    return make


def _autoregressive(mean, std, steps, width, blocks, heun_steps):
    from physlib.models.autoregressive import Autoregressive

    return Autoregressive(mean, std, steps, width, blocks)


def _vae(mean, std, steps, width, blocks, heun_steps):
    from physlib.models.vae import VAE

    return VAE(mean, std, steps, width, blocks)


def _speaker(architecture: str, latent: int) -> Callable[..., TrajectoryModel]:
    """A model that says a text, with a style of `latent` dimensions."""

    def make(mean, std, steps, width, blocks, heun_steps, numbers=0, guidance=1.0):
        from physlib.models.durations import ByDurations
        from physlib.models.tacotron import Tacotron

        return {"tacotron": Tacotron, "durations": ByDurations}[architecture](mean, std, steps, width, latent, numbers)

    return make


_UNET, _FLOW = SOME_FIELDS - {"blocks"}, SOME_FIELDS - {"noise_shift", "mitigation"}
_WHOLE, _PLANNER = frozenset({"blocks"}), frozenset({"heun_steps", "n_plans"})
_SAID, _READ = frozenset({"n_plans"}), ("advance", "stop", "frames")
_ROWS = (
    ModelRow("diffusion-mlp", _denoising("diffusion", "mlp"), RENOISE, (2.9e-5, 7e-6), SOME_FIELDS),
    ModelRow("diffusion-unet", _denoising("diffusion", "unet"), RENOISE, (2.4e-4, 4.8e-5), _UNET),
    ModelRow("diffusion-transformer", _denoising("diffusion", "transformer"), RENOISE, (3.5e-4, 9e-5), SOME_FIELDS),
    ModelRow("flow-mlp", _denoising("flow_matching", "mlp"), RENOISE, (2.9e-5, 7e-6), _FLOW),
    ModelRow("autoregressive-transformer", _autoregressive, CONTINUE, (3.5e-4, 2e-4), _WHOLE),
    ModelRow("vae-mlp", _vae, REENCODE, (2e-4, 1e-4), _WHOLE),
    ModelRow("video-mlp", _denoising("continuation", "mlp"), RENOISE, (3e-4, 9e-5), _WHOLE | _PLANNER, continues=True),
    ModelRow("clip-mlp", _denoising("clips", "mlp"), RENOISE, (3e-4, 9e-5), _WHOLE | {"heun_steps"}),
    ModelRow("tacotron", _speaker("tacotron", 0), CONTINUE, (2e-4, 2e-5), _SAID | {"mitigation"}, parts=_READ),
    ModelRow("tacotron-style", _speaker("tacotron", 4), CONTINUE, (2e-4, 2e-5), _SAID, parts=(*_READ, "style")),
    ModelRow("durations-style", _speaker("durations", 4), REENCODE, (1e-4, 1e-5), _SAID, parts=("durations", "style")),
    ModelRow("planner-unet", _denoising("planner", "unet"), RENOISE, (2.4e-4, 4.8e-5), _PLANNER, plans=True),
)
MODELS: dict[str, ModelRow] = {row.name: row for row in _ROWS}


def get_model(name: str) -> ModelRow:
    """The row of that name. Raises `PhyslibError` for an unknown one, with the nearest name."""
    if name not in MODELS:
        raise unknown("model", name, MODELS)
    return MODELS[name]


def build(
    name: str, mean: np.ndarray, std: np.ndarray, steps: int, width: int, blocks: int, heun_steps: int, **options: Any
) -> TrajectoryModel:
    """An untrained model for trajectories of `steps` steps and `mean.shape[-1]` channels.

    `width` is the narrowest layer's; `blocks` counts residual or attention blocks (the U-Net has a fixed number per
    level); `heun_steps` and `options` as in `physlib.models.denoising`. Raises `PhyslibError` for an unknown name, a T or
    width that the backbone cannot take, or an option that means nothing to the model.
    """
    row = get_model(name)
    allowed = row.fields | (STRATEGIC if "mitigation" in row.fields else set())
    for option in options:
        if option not in allowed:
            raise PhyslibError(f"{name} has no option {option}: leave it out.")
    return row.make(mean, std, steps, width, blocks, heun_steps, **options)
