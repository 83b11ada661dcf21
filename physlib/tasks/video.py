"""Video of one body in uniform motion, with a flat prior over its speed; variants that leave cases out of training.

After B. Kang et al., How Far is Video Generation from World Model: A Physical Law Perspective (2024): discs in a world
of 10 by 10, here seen edge on as shadows, so that a clip is a sequence of rows of pixels. Motion is in closed form.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import array_api_compat
import numpy as np
from jaxtyping import Float, Int

from physlib.core.errors import PhyslibError
from physlib.tasks.base import FiniteBankTask, TaskInfo, Trajectories
from physlib.tasks.shadows import COLOURS, SHAPES, WORLD, centres, draw, medians, slope

DT = 0.2  # s between frames
FRAMES, PIXELS = 16, 32
SHOWN = 3  # frames that a model of continuations is given
VIEWED = 2.4  # s for which a body stays in view, where it can
RADII = (0.7, 1.4)  # of training, as in the original's code
SPEEDS = (1.0, 4.0)


@dataclass(frozen=True)
class Cases:
    """Where the bodies of a set of clips come from; a single value for what does not vary."""

    speed: tuple[float, float] = SPEEDS
    radius: tuple[float, float] = RADII
    colour: str | None = None  # any where none is named
    shape: str | None = "disc"


TESTS: dict[str, Cases] = {
    "in": Cases(),
    "slow": Cases(speed=(0.0, 0.8)),
    "fast": Cases(speed=(4.5, 6.0)),
    "small": Cases(radius=(0.3, 0.6)),
    "large": Cases(radius=(1.5, 2.0)),
    "fast and large": Cases(speed=(4.5, 6.0), radius=(1.5, 2.0)),
}
"""Sets of clips that models are tested on, within training's ranges and beyond; ranges of the original."""


def start_of(
    speed: Float[np.ndarray, " N"], radius: Float[np.ndarray, " N"], rng: np.random.Generator
) -> Float[np.ndarray, " N"]:
    """First places from which a body that moves to the right is in view for `VIEWED` seconds, else near the left edge."""
    room = WORLD - 2 * radius - VIEWED * np.abs(speed)
    return radius + np.where(room > 0.5, rng.random(len(speed)) * room, 0.5 * rng.random(len(speed)))


def clips(
    speed: Float[np.ndarray, " N"], z: Float[np.ndarray, "N 4"], frames: int = FRAMES
) -> Float[np.ndarray, "N T D"]:
    """The first frames of clips of bodies with first place, radius, number of the colour and of the shape in `z`."""
    centre = z[:, :1] + speed[:, None] * DT * np.arange(frames)
    colour, shape = z[:, 2].astype(int), z[:, 3].astype(int)
    return draw(centre, z[:, 1], colour, shape, PIXELS)


def numbered(name: str | None, known: tuple[str, ...], n: int, rng: np.random.Generator) -> Int[np.ndarray, " N"]:
    """The number of a named attribute for all, or drawn evenly from the first two where none is named."""
    return rng.integers(0, 2, n) if name is None else np.full(n, known.index(name))


class Video(FiniteBankTask):
    """Clips of a disc of any colour that moves to the right at an even speed."""

    family = "video"
    info = TaskInfo(
        title="disc in uniform motion",
        rule=r"x(t) = x_0 + v\,t",
        quantity="speed",
        symbol="v",
        unit="m/s",
        lo=SPEEDS[0],
        hi=SPEEDS[1],
        domain=(0.0, 6.0),
        steps=FRAMES,
        dims=2 * PIXELS,
        nuisance="first place, radius, colour",
        regime="regular: straight motion through a picture of 10 m",
        threshold=0.15,
        threshold_reason="half a pixel off the straight line, in m",
        source="B. Kang et al., How Far is Video Generation from World Model (2024), arXiv:2411.02385",
    )
    cases: ClassVar[Cases] = Cases()
    BANK = 4_000
    SCALED_BY = 2_000

    def nuisance(self, q, rng):
        n = len(q)
        radius = rng.uniform(*self.cases.radius, n)
        colour = numbered(self.cases.colour, COLOURS, n, rng)
        shape = numbered(self.cases.shape, SHAPES, n, rng)
        return np.stack([start_of(q, radius, rng), radius, colour, shape], axis=1)

    def frames(self, q: Float[np.ndarray, " N"], z: Float[np.ndarray, "N Z"], count: int) -> Float[np.ndarray, "N T D"]:
        """The first `count` frames of clips."""
        return clips(q, z, count)

    def generate(self, q, z):
        return self.frames(q, z, FRAMES)

    def bodies(self, n: int, rng: np.random.Generator) -> tuple[Float[np.ndarray, " N"], Float[np.ndarray, "N Z"]]:
        """Speeds and nuisance variables of `n` clips."""
        q = self.prior_draws(n, rng)
        return q, self.nuisance(q, rng)

    def sample(self, n, rng):
        """`n` clips with the speed drawn from the prior."""
        return self.beginnings(n, rng, FRAMES)

    def beginnings(self, n: int, rng: np.random.Generator, count: int = SHOWN) -> Trajectories:
        """The first frames of the clips that `sample` makes of the same generator."""
        q, z = self.bodies(n, rng)
        return Trajectories(self.frames(q, z, count), q, z)

    def measure(self, x: Float[Any, "*N T D"]) -> Float[Any, "*N"]:
        """Least-squares speed of the centre of mass over the frames in which a body is wholly in view; NaN for fewer than two."""
        return slope(*centres(x), DT)[0]

    def residual(self, x):
        """Root mean square distance of the centre from the straight line, m; infinite where there is none."""
        xp = array_api_compat.array_namespace(x)
        place, weight = centres(x)
        speed, away = slope(place, weight, DT)
        count = xp.sum(weight, axis=-1)
        off = xp.sqrt(xp.sum(weight * away**2, axis=-1) / xp.where(count > 0, count, xp.ones_like(count)) + 1e-12)
        return xp.where(xp.isnan(speed), xp.full_like(off, float("inf")), off)

    def test(self, name: str, n: int, rng: np.random.Generator) -> Trajectories:
        """Clips of a test set. Raises `PhyslibError` for an unknown one, or cases that leave the picture."""
        return drawn(self.tests[name], n, rng)

    @property
    def tests(self) -> dict[str, Cases]:
        """The sets that a model of this task is tested on, by name."""
        return TESTS


def drawn(cases: Cases, n: int, rng: np.random.Generator) -> Trajectories:
    """Clips of the given cases, speed and radius evenly from their ranges. Raises `PhyslibError` for what cannot be drawn."""
    if not 0 < cases.radius[0] <= cases.radius[1] < WORLD / 4:
        raise PhyslibError(f"radii {cases.radius} leave the picture: give values above 0 and below {WORLD / 4:g}.")
    for name, known in ((cases.colour, COLOURS), (cases.shape, SHAPES)):
        if name is not None and name not in known:
            raise PhyslibError(f"unknown attribute '{name}': choose one of {', '.join(known)}.")
    q, radius = rng.uniform(*cases.speed, n), rng.uniform(*cases.radius, n)
    colour, shape = numbered(cases.colour, COLOURS, n, rng), numbered(cases.shape, SHAPES, n, rng)
    z = np.stack([start_of(q, radius, rng), radius, colour, shape], axis=1)
    return Trajectories(clips(q, z), q, z)


def median_speed(task: Video, x: Float[Any, "N T D"]) -> Float[np.ndarray, " N"]:
    """Speed of the place that halves the mass, which stray light hardly moves, m/s."""
    place, weight = medians(np.asarray(x))
    return slope(place, weight, DT)[0]
