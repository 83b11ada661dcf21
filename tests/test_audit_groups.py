"""Rows that depend on each other: groups, pairs, held-out data, and what an audit sees without being told."""

import json

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from benchmarks.audit_statistics import CASES, KINDS, coverage, false_alarms, paired_alarms
from physlib.audit import after, audit
from physlib.core.errors import PhyslibError
from physlib.core.rng import numpy_rng
from physlib.stats.clusters import GroupedCounts, merged
from physlib.stats.l1 import l1_interval
from physlib.stats.samples import Independent, Paired
from physlib.stats.transport import transport_cells
from tests.conftest import physlib
from tests.test_audit import curves


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(after, "RESAMPLED", 10)


# ---- the tests and the intervals


@pytest.mark.parametrize("kind", KINDS)
def test_real_against_real_split_by_episode_is_quiet(kind):
    assert false_alarms(kind, 60) <= 0.14  # 5 % in 1,000 repetitions: benchmarks/audit_statistics.py


@pytest.mark.parametrize("answers", [1, 5])
def test_pairs_raise_no_false_alarm(answers):
    assert 0.01 <= paired_alarms(answers, 100) <= 0.12


@pytest.mark.parametrize("case", CASES)
def test_intervals_hold_the_truth(case):
    assert min(coverage(case, 300, 25)) >= 0.8


def test_pairs_find_what_independent_rows_hide():
    rng = numpy_rng(0, "paired power")
    real = rng.gamma(3, size=300)
    drawn = real + 0.1 + 0.05 * rng.standard_normal(300)
    assert Independent().p_value(real, drawn, rng) > 0.05
    pair = Paired(np.arange(300))
    assert pair.p_value(real, drawn, rng) <= 0.003
    assert pair.p_value(real, real, rng) == 1
    shift, half = pair.mean_shift(real, drawn)
    assert shift == pytest.approx(0.1, abs=0.01)
    assert half == pytest.approx(1.96 * 0.05 / np.sqrt(300), rel=0.1)


@pytest.mark.parametrize("copies", [1, 4, 25])
def test_copies_are_worth_as_many_rows_as_there_are_episodes(copies):
    row = np.repeat(np.random.default_rng(0).integers(0, 23, 500), copies)
    found = GroupedCounts.of(row, 23, np.repeat(np.arange(500), copies))
    assert found.effective == pytest.approx(500, rel=0.02)
    together = GroupedCounts.of(row, 23, merged(np.repeat(np.arange(500), copies), np.random.default_rng(1), 100))
    assert together.effective == pytest.approx(500, rel=0.35)


def test_independent_groups_of_rows_are_worth_their_rows():
    row = np.random.default_rng(0).integers(0, 23, 5_000)
    assert GroupedCounts.of(row, 23, np.repeat(np.arange(500), 10)).effective == pytest.approx(5_000, rel=0.1)


@pytest.mark.parametrize("count", [50, 9_000])
def test_transport_on_a_line_is_exact(count):
    rng = np.random.default_rng(count)
    first, second = rng.pareto(2.2, count), 1.3 * rng.pareto(2.2, count + 7)
    assert transport_cells(first, second).distance == pytest.approx(wasserstein_distance(first, second), rel=1e-3)


def test_noise_alone_has_an_interval_from_nought():
    noise = np.random.default_rng(0).standard_normal((401, 20))
    held = [l1_interval(row, np.delete(noise, i, axis=0), 0.5)[0] == 0 for i, row in enumerate(noise[:100])]
    assert np.mean(held) > 0.85


# ---- whole audits


def windows(rng, episodes=40, each=10, steps=16, stride=2):
    """Windows cut from long paths, and the episode of each."""
    long = curves(episodes, rng, stride * each + steps)
    x = np.stack([long[:, i * stride : i * stride + steps] for i in range(each)], axis=1)
    return x.reshape(-1, steps, 2), np.repeat(np.arange(episodes), each)


def test_windows_are_noticed_and_grouped_quietly(tmp_path):
    rng = np.random.default_rng(1)
    p = []
    for seed in range(3):
        (x, label), (y, other) = windows(rng), windows(rng)
        bare = audit(x, "path_length", y, seed=seed)
        assert "independent, but they do not look it" in bare.summary()
        assert "share a stretch of motion" in bare.summary()
        p.append(audit(x, "path_length", y, groups=(label, other), seed=seed).record()["p_value"])
    assert np.median(p) > 0.05
    np.savez(tmp_path / "a.npz", x=x, episode=label)
    np.savez(tmp_path / "b.npz", x=y, episode=other)
    assert "'episode' takes 40 values" in audit(tmp_path / "a.npz", "path_length", tmp_path / "b.npz").summary()
    done = audit(tmp_path / "a.npz", "path_length", tmp_path / "b.npz", groups="episode")
    record = done.record()
    assert record["dependence"] == []
    assert record["demonstrations"]["groups"] == 40
    assert record["demonstrations"]["effective"] < 80
    assert record["tv_floor"] > 2 * bare.record()["tv_floor"]
    assert "test of whole groups" in done.summary()


