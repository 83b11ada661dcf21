"""Files as people have them: every layout gives the same numbers, made from a formula, or a sentence that names what works."""

import json

import h5py
import minari
import numpy as np
import pandas as pd
import pytest
import torch
import zarr

from physlib.audit import Reading, audit
from physlib.audit.checks import warnings
from physlib.audit.io.open import open_trajectories
from physlib.audit.io.read import load
from physlib.core.errors import PhyslibError
from physlib.tasks.quantities import QUANTITIES
from tests.conftest import physlib

N, DIMS = 130, 3
STEPS = np.random.default_rng(0).integers(6, 15, N)
SPEED = np.random.default_rng(1).uniform(1, 2, N)
LENGTHS = 3 * SPEED * (STEPS - 1)  # of straight lines along (1, 2, 2) times the speed
EPISODES = [np.arange(s)[:, None] * np.array([1.0, 2.0, 2.0]) * v for s, v in zip(STEPS, SPEED, strict=True)]
ENDS, FRAMES, INDEX = np.cumsum(STEPS), np.concatenate(EPISODES), np.repeat(np.arange(N), STEPS)
PADDED = np.zeros((N, 14, DIMS))
for row, episode in zip(PADDED, EPISODES, strict=True):
    row[: len(episode)] = episode
MASK = np.arange(14) < STEPS[:, None]
MASKED = Reading(ragged="mask")


def taken(data, reading=MASKED, quantity="path_length"):
    source = open_trajectories(data, reading)
    return load(source, QUANTITIES[quantity], reading, np.random.default_rng(0), source.shape[1])


def fill(group, arrays):
    for name, array in arrays.items():
        folder, _, last = name.rpartition("/")
        place = group.require_group(folder) if folder else group
        if isinstance(place, zarr.Group):
            place.create_array(last, data=np.asarray(array))
        else:
            place[last] = array


def table(**more):
    return pd.DataFrame({"x": FRAMES[:, 0], "y": FRAMES[:, 1], "z": FRAMES[:, 2], **more})


LAYOUTS = {
    "robomimic": {f"data/demo_{i}/obs/eef": e for i, e in enumerate(EPISODES)},
    "frames": {"x": FRAMES, "episode_ends": ENDS},
    "index": {"x": FRAMES, "episode_index": INDEX},
    "replay": {"data/state": FRAMES, "meta/episode_ends": ENDS},
    "lengths": {"x": PADDED, "lengths": STEPS},
    "grouped": {"train/x": PADDED, "train/steps": STEPS, "steps": np.full(7, 3)},
    "masked": {"train/x": PADDED, "train/mask": MASK},
    "nan": {"x": np.where(MASK[..., None], PADDED, np.nan)},
}
KEYS = {"robomimic": "data/*/obs/eef", "replay": "data/state", "grouped": "train/x", "masked": "train/x"}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", ["npz", "h5", "zarr", "dictionary"])
def test_every_layout_has_the_lengths_of_its_lines(layout, kind, tmp_path, monkeypatch):
    monkeypatch.setattr("physlib.audit.io.store.BLOCK", 2_000)
    monkeypatch.setattr("physlib.audit.io.layout.BLOCK", 2_000)  # many blocks
    arrays, path = LAYOUTS[layout], tmp_path / f"a.{kind}"
    if kind == "npz":
        np.savez_compressed(path, **arrays)
    elif kind == "h5":
        with h5py.File(path, "w") as file:
            fill(file, arrays)
    elif kind == "zarr":
        fill(zarr.open_group(path, mode="w"), arrays)
    found = taken(arrays if kind == "dictionary" else path, Reading(KEYS.get(layout, "x"), ragged="mask"))
    assert np.allclose(found.q, LENGTHS)


