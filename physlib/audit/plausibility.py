"""Do the samples look right? What can be told without a rule: distance to the nearest demonstration, steps, accelerations (pages layer)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from physlib.audit.quantities import Episodes

LIBRARY = 4_000  # demonstrations that neighbours are sought among
ASKED = 1_000  # trajectories that neighbours are sought for
WITHIN = 0.99  # quantile of the demonstrations' own values that bounds what looks right
QUANTILES = (0.5, 0.9, 0.99)


@dataclass(frozen=True)
class Proxy:
    """One measure of looks: quantiles over demonstrations and over samples."""

    name: str
    demonstrations: tuple[float, ...]  # at `QUANTILES`
    samples: tuple[float, ...]


@dataclass(frozen=True)
class Plausibility:
    """Samples beside demonstrations, in standard deviations of the columns."""

    proxies: tuple[Proxy, ...]
    within: float  # share of samples below the demonstrations' 99 % quantile in all of them
    expected: float  # the same share of demonstrations held out


def _largest(x: Float[np.ndarray, "N T D"], order: int) -> Float[np.ndarray, " N"]:
    """Largest difference of an order on each trajectory."""
    return np.linalg.norm(np.diff(x, order, axis=1), axis=2).max(axis=1)


def _nearest(x: Float[np.ndarray, "N T D"], library: Float[np.ndarray, "L T D"]) -> Float[np.ndarray, " N"]:
    """Root mean square distance per entry to the nearest of a library."""
    flat, known = x.reshape(len(x), -1), library.reshape(len(library), -1)
    known_square, least = (known**2).sum(axis=1), []
    for part in np.array_split(flat, max(1, len(flat) // 250)):
        square = (part**2).sum(axis=1)[:, None] - 2 * part @ known.T + known_square
        least.append(square.min(axis=1))
    return np.sqrt(np.clip(np.concatenate(least), 0, None) / flat.shape[1])


def looks(
    demonstrations: Episodes, samples: Episodes, scale: Float[np.ndarray, " D"], rng: np.random.Generator
) -> Plausibility:
    """Compare samples, and demonstrations held out, with the rest of the demonstrations."""
    moving = scale > 0
    order = rng.permutation(len(demonstrations.x))
    asked = min(ASKED, len(order) // 2)
    known, held = order[asked : asked + LIBRARY], order[:asked]
    parts = [demonstrations.x[known], demonstrations.x[held], samples.x[rng.permutation(len(samples.x))[:ASKED]]]
    library, fresh, drawn = (x[:, :, moving] / scale[moving] for x in parts)
    measures = {"distance to the nearest demonstration": lambda x: _nearest(x, library)}
    measures["largest step"] = lambda x: _largest(x, 1)
    if library.shape[1] > 2:
        measures["largest acceleration"] = lambda x: _largest(x, 2)
    proxies = []
    good = [np.ones(len(fresh), bool), np.ones(len(drawn), bool)]
    for name, measure in measures.items():
        own, theirs = measure(fresh), measure(drawn)
        limit = np.quantile(own, WITHIN)
        good = [good[0] & (own <= limit), good[1] & (theirs <= limit)]
        proxies.append(Proxy(name, *(tuple(map(float, np.quantile(v, QUANTILES))) for v in (own, theirs))))
    return Plausibility(tuple(proxies), float(good[1].mean()), float(good[0].mean()))
