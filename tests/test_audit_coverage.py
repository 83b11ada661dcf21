"""How often an audit's intervals hold the truth. The numbers in the limits: `python -m tests.test_audit_coverage white 1000 100`."""

import sys

import numpy as np
import pytest

from physlib.audit import Reading, after
from physlib.audit.io.open import open_trajectories
from physlib.audit.io.read import load
from physlib.core.rng import numpy_rng
from physlib.kernels import DistanceScale, Isotropic
from tests.test_audit import curves, demonstrations

STEPS, SAMPLES = 32, 2_000


class Lost:
    """White error, and three in five of the short paths missing."""

    def deviate(self, task, x, rng):
        kept = (task.measure(x) > 1.6) | (rng.random(len(x)) < 0.4)
        return Isotropic(0.015).deviate(task, x[kept], rng)


PLANTED = {  # and the skill of white error that an audit of 200,000 demonstrations and 60,000 samples finds
    "white": (Isotropic(0.02), 1.0),
    "distance": (DistanceScale(0.04), 0.386),
    "lost": (Lost(), 0.431),
}


def explained(planted, n, seed):
    """Explanations by white error of one planted deviation from `n` demonstrations."""
    rng = np.random.default_rng(seed)
    demos = demonstrations(curves(n, rng, STEPS))
    x = PLANTED[planted][0].deviate(demos, curves(SAMPLES, rng, STEPS), rng)
    drawn = load(open_trajectories(x, Reading()), demos.quantity, Reading(), numpy_rng(0, "drawn"), STEPS)
    return after.explain(demos, drawn, "isotropic", 0)


def covered(planted, n, repetitions, first=0):
    """Shares of repetitions whose interval holds the true skill, and the true size; those that tell a skill count."""
    every = [explained(planted, n, [first, seed]) for seed in range(repetitions)]
    found = [e for e in every if e.skill is not None]
    _, skill = PLANTED[planted]
    holds = np.mean([e.skill_interval[0] <= skill <= e.skill_interval[1] for e in found])
    sized = np.mean([e.white.size_interval[0] <= 0.02 <= e.white.size_interval[1] for e in found])
    return float(holds), float(sized), len(found)


@pytest.mark.parametrize("planted", PLANTED)
def test_intervals_hold_the_true_skill(planted, monkeypatch):
    monkeypatch.setattr(after, "RESAMPLED", 40)
    holds, _, told = covered(planted, 1_000, 5, first=7)
    assert told >= 4
    assert holds >= 0.75


if __name__ == "__main__":
    name, demonstrated, times = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    print("held the skill, held the size (white only), told:", covered(name, demonstrated, times))  # noqa: T201