def lerobot(folder):
    """A dataset as LeRobot writes it: lists of numbers, an index of episodes, frames a second."""
    (folder / "data" / "chunk-000").mkdir(parents=True)
    (folder / "meta").mkdir()
    (folder / "meta" / "info.json").write_text(json.dumps({"fps": 20}))
    for start in (0, 70):
        rows = (start <= INDEX) & (start + 70 > INDEX)
        frame = np.concatenate([np.arange(s) for s in STEPS])
        columns = {"observation.state": list(FRAMES[rows].astype("f4")), "action": list(FRAMES[rows, :1])}
        columns |= {"episode_index": INDEX[rows], "frame_index": frame[rows], "timestamp": frame[rows] / 20}
        pd.DataFrame(columns).to_parquet(folder / "data" / "chunk-000" / f"file-{start:03d}.parquet")
    return folder


def test_a_lerobot_dataset_is_read_with_its_time(tmp_path):
    path = lerobot(tmp_path / "set")
    with pytest.raises(PhyslibError, match=r"--key observation\.state"):
        taken(path)
    reading = Reading("observation.state", ragged="mask")
    assert np.allclose(taken(path, reading).q, LENGTHS, rtol=1e-5)
    assert np.allclose(taken(path, reading, "max_speed").q, 3 * SPEED * 20, rtol=1e-4)
    one = sorted(path.rglob("*.parquet"))[0]
    assert np.allclose(taken(one, reading, "duration").q, (STEPS[:70] - 1) / 20)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table_of_frames_is_read_in_the_order_of_its_times(separator, tmp_path):
    time = np.concatenate([0.5 * np.arange(s) for s in STEPS])
    mixed = table(track_id=INDEX, time=time, label="a").sample(frac=1, random_state=0)
    mixed.to_csv(tmp_path / "a.csv", index=False, sep=separator)
    assert np.allclose(taken(tmp_path / "a.csv").q, LENGTHS)
    assert np.allclose(taken(tmp_path / "a.csv", quantity="mean_speed").q, 6 * SPEED)
    chosen = taken(tmp_path / "a.csv", Reading(columns=("x", "z"), ragged="mask"))
    assert np.allclose(chosen.q, LENGTHS * np.sqrt(5) / 3)
    named = table(person=INDEX)
    named.to_csv(tmp_path / "b.csv", index=False)
    with pytest.raises(PhyslibError, match="--episode"):
        taken(tmp_path / "b.csv")
    assert np.allclose(taken(tmp_path / "b.csv", Reading(ragged="mask", episode="person")).q, LENGTHS)
    with pytest.raises(PhyslibError, match="no column of numbers 'w'"):
        taken(tmp_path / "a.csv", Reading(columns=("w",), ragged="mask"))


def test_what_is_in_memory_is_read(tmp_path):
    for data in (EPISODES, np.ma.masked_array(PADDED, np.repeat(~MASK[..., None], 3, axis=2))):
        assert np.allclose(taken(data).q, LENGTHS)
    whole = PADDED[:, :5]
    for data in (torch.as_tensor(whole), whole.tolist(), list(torch.as_tensor(whole)), {"x": torch.as_tensor(whole)}):
        assert np.allclose(taken(data, Reading()).q, LENGTHS / (STEPS - 1) * 4)
    gap = np.ma.masked_array(PADDED, np.zeros(PADDED.shape, bool))
    gap[3, 4] = np.ma.masked
    with pytest.raises(PhyslibError, match="without gaps"):
        taken(gap)
    for data, sentence in (
        (object(), "rank 0|objects"),
        ([[1, 2], [3]], "episodes of steps by columns"),
        ({}, "no arrays"),
    ):
        with pytest.raises(PhyslibError, match=sentence):
            taken(data)


@pytest.mark.parametrize(
    "beside",
    [{"dt": 0.2}, {"fps": 5}, {"dt": np.full(N, 0.2)}, {"timestamps": 0.2 * np.arange(14.0) * np.ones((N, 1))}],
)
def test_time_beside_the_array_counts(beside, tmp_path):
    np.savez(tmp_path / "a.npz", x=PADDED, steps=STEPS, **beside)
    assert np.allclose(taken(tmp_path / "a.npz", quantity="max_speed").q, 15 * SPEED)
    assert np.allclose(
        taken(tmp_path / "a.npz", Reading(ragged="mask", dt=1.0), "max_speed").q, 3 * SPEED
    )  # an option wins
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"], file["steps"] = PADDED, STEPS
        file.attrs["fps"] = 5
    assert np.allclose(taken(tmp_path / "a.h5", quantity="max_speed").q, 15 * SPEED)


