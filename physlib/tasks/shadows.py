"""Shadows: bodies seen edge on, as rows of pixels in two colours; drawn without aliasing, and read back."""

from __future__ import annotations

from typing import Any

import array_api_compat
import numpy as np
from jaxtyping import Float, Int

WORLD = 10.0  # length of the line that is seen
SHAPES = ("disc", "square", "ring")
COLOURS = ("red", "blue")
HOLLOW = 0.6  # inner over outer radius of a ring
TALLEST = 3.0  # height of a shadow that is drawn as 1, that of a disc of radius 1.5
EDGE = 0.02  # share of a body's shadow in the outermost pixels above which it is not wholly in view
FAINT = 0.05  # mass of a shadow below which nothing is there


def _disc(u: Float[np.ndarray, "N T P"], r: Float[np.ndarray, "N 1 1"]) -> Float[np.ndarray, "N T P"]:
    """Area of a disc of radius r to the left of `u` from its centre, less half of it."""
    u = np.clip(u, -r, r)
    return u * np.sqrt(np.maximum(r**2 - u**2, 0)) + r**2 * np.arcsin(np.clip(u / r, -1, 1))


def _area(
    u: Float[np.ndarray, "N T P"], r: Float[np.ndarray, "N 1 1"], shape: Int[np.ndarray, "N 1 1"]
) -> Float[np.ndarray, "N T P"]:
    """Area of a body to the left of `u`, up to a constant, by its number in `SHAPES`; a square has the side 2 r."""
    square = 2 * r * np.clip(u, -r, r)
    return np.where(shape == 1, square, _disc(u, r) - (shape == 2) * _disc(u, HOLLOW * r))


def draw(
    centre: Float[np.ndarray, "N T"],
    radius: Float[np.ndarray, " N"],
    colour: Int[np.ndarray, " N"],
    shape: Int[np.ndarray, " N"],
    pixels: int,
) -> Float[np.ndarray, "N T D"]:
    """Frames of one body each, `pixels` of either colour in a row: the exact mean height of the shadow over each pixel."""
    edges = np.linspace(0, WORLD, pixels + 1)
    r, kind = radius[:, None, None], shape[:, None, None]
    left = _area(edges - centre[:, :, None], r, kind)
    heights = np.diff(left, axis=2) / (WORLD / pixels * TALLEST)
    frames = np.zeros((*centre.shape, len(COLOURS), pixels))
    np.put_along_axis(
        frames, colour[:, None, None, None] + np.zeros_like(frames[:, :, :1], dtype=int), heights[:, :, None], 2
    )
    return frames.reshape(*centre.shape, -1)


def rows_of(x: Float[Any, "*N T D"]) -> Float[Any, "*N T _"]:
    """Frames with both colours added up."""
    half = x.shape[-1] // 2
    return x[..., :half] + x[..., half:]


def centres(x: Float[Any, "*N T D"]) -> tuple[Float[Any, "*N T"], Float[Any, "*N T"]]:
    """Centre of mass in each frame, and a weight: 1 where a body is wholly in view, else 0."""
    xp = array_api_compat.array_namespace(x)
    row = rows_of(x)
    pixels = row.shape[-1]
    place = (xp.astype(xp.arange(pixels), row.dtype) + 0.5) * (WORLD / pixels)
    mass = xp.sum(row, axis=-1)
    present = mass > FAINT
    safe = xp.where(present, mass, xp.ones_like(mass))
    inside = (row[..., 0] + row[..., -1]) < EDGE * safe
    return xp.sum(row * place, axis=-1) / safe, xp.astype(present & inside, row.dtype)


def medians(x: Float[np.ndarray, "N T D"]) -> tuple[Float[np.ndarray, "N T"], Float[np.ndarray, "N T"]]:
    """Place with half of the mass on either side in each frame, linear within a pixel, and the weight of `centres`."""
    row = np.clip(rows_of(np.asarray(x, dtype=float)), 0, None)
    pixels = row.shape[-1]
    total = np.concatenate([np.zeros((*row.shape[:-1], 1)), np.cumsum(row, axis=-1)], axis=-1)
    half = total[..., -1:] / 2
    at = np.clip((total < half).sum(axis=-1) - 1, 0, pixels - 1)[..., None]
    below, inside = np.take_along_axis(total, at, -1), np.take_along_axis(row, at, -1)
    share = (half - below) / np.where(inside > 0, inside, 1)
    return (at + share)[..., 0] * (WORLD / pixels), centres(np.asarray(x, dtype=float))[1]


def slope(place: Float[Any, "*N T"], weight: Float[Any, "*N T"], dt: float) -> tuple[Any, Any]:
    """Least-squares speed over weighted frames, NaN for fewer than two of them, and places less the fitted line."""
    xp = array_api_compat.array_namespace(place)
    time = xp.astype(xp.arange(place.shape[-1]), place.dtype) * dt + xp.zeros_like(place)
    count = xp.sum(weight, axis=-1)
    safe = xp.where(count > 0, count, xp.ones_like(count))
    t0, x0 = xp.sum(weight * time, axis=-1) / safe, xp.sum(weight * place, axis=-1) / safe
    away, moved = time - t0[..., None], place - x0[..., None]
    spread = xp.sum(weight * away**2, axis=-1)
    enough = count > 1.5
    speed = xp.sum(weight * away * moved, axis=-1) / xp.where(enough, spread, xp.ones_like(spread))
    speed = xp.where(enough, speed, xp.full_like(speed, float("nan")))
    return speed, moved - speed[..., None] * away
