"""Minari datasets written here and read back."""

import minari
import numpy as np
import pytest
from gymnasium import spaces
from minari.data_collector import EpisodeBuffer

from physlib import tasks
from physlib.core.errors import PhyslibError
from physlib.core.rng import numpy_rng
from physlib.tasks.recorded import minari_paths

# metadata that a dataset of a test has no use for
pytestmark = pytest.mark.filterwarnings("ignore:::minari")


@pytest.fixture(autouse=True)
def local(tmp_path, monkeypatch):
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))


def write(name, episodes, space):
    """A dataset of given observations, one zero action less in each episode."""
    buffers = []
    for seen in episodes:
        length = len(seen["achieved_goal"] if isinstance(seen, dict) else seen)
        nothing = np.zeros(length - 1)
        buffers.append(
            EpisodeBuffer(
                observations=seen,
                actions=np.zeros((length - 1, 2), dtype=np.float32),
                rewards=nothing,
                terminations=nothing.astype(bool),
                truncations=np.arange(1, length) == length - 1,
            )
        )
    minari.create_dataset_from_buffers(
        name, buffer=buffers, observation_space=space, action_space=spaces.Box(-1, 1, (2,), np.float32)
    )


def box(columns):
    return spaces.Box(-np.inf, np.inf, (columns,), np.float64)


def test_demonstrations_written_to_minari_come_back():
    task = tasks.get_task("maze-umaze")
    x = task.sample(5, numpy_rng(0, "minari")).x
    goals = {"achieved_goal": box(2), "desired_goal": box(2), "observation": box(4)}
    episodes = [
        {"achieved_goal": p, "desired_goal": np.zeros_like(p), "observation": np.concatenate([p, p], axis=1)} for p in x
    ]
    write("physlib/umaze-v0", episodes, spaces.Dict(goals))
    assert np.array_equal(minari_paths("physlib/umaze-v0"), x)
    halves = minari_paths("physlib/umaze-v0", steps=32)
    assert halves.shape == (10, 32, 2)
    assert np.array_equal(halves[1], x[0, 32:])


def test_plain_observations_and_a_stride():
    seen = np.arange(44.0).reshape(11, 4)
    write("physlib/plain-v0", [seen], box(4))
    assert np.array_equal(minari_paths("physlib/plain-v0", steps=4, stride=3), seen[None, [0, 3, 6, 9], :2])


def test_bad_datasets_are_explained_in_one_sentence():
    write("physlib/line-v0", [np.zeros((8, 1))], box(1))
    for name, steps, words in (
        ("physlib/line-v0", 4, "hold no positions"),
        ("physlib/none-v0", 4, "minari download physlib/none-v0"),
    ):
        with pytest.raises(PhyslibError, match=words):
            minari_paths(name, steps)
    for steps, stride in ((1, 1), (4, 0), (4, -1)):
        with pytest.raises(PhyslibError, match="two steps or more"):
            minari_paths("physlib/line-v0", steps, stride)
    write("physlib/short-v0", [np.zeros((8, 2))], box(2))
    with pytest.raises(PhyslibError, match="no episode of 'physlib/short-v0' has 9 observations"):
        minari_paths("physlib/short-v0", steps=9)