def test_a_time_step_of_its_own_for_every_episode(tmp_path):
    dt = np.random.default_rng(2).uniform(0.1, 0.3, N)
    np.savez(tmp_path / "a.npz", x=PADDED, steps=STEPS, dt=dt)
    assert np.allclose(taken(tmp_path / "a.npz", quantity="max_speed").q, 3 * SPEED / dt)


class Recorded:
    """Episodes of a Minari dataset with observations made by a function."""

    def __init__(self, make):
        self.make = make

    def iterate_episodes(self):
        for episode in EPISODES:
            yield type("Episode", (), {"observations": self.make(episode)})


def test_minari_keeps_all_columns_and_knows_keys(monkeypatch):
    def offered(make):
        monkeypatch.setattr(minari, "load_dataset", lambda name: Recorded(make))

    offered(lambda e: {"achieved_goal": e, "observation": np.hstack([e, e])})
    assert np.allclose(taken("minari:mine/reach-v0").q, LENGTHS)
    assert np.allclose(taken("minari:mine/reach-v0", Reading("observation", ragged="mask")).q, np.sqrt(2) * LENGTHS)
    assert np.allclose(
        taken("minari:mine/reach-v0", Reading(columns=(0, 1), ragged="mask")).q, LENGTHS * np.sqrt(5) / 3
    )
    with pytest.raises(PhyslibError, match="choose --key among achieved_goal, observation"):
        taken("minari:mine/reach-v0", Reading("state", ragged="mask"))
    offered(lambda e: np.hstack([e, e, e]))
    with pytest.raises(PhyslibError, match=r"9 columns.*--columns"):
        taken("minari:mine/hopper-v0")
    assert np.allclose(taken("minari:mine/hopper-v0", Reading(columns=(0, 1, 2), ragged="mask")).q, LENGTHS)


# ---- refusals that name what works


def test_messages_list_at_most_ten_names_and_a_key_that_works(tmp_path):
    with h5py.File(tmp_path / "a.hdf5", "w") as file:
        fill(file, LAYOUTS["robomimic"] | {f"data/demo_{i}/actions": e for i, e in enumerate(EPISODES)})
    with pytest.raises(PhyslibError, match="--key 'data/") as caught:
        audit(tmp_path / "a.hdf5", "path_length")
    assert len(str(caught.value)) < 400
    key = str(caught.value).split("--key '")[1].split("'")[0]
    assert np.allclose(taken(tmp_path / "a.hdf5", Reading(key, ragged="mask")).q, LENGTHS)
    assert np.allclose(taken(tmp_path / "a.hdf5", Reading("obs/eef", ragged="mask")).q, LENGTHS)
    np.savez(tmp_path / "many.npz", **{f"a{i}": PADDED for i in range(40)})
    with pytest.raises(PhyslibError, match="and 30 more"):
        audit(tmp_path / "many.npz", "path_length")


REFUSED = [
    (PADDED, {"ragged": "mask"}, "does not say how many steps"),
    (FRAMES, {}, "episode_ends"),
    (np.zeros((N, 9, 5, 3)), {}, r"x.reshape\(130, 9, 15\)"),
    ({"x": FRAMES, "episode_ends": ENDS[:-1]}, {}, "must rise to the number of frames"),
    ({"x": FRAMES, "episode_index": np.arange(len(FRAMES)) % 7}, {}, "sort the frames by it"),
    ({"x": PADDED, "steps": STEPS, "dt": -1.0}, {"ragged": "mask"}, "above 0"),
    ({"x": np.where(MASK[..., None], PADDED, np.nan)}, {}, "NaN behind them: choose --ragged mask"),
    (PADDED, {"columns": ("x", "y")}, "have no names"),
    (PADDED, {"relative": "middle"}, "unknown point for --relative"),
]


