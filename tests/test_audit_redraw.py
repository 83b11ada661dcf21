"""`--redraw`: models whose answer is known, and functions that are none."""

import numpy as np
import pytest

from physlib import audit
from physlib.core.errors import PhyslibError
from tests.conftest import physlib

RNG = np.random.default_rng(0)


def walks(n, rng, longest):
    """Straight paths of 12 steps whose length is uniform up to `longest`."""
    length, turn = rng.uniform(1, longest, n), rng.uniform(0, 6.28, n)
    heading = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    return length[:, None, None] * np.linspace(0, 1, 12)[:, None] * heading[:, None]


DEMOS, SAMPLES = walks(4_000, RNG, 3.0), walks(4_000, RNG, 2.0)


def model(decided_at):
    """Draws lengths up to 2 in place of 3, and decides on them at one level."""

    def redraw(x, level):
        return x if level < decided_at else walks(len(x), np.random.default_rng(int(100 * level)), 2.0)

    return redraw


@pytest.mark.parametrize(
    ("decided_at", "low", "high", "when"),
    [(0.1, 0.05, 0.1, "late"), (0.3, 0.2, 0.5, "in between"), (1.5, 1.0, 2.0, "early")],
)
def test_the_level_where_a_shift_is_made(decided_at, low, high, when):
    found = audit(DEMOS, "path_length", SAMPLES, redraw=model(decided_at)).findings.decision
    assert low < found.level <= high
    assert found.when == when
    shares = dict(zip(found.levels, found.shares, strict=True))
    assert all(share == pytest.approx(0, abs=0.02) for level, share in shares.items() if level < decided_at)
    assert all(share == pytest.approx(1, abs=0.1) for level, share in shares.items() if level >= decided_at)


def test_it_is_said_recorded_and_advised():
    found = audit(DEMOS, "path_length", SAMPLES, redraw=model(1.5))
    assert "made early" in found.summary()
    assert found.record()["decision"]["name"] == "redraw"
    assert audit(DEMOS, "path_length", SAMPLES).record()["decision"] is None


def test_no_shift_has_no_level():
    found = audit(DEMOS, "path_length", walks(4_000, RNG, 3.0), redraw=model(0.1)).findings.decision
    assert found.level is None
    assert found.when == "none"


@pytest.mark.parametrize(
    ("redraw", "words"),
    [
        (lambda x, level: x[:, 1:], "return the same shape"),
        (lambda x, level: np.full_like(x, np.nan), "finite trajectories"),
        (lambda x: x, "failed at level"),
        ("nowhere:model", "cannot import nowhere"),
        ("math:pi", "is no function"),
    ],
)
def test_what_is_no_model_gets_a_sentence(redraw, words):
    with pytest.raises(PhyslibError, match=words):
        audit(DEMOS, "path_length", SAMPLES, redraw=redraw)


def test_samples_are_needed():
    with pytest.raises(PhyslibError, match="give --samples"):
        audit(DEMOS, "path_length", redraw=model(0.1))


def test_from_the_command_line(tmp_path):
    np.savez(tmp_path / "demos.npz", x=DEMOS)
    np.savez(tmp_path / "samples.npz", x=SAMPLES)
    (tmp_path / "mine.py").write_text("def redraw(x, level):\n    return x * (1 if level < 0.3 else 2 / 3)\n")
    words = ("audit", "demos.npz", "--quantity", "path_length", "--samples", "samples.npz", "--redraw")
    assert "mine:redraw redrew 4,000" in physlib(*words, "mine:redraw", cwd=tmp_path).stdout
    done = physlib(*words, "mine:nothing", cwd=tmp_path, check=False)
    assert done.returncode == 2
    assert "has no nothing" in done.stderr
