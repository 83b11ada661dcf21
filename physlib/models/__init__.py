"""Generative models of trajectories, by name. Importing this package does not import PyTorch."""

from physlib.models.registry import CONTINUE, MODELS, REENCODE, RENOISE, ModelRow, Probe, build, get_model

PROBES = {name: row.probe for name, row in MODELS.items()}
"""What each model is probed by."""

__all__ = ["CONTINUE", "MODELS", "PROBES", "REENCODE", "RENOISE", "ModelRow", "Probe", "build", "get_model"]
