"""Videos that leave cases out of training: a gap in speed, motion to one side, two combinations of two attributes."""

from __future__ import annotations

import dataclasses
from itertools import combinations
from typing import Any, ClassVar

import array_api_compat
import numpy as np
from jaxtyping import Float, Int

from physlib.tasks.base import Trajectories
from physlib.tasks.shadows import centres, slope
from physlib.tasks.video import DT, SHOWN, TESTS, Cases, Video, clips, start_of

TURNED = (2.5, 4.0)  # speeds that models of one side are shown
VALUES: dict[str, tuple[float, float]] = {
    "colour": (0.0, 1.0),
    "size": (0.7, 1.4),
    "velocity": (1.0, 4.0),
    "shape": (0.0, 1.0),
}
"""The two values of each attribute: red and blue, radii, speeds, disc and square."""
PLAIN = {"size": 1.0, "velocity": 2.5, "shape": 0.0}
"""What an attribute is where a pair does not name it; the colour is either."""


class Gap(Video):
    """Speeds from a band at either end of the range."""

    family = "video-gap"
    info = dataclasses.replace(Video.info, title="disc, speeds from two bands")
    BAND: ClassVar[float] = 0.25

    def prior_draws(self, n, rng):
        q = super().prior_draws(n, rng)
        share = (q - self.lo) / (self.hi - self.lo)
        return np.where(share < 0.5, self.lo + 2 * share * self.BAND, self.hi - 2 * (1 - share) * self.BAND)

    @property
    def tests(self):
        """Speeds within the gap, and as in training's bands."""
        return {
            "between": Cases(speed=(self.lo + self.BAND, self.hi - self.BAND)),
            "slow": TESTS["slow"],
            "fast": TESTS["fast"],
        }


class NarrowGap(Gap):
    """The same with a gap of half the width."""

    family = "video-narrowgap"
    BAND = 1.0


class OneSide(Video):
    """Fast bodies that move to the right."""

    family = "video-right"
    info = dataclasses.replace(Video.info, title="fast disc to the right", lo=TURNED[0], hi=TURNED[1])

    @property
    def tests(self):
        """Bodies slower than any that was shown."""
        return {"slower": Cases(speed=(1.0, 2.5))}


class BothSides(OneSide):
    """The same, half of the clips mirrored."""

    family = "video-both"
    info = dataclasses.replace(OneSide.info, title="fast disc to either side")

    def frames(self, q, z, count):
        x = clips(q, z[:, :4], count)
        turned = x.reshape(len(x), x.shape[1], 2, -1)[..., ::-1].reshape(x.shape)
        return np.where(z[:, 4, None, None] > 0, turned, x)

    def nuisance(self, q, rng):
        return np.concatenate([super().nuisance(q, rng), rng.integers(0, 2, (len(q), 1))], axis=1)

    def measure(self, x: Float[Any, "*N T D"]) -> Float[Any, "*N"]:
        """Speed without its direction."""
        return array_api_compat.array_namespace(x).abs(super().measure(x))


class Pair(Video):
    """Two attributes that go together in training, low with low and high with high; tests swap them.

    Section 5.3 of Kang et al. Of a swapped clip a model can keep one attribute or the other.
    """

    PAIR: ClassVar[tuple[str, str]]

    def _of(self, sides: Int[np.ndarray, "N 2"], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Speeds and nuisance variables of clips with a side of each attribute, 0 or 1."""
        n = len(sides)
        values = {name: np.full(n, value) for name, value in PLAIN.items()} | {"colour": rng.integers(0, 2, n)}
        for name, side in zip(self.PAIR, sides.T, strict=True):
            values[name] = np.where(side > 0, VALUES[name][1], VALUES[name][0])
        speed, radius = (values[name].astype(float) for name in ("velocity", "size"))
        return speed, np.stack([start_of(speed, radius, rng), radius, values["colour"], values["shape"]], axis=1)

    def bodies(self, n, rng):
        """Those of the two combinations, half of each."""
        side = rng.permutation(np.arange(n) % 2)
        return self._of(np.stack([side, side], axis=1), rng)

    @property
    def tests(self):
        """Names of the two sets: combinations as in training, and swapped."""
        return dict.fromkeys(("seen", "swapped"))

    def test(self, name, n, rng):
        side = rng.permutation(np.arange(n) % 2)
        q, z = self._of(np.stack([side, 1 - side if name == "swapped" else side], axis=1), rng)
        return Trajectories(clips(q, z), q, z)

    def nearest(self, x: Float[np.ndarray, "N T D"], data: Trajectories) -> Int[np.ndarray, " N"]:
        """Which of four clips each continuation is nearest to: 0 as conditioned, 1 with the first attribute changed,

        2 with the second changed, 3 with both. Each goes on from where the body is in the last frame shown.
        """
        place = data.z[:, 0] + data.q * DT * (SHOWN - 1)
        distances = []
        for changed in ((), self.PAIR[:1], self.PAIR[1:], self.PAIR):
            speed, z = data.q.copy(), data.z.copy()
            for name in changed:
                low, high = VALUES[name]
                at = {"size": z[:, 1], "colour": z[:, 2], "shape": z[:, 3], "velocity": speed}[name]
                at[:] = np.where(np.isclose(at, low), high, low)
            z[:, 0] = place - speed * DT * (SHOWN - 1)
            distances.append(np.sum((clips(speed, z) - x)[:, SHOWN:] ** 2, axis=(1, 2)))
        return np.argmin(distances, axis=0)


PAIRS: dict[str, type[Pair]] = {
    f"video-{a}-{b}": type(f"Pair_{a}_{b}", (Pair,), {"family": f"video-{a}-{b}", "PAIR": (a, b)})
    for a, b in combinations(VALUES, 2)
}
"""A task for each pair of attributes."""


def continued(task: Video, x: Float[np.ndarray, "N T D"], data: Trajectories) -> dict[str, np.ndarray]:
    """What a model's continuations of test clips show.

    `speed` `(N,)`, signed, over the frames that it made; `error` `(N,)`, mean distance of the steps from frame to frame
    from the true speed, the velocity error of Kang et al., over the frames in which both it and the truth are wholly in
    view; of `Pair` instead `nearest`, see there. NaN where nothing can be read.
    """
    if isinstance(task, Pair):
        return {"nearest": task.nearest(x, data).astype(np.int8)}
    place, weight = centres(x)
    seen = weight * (centres(data.x)[1] > 0)
    speed, _ = slope(place[:, SHOWN:], weight[:, SHOWN:], DT)
    both = seen[:, SHOWN - 1 : -1] * seen[:, SHOWN:]
    off = np.abs(np.diff(place, axis=1)[:, SHOWN - 1 :] / DT - data.q[:, None])
    with np.errstate(invalid="ignore"):
        error = np.sum(both * off, axis=1) / np.sum(both, axis=1)
    return {"speed": speed.astype(np.float32), "error": error.astype(np.float32)}
