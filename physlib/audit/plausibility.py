"""Do the samples look right? Without a rule: distance to the nearest demonstration, steps, accelerations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from physlib.audit.io.episodes import Episodes
from physlib.stats.nearest import nearest
from physlib.tasks.quantities import largest_difference

LIBRARY = 4_000  # demonstrations that neighbours are sought among
SOUGHT = 1_000  # trajectories that neighbours are sought for
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

    within: float  # share of samples below the demonstrations' 99 % quantile in all of them
    expected: float  # the same share of demonstrations that were set aside
    quantiles: tuple[float, ...]
    proxies: tuple[Proxy, ...]


def read_plausibility(
    demonstrations: Episodes,
    samples: Episodes,
    scale: Float[np.ndarray, " D"],
    rng: np.random.Generator,
    groups: Int[np.ndarray, " N"] | None = None,
) -> Plausibility:
    """Compare samples, and demonstrations (or whole `groups` of them) set aside, with the rest of the demonstrations."""
    moving = scale > 0
    order = rng.permutation(len(demonstrations.x))
    aside = min(SOUGHT, len(order) // 2)
    if groups is not None:
        order = order[np.argsort(rng.permutation(groups.max() + 1)[groups[order]], kind="stable")]
        aside += int(np.argmax(groups[order[aside:]] != groups[order[aside - 1]]))  # to the end of a group
    chosen = (demonstrations.x[order[aside : aside + LIBRARY]], demonstrations.x[order[:aside]])
    drawn = samples.x[rng.permutation(len(samples.x))[:SOUGHT]]
    library, *parts = (x[:, :, moving] / scale[moving] for x in (*chosen, drawn))
    measures: dict[str, Callable] = {
        "distance to the nearest demonstration": lambda x: nearest(x, library) / np.sqrt(library[0].size),
        "largest step": lambda x: largest_difference(x, 1),
    }
    if library.shape[1] > 2:
        measures["largest acceleration"] = lambda x: largest_difference(x, 2)
    proxies, good = [], [np.ones(len(part), bool) for part in parts]
    for name, measure in measures.items():
        values = [measure(part) for part in parts]
        limit = np.quantile(values[0], WITHIN)
        good = [g & (v <= limit) for g, v in zip(good, values, strict=True)]
        proxies.append(Proxy(name, *(tuple(map(float, np.quantile(v, QUANTILES))) for v in values)))
    return Plausibility(float(good[1].mean()), float(good[0].mean()), QUANTILES, tuple(proxies))