@pytest.mark.parametrize("moved", [False, True])
def test_copies_are_noticed_also_where_each_has_its_own_origin(moved):
    rng = np.random.default_rng(2)
    x = np.repeat(curves(100, rng, 16), 5, axis=0)
    if moved:
        x = x + rng.standard_normal((500, 1, 2))
    said = audit(x, "path_length", curves(300, rng, 16)).record()["dependence"]
    assert len(said) == 1 and "500 of 500 share a stretch of motion with another, 100 are distinct" in said[0]


@pytest.mark.parametrize("kind", ["curves", "ticks", "lines"])
def test_independent_rows_are_not_suspected(kind):
    rng = np.random.default_rng(3)
    x = curves(2_000, rng, 24)
    if kind == "ticks":
        x = np.rint(20 * x) * (np.arange(2_000) % 2)[:, None, None]
    if kind == "lines":
        x = np.linspace(0, 1, 24)[None, :, None] * rng.uniform(1, 3, (2_000, 1, 1))
    assert audit(x[:1_000], "path_length", x[1_000:]).record()["dependence"] == []


def test_pairs_are_told_by_a_key_or_by_their_row(tmp_path):
    rng = np.random.default_rng(4)
    x = curves(200, rng, 16)
    noisy = x + 0.01 * rng.standard_normal(x.shape)
    order = rng.permutation(200)
    np.savez(tmp_path / "a.npz", x=x, condition=np.arange(200))
    np.savez(tmp_path / "b.npz", x=noisy[order], condition=order)
    by_key = audit(tmp_path / "a.npz", "path_length", tmp_path / "b.npz", paired="condition").record()
    by_row = audit(x, "path_length", noisy, paired="row").record()
    assert by_key["mean_shift"] == pytest.approx(by_row["mean_shift"])
    assert by_key["mean_shift_interval"] == pytest.approx(by_row["mean_shift_interval"])
    loose = audit(x, "path_length", noisy).record()
    assert np.ptp(by_row["mean_shift_interval"]) < 0.3 * np.ptp(loose["mean_shift_interval"])
    subset = audit(tmp_path / "a.npz", "path_length", noisy[order[:120]], paired=None)
    assert subset.record()["p_value"] is not None


def test_several_answers_to_some_conditions_are_compared_with_these_alone():
    rng = np.random.default_rng(5)
    real, condition = np.append(np.zeros(100), np.full(100, 9.0)), np.repeat(np.arange(100), 3)
    drawn = rng.standard_normal(300) * 0.1
    shift, _ = Paired(condition).mean_shift(real, drawn)
    assert shift == pytest.approx(drawn.mean())


def test_held_out_data_are_the_floor_that_counts():
    rng = np.random.default_rng(6)
    x, held, drawn = curves(1_000, rng, 16), 1.1 * curves(500, rng, 16), 1.1 * curves(800, rng, 16)
    done = audit(x, "path_length", drawn, baseline=held)
    record = done.record()
    assert record["baseline"]["trajectories"] == 500
    assert record["baseline"]["tv"] == pytest.approx(record["tv"], rel=0.5)
    assert record["skill"] is None
    assert "real data differ from real data as much" in done.summary()


REFUSED = [
    ({"groups": "scene"}, r"no array 'scene' of one label a trajectory \(it has none\)"),
    ({"groups": np.arange(7)}, "7 labels for the 300 trajectories"),
    ({"paired": "row"}, "give --samples"),
    ({"paired": np.zeros(300), "samples": curves(300, np.random.default_rng(0), 16)}, "belongs to 300 demonstrations"),
    (
        {"paired": "row", "samples": curves(301, np.random.default_rng(0), 16)},
        "answer conditions that no demonstration",
    ),
]


@pytest.mark.parametrize(("words", "sentence"), REFUSED)
def test_labels_that_do_not_fit_are_refused_in_one_sentence(words, sentence):
    with pytest.raises(PhyslibError, match=sentence) as caught:
        audit(curves(300, np.random.default_rng(7), 16), "path_length", **words)
    assert "\n" not in str(caught.value)


def test_few_trajectories_or_groups_are_described_and_not_tested():
    rng = np.random.default_rng(8)
    done = audit(curves(60, rng, 16), "path_length", curves(60, rng, 16))
    record = done.record()
    assert record["p_value"] is None and record["skill"] is None
    assert record["forecast"]["tv"] > 0
    assert "There is no test" in done.summary()
    assert len(done.html()) > 10_000
    many = curves(300, rng, 16)
    assert audit(many, "path_length", many + 1, groups=np.arange(300) % 5).record()["p_value"] is None


def test_groups_on_the_command_line(tmp_path):
    rng = np.random.default_rng(9)
    x, label = windows(rng)
    np.savez(tmp_path / "a.npz", x=x)
    np.save(tmp_path / "b.npy", windows(rng)[0])
    (tmp_path / "a.txt").write_text("\n".join(f"episode {i}" for i in label))
    np.save(tmp_path / "b.label.npy", label)
    words = "audit a.npz --quantity path_length --samples b.npy --groups a.txt,b.label.npy --json r.json --html r.html"
    physlib(*words.split(), cwd=tmp_path)
    record = json.loads((tmp_path / "r.json").read_text())
    assert record["asked"]["groups"] == "a.txt, b.label.npy"
    assert record["demonstrations"]["groups"] == 40