@pytest.mark.parametrize(("data", "words", "sentence"), REFUSED)
def test_what_cannot_be_read_is_refused_with_its_remedy(data, words, sentence):
    with pytest.raises(PhyslibError, match=sentence) as caught:
        audit(data, "path_length", reading=Reading(**words))
    assert "\n" not in str(caught.value)


def test_samples_may_have_a_name_of_their_own():
    demos = {f"data/demo_{i}/obs/eef": e for i, e in enumerate(EPISODES)}
    samples = {"generated": PADDED, "steps": STEPS}
    reading = Reading("data/*/obs/eef", ragged="mask")
    record = audit(demos, "path_length", samples, reading=reading, samples_key="generated").record()
    assert (record["tv"], record["asked"]["samples_key"]) == (0, "generated")


def test_a_table_is_audited_on_the_command_line(tmp_path):
    table(track_id=INDEX).to_csv(tmp_path / "a.csv", index=False)
    done = physlib(
        "audit", "a.csv", "--quantity", "path_length", "--ragged", "mask", "--columns", "x,y,z", cwd=tmp_path
    )
    assert f"{LENGTHS.mean():.3g} unit on average" in done.stdout
    bad = physlib("audit", "a.csv", "--quantity", "path_length", cwd=tmp_path, check=False)
    assert bad.returncode == 2 and "choose --ragged" in bad.stderr


# ---- what looks wrong


def suspected(x, quantity="path_length", angles=(), dtype=float):
    reading = Reading(angles=angles)
    x = np.asarray(x, dtype)
    return " ".join(warnings(taken(x, reading, quantity), range(x.shape[2]), angles, quantity))


def wander(n=200, steps=40, dims=2):
    rng = np.random.default_rng(3)
    return rng.standard_normal((n, 1, dims)) + 0.02 * rng.standard_normal((n, steps, dims)).cumsum(axis=1)


def test_ordinary_files_raise_no_warning():
    assert suspected(wander()) == suspected(wander(), dtype="f4") == ""
    assert suspected(np.repeat(wander(), 5, axis=0)) == ""
    assert suspected(np.rint(100 * wander()), dtype="i4") == ""


def test_what_looks_wrong_is_said():
    x = wander()
    assert "swap them" in suspected(x.swapaxes(0, 1))
    turn = np.random.default_rng(4).uniform(0, 1, (200, 1)) * np.linspace(0, 1, 40)
    quaternion = np.stack([np.cos(turn), np.sin(turn), 0 * turn, 0 * turn], axis=-1)
    assert "columns 2,3,4,5 are a quaternion" in suspected(np.concatenate([x, quaternion], axis=2))
    assert "column 2 varies" in suspected(np.concatenate([x, 5_000 * x[..., :1]], axis=2))
    angle = np.linspace(0, 1, 40)[None, :, None] * np.random.default_rng(5).uniform(2, 9, (200, 1, 1))
    wrapped = (angle + np.pi) % (2 * np.pi) - np.pi
    assert "--angles 0" in suspected(wrapped)
    assert suspected(wrapped, angles=(0,)) == ""
    assert "convert it to radians" in suspected(np.degrees(wrapped))
    assert "too coarse" in suspected(x + 4e6, dtype="f4")
    assert suspected(x + 4e6) == ""
    assert "end in zeros" in suspected(np.where(np.arange(40)[:, None] < 30, x, 0))
    assert "go somewhere" in suspected(angle, "dominant_frequency")


def test_warnings_reach_terminal_report_and_record():
    x = wander()
    done = audit(np.concatenate([x, 5_000 * x[..., :1]], axis=2), "path_length")
    said = done.record()["warnings"]
    assert len(said) == 1 and "column 2 varies" in said[0]
    assert said[0] in done.summary() and "column 2 varies" in done.html()
