"""How often an audit's test raises a false alarm, and how often its intervals hold the truth: `python -m benchmarks.audit_statistics 1000`."""

import sys

import numpy as np
from scipy.stats import norm

from physlib.audit.compare import compare
from physlib.core.rng import numpy_rng
from physlib.stats.histogram import Bins
from physlib.stats.samples import Independent, Paired

EPISODES = 60
KINDS = {"1 window": (1, 0.5), "10 windows": (10, 0.5), "30 windows": (30, 0.5), "20 copies": (20, 0.0)}
"""Rows an episode, and how much they differ within one, in shares of the spread between episodes."""


def episodes(kind, rng, count=EPISODES):
    """Values of windows or copies, and the episode of each."""
    rows, within = KINDS[kind]
    group = np.repeat(np.arange(count), rows)
    between = rng.gamma(3, size=count)
    return between[group] + within * np.sqrt(3) * rng.standard_normal(len(group)), group


def false_alarms(kind, repetitions, alone=False):
    """Share of real against real, split by episode, that is called a shift at 5 %; `alone`: against independent rows."""
    rng, found = numpy_rng(0, f"false alarms {kind}"), []
    rows, within = KINDS[kind]
    for _ in range(repetitions):
        (first, group), (second, other) = episodes(kind, rng), episodes(kind, rng)
        if alone:
            second, other = rng.gamma(3, size=1_000) + within * np.sqrt(3) * rng.standard_normal(1_000), None
        pair = Independent() if rows == 1 else Independent((group, other))
        found.append(pair.p_value(first, second, rng))
    return float(np.mean(np.array(found) < 0.05))


def paired_alarms(answers, repetitions):
    """The same where every sample answers a condition, `answers` each."""
    rng, found = numpy_rng(0, f"paired alarms {answers}"), []
    for _ in range(repetitions):
        condition = np.repeat(np.arange(200), answers)
        middle = rng.gamma(3, size=200)
        real, drawn = middle + rng.standard_normal(200), middle[condition] + rng.standard_normal(200 * answers)
        found.append(Paired(condition).p_value(real, drawn, rng))
    return float(np.mean(np.array(found) < 0.05))


def _quantiles(count=400_000):
    return (np.arange(count) + 0.5) / count


CASES = {  # inverse distribution functions of demonstrations and samples
    "normal, moved": (norm.ppf, lambda u: norm.ppf(u) + 0.1),
    "normal, far": (norm.ppf, lambda u: norm.ppf(u) + 0.5),
    "normal, wider": (norm.ppf, lambda u: 1.2 * norm.ppf(u)),
    "lognormal": (lambda u: np.exp(norm.ppf(u)), lambda u: np.exp(0.05 + 1.05 * norm.ppf(u))),
    "Pareto 3": (lambda u: 0.2 * (1 - u) ** (-1 / 3), lambda u: 0.26 * (1 - u) ** (-1 / 3)),
    "Pareto 2.2": (lambda u: 0.2 * (1 - u) ** (-1 / 2.2), lambda u: 0.26 * (1 - u) ** (-1 / 2.2)),
    "atom": (
        lambda u: np.where(u < 0.3, 0, norm.ppf((u - 0.3).clip(1e-12) / 0.7, 2, 0.3)),
        lambda u: np.where(u < 0.25, 0, norm.ppf((u - 0.25).clip(1e-12) / 0.75, 2, 0.3)),
    ),
}


def coverage(case, count, repetitions, rows=1):
    """Shares of 95 % intervals of TV, Wasserstein distance and change of the mean that hold the truth.

    `count` demonstrations and samples, each `rows` times where they are copies, told as groups.
    """
    first, second = CASES[case]
    u, rng, held = _quantiles(), numpy_rng(0, f"coverage {case}"), []
    ideal = first(u), second(u)
    w1, moved = float(np.abs(ideal[1] - ideal[0]).mean()), float((ideal[1] - ideal[0]).mean())
    for _ in range(repetitions):
        a, b = first(rng.random(count)), second(rng.random(count))
        bins = Bins.of_sample(a)
        group = np.repeat(np.arange(count), rows)
        pair = Independent() if rows == 1 else Independent((group, group))
        found = compare(bins, a[group], b[group], rng, pair)
        tv = 0.5 * float(np.abs(bins.mass(ideal[1]) - bins.mass(ideal[0])).sum())
        assert found.w1_interval[0] <= found.w1 <= found.w1_interval[1] and found.w1_interval[1] >= abs(
            found.mean_shift
        )
        truths = ((found.tv_interval, tv), (found.w1_interval, w1), (found.mean_shift_interval, moved))
        held.append([low <= truth <= high for (low, high), truth in truths])
    return tuple(np.mean(held, axis=0).tolist())


def main(repetitions: int) -> None:
    """Print both tables."""
    for kind in KINDS:
        alarms = false_alarms(kind, repetitions), false_alarms(kind, repetitions // 4, alone=True)
        sys.stdout.write(
            f"{kind:<14} false alarms by episode {alarms[0]:.1%}, against independent rows {alarms[1]:.1%}\n"
        )
    for answers in (1, 5):
        sys.stdout.write(f"paired, {answers} a condition: false alarms {paired_alarms(answers, repetitions):.1%}\n")
    for count in (300, 2_000):
        for case in CASES:
            held = coverage(case, count, repetitions // 4)
            sys.stdout.write(
                f"{case:<14} {count:>5}  TV {held[0]:.0%}, Wasserstein {held[1]:.0%}, mean {held[2]:.0%}\n"
            )
    held = coverage("normal, moved", 300, repetitions // 4, rows=10)
    sys.stdout.write(f"ten copies     300  TV {held[0]:.0%}, Wasserstein {held[1]:.0%}, mean {held[2]:.0%}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000)
