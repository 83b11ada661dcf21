"""Whatever it is given, an audit answers rightly or in one sentence; nothing is unpickled, left behind, or unpacked without end."""

import tempfile
from pathlib import Path

import dask.array
import dask.dataframe
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from benchmarks.hostile import any_array, bombs, cases, faults, faults_in_memory
from physlib.audit import Reading
from physlib.audit.io.open import open_trajectories
from physlib.audit.io.read import load
from physlib.core.errors import PhyslibError
from physlib.tasks.quantities import QUANTITIES


@settings(max_examples=60, derandomize=True)
@given(cases())
def test_no_file_gets_more_than_a_sentence(case):
    with tempfile.TemporaryDirectory() as folder:
        assert faults(case, Path(folder)) == []


@settings(max_examples=60, derandomize=True)
@given(any_array())
def test_no_array_gets_more_than_a_sentence(array):
    assert faults_in_memory(array) == []
    assert faults_in_memory({"x": array}) == []
    assert faults_in_memory([array, array[..., None]]) == []


def test_bombs_are_refused_by_size(tmp_path):
    for kind, path in bombs(tmp_path).items():
        with pytest.raises(PhyslibError, match=r"holds 800\.0 GB|truncated or not what"):
            taken(path)
        assert path.exists(), kind


def taken(data, reading=None):
    reading = reading or Reading()
    source = open_trajectories(data, reading)
    return load(source, QUANTITIES["path_length"], reading, np.random.default_rng(0), source.shape[1])


X = np.random.default_rng(0).standard_normal((300, 12, 2)).cumsum(axis=1)
STEPS = np.random.default_rng(1).integers(6, 13, 300)


def frames():
    """Episodes of unequal length, with labels and times, as a table."""
    index, step = np.repeat(np.arange(300), STEPS), np.concatenate([np.arange(n) for n in STEPS])
    x = X[index, step]
    columns = {"x": x[:, 0], "y": x[:, 1], "episode_index": index, "frame_index": step}
    return pd.DataFrame(columns | {"timestamp": step * 0.1, "group": index // 3, "place": [f"p{i % 7}" for i in index]})


def same(found, expected):
    assert np.array_equal(found.q, expected.q)
    assert np.array_equal(found.kept.x, expected.kept.x)
    assert np.array_equal(found.kept.dt, expected.kept.dt)
    assert np.allclose(found.scale, expected.scale, rtol=1e-12)
    assert found.repeats == expected.repeats
    assert found.labels.keys() == expected.labels.keys()
    assert all(np.array_equal(found.labels[name], expected.labels[name]) for name in expected.labels)


@pytest.mark.parametrize("chunks", [(1, 5, 1), (7, 12, 2), (300, 12, 2)])
def test_dask_arrays_of_any_chunks_read_as_the_array(chunks):
    lazy = dask.array.from_array(X, chunks=chunks)
    same(taken(lazy), taken(X))
    same(
        taken({"x": lazy, "steps": STEPS}, Reading(ragged="mask")),
        taken({"x": X, "steps": STEPS}, Reading(ragged="mask")),
    )


@pytest.mark.parametrize("rows", [40, 1_000])
def test_tables_in_pieces_read_as_the_table(rows, tmp_path, monkeypatch):
    table, reading = frames(), Reading(ragged="mask", columns=("x", "y"))
    table.to_parquet(tmp_path / "t.parquet")
    whole = taken(tmp_path / "t.parquet", reading)
    assert set(whole.labels) == {"episode_index", "group", "place"}
    same(taken(dask.dataframe.from_pandas(table, chunksize=rows), reading), whole)
    monkeypatch.setattr("physlib.audit.io.pieces.LARGE", 0)
    monkeypatch.setattr("physlib.audit.io.pieces.BLOCK", 56 * rows)
    same(taken(tmp_path / "t.parquet", reading), whole)


def test_a_large_table_out_of_order_is_refused(tmp_path, monkeypatch):
    frames().sort_values("frame_index").to_parquet(tmp_path / "t.parquet")
    monkeypatch.setattr("physlib.audit.io.pieces.LARGE", 0)
    monkeypatch.setattr("physlib.audit.io.pieces.BLOCK", 5_000)
    with pytest.raises(PhyslibError, match=r"'episode_index' in t\.parquet must rise"):
        taken(tmp_path / "t.parquet", Reading(ragged="mask"))
