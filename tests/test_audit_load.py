"""Files of trajectories: every kind gives the same audit's intake, and bad ones are told in one sentence."""

import gc
import pickle
import weakref

import h5py
import minari
import numpy as np
import pytest

from physlib.audit import Reading, audit
from physlib.audit.io.episodes import prepared
from physlib.audit.io.layout import trajectories
from physlib.audit.io.open import open_trajectories
from physlib.audit.io.read import load
from physlib.audit.io.store import BLOCK, open_store
from physlib.core.errors import PhyslibError
from physlib.tasks.quantities import QUANTITIES

LENGTH = QUANTITIES["path_length"]


def walks(n=300, steps=12, dims=2, seed=0):
    return np.random.default_rng(seed).standard_normal((n, steps, dims)).cumsum(axis=1)


def taken(data, reading=None, quantity=LENGTH):
    reading = reading or Reading()
    source = open_trajectories(data, reading)
    return load(source, quantity, reading, np.random.default_rng(0), reading.length or source.shape[1])


def write(folder, kind, x, **beside):
    path = folder / f"demos.{kind}"
    if kind == "npy":
        np.save(path, x)
    elif kind == "npz":
        np.savez(path, x=x, **beside)
    elif kind == "deflated.npz":
        np.savez_compressed(path, x=x, **beside)
    else:
        with h5py.File(path, "w") as file:
            for name, array in {"x": x, **beside}.items():
                file[name] = array
    return path


KINDS = ["npy", "npz", "deflated.npz", "h5"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", ">f8"])
def test_every_kind_of_file_reads_as_the_array(kind, dtype, tmp_path, monkeypatch):
    monkeypatch.setattr("physlib.audit.io.store.BLOCK", 4_000)  # many blocks
    x = (10 * walks()).astype(dtype)
    found, expected = taken(write(tmp_path, kind, x)), taken(x)
    steps = np.linalg.norm(np.diff(x.astype(float), axis=1), axis=2)
    assert np.allclose(found.q, steps.sum(axis=1))
    assert np.array_equal(found.kept.x, expected.kept.x)
    assert np.allclose(found.scale, x.astype(float).std(axis=(0, 1)))
    assert np.allclose(found.mean, x.astype(float).mean(axis=(0, 1)))


@pytest.mark.parametrize("kind", KINDS)
def test_reading_goes_block_by_block(kind, tmp_path, monkeypatch):
    monkeypatch.setattr("physlib.audit.io.store.BLOCK", 4_000)
    blocks = list(trajectories(open_store(write(tmp_path, kind, walks())), "x").rows())
    assert len(blocks) > 10
    assert max(block.nbytes for block in blocks) <= 4_000
    assert BLOCK < 100_000_000


def test_columns_are_chosen_before_anything_else():
    x = walks(dims=4)
    x[..., 3] = np.nan  # not looked at
    assert np.allclose(taken(x, Reading(columns=(2, 0))).q, taken(x[..., [2, 0]]).q)


@pytest.mark.parametrize("beside", ["steps", "mask"])
@pytest.mark.parametrize("kind", ["npz", "h5"])
def test_padding_does_not_count(kind, beside, tmp_path):
    x, steps = walks(), np.random.default_rng(1).integers(4, 13, 300)
    real = np.arange(12) < steps[:, None]
    padded = np.where(real[..., None], x, np.nan)
    path = write(tmp_path, kind, padded, **{beside: steps if beside == "steps" else real})
    with pytest.raises(PhyslibError, match="choose --ragged"):
        taken(path)
    masked = taken(path, Reading(ragged="mask", dt=0.5))
    exact = [np.linalg.norm(np.diff(row[:n], axis=0), axis=1).sum() for row, n in zip(x, steps, strict=True)]
    assert np.allclose(masked.q, exact)
    assert np.allclose(masked.scale, x[real].std(axis=0))
    duration = taken(path, Reading(ragged="mask", dt=0.5), QUANTITIES["duration"])
    assert np.allclose(duration.q, 0.5 * (steps - 1))


def test_resampling_keeps_straight_lines_their_length_and_duration(tmp_path):
    steps = np.random.default_rng(1).integers(4, 13, 300)
    x = np.arange(12)[None, :, None] * np.array([3.0, 4.0])
    padded = np.where(np.arange(12)[:, None] < steps[:, None, None], np.broadcast_to(x, (300, 12, 2)), 1e9)
    path = write(tmp_path, "npz", padded, steps=steps)
    reading = Reading(ragged="resample", length=20, dt=0.1)
    assert np.allclose(taken(path, reading).q, 5 * (steps - 1))
    assert taken(path, reading).kept.x.shape == (300, 20, 2)
    assert np.allclose(taken(path, reading, QUANTITIES["duration"]).q, 0.1 * (steps - 1))
    assert np.allclose(taken(path, reading, QUANTITIES["max_speed"]).q, 50)


def test_minari_datasets_are_read_whole(tmp_path, monkeypatch):
    class Recorded:
        def iterate_episodes(self):
            for n in range(5, 125):
                yield type("Episode", (), {"observations": np.arange(2.0 * n).reshape(n, 2)})

    monkeypatch.setattr(minari, "load_dataset", lambda name: Recorded())
    found = taken("minari:mine/reach-v0", Reading(ragged="mask"))
    assert np.allclose(found.q, np.sqrt(8) * np.arange(4, 124))


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was opened",))


def bad_file(folder, kind):
    x, path = walks(), folder / "demos.npz"
    if kind == "objects":
        np.savez(path, x=np.array([Bomb()] * 200, dtype=object))
    elif kind == "pickle":
        path.write_bytes(pickle.dumps(x))
    elif kind == "truncated":
        np.savez(path, x=x)
        path.write_bytes(path.read_bytes()[:-3_000])
    elif kind == "damaged":
        np.savez_compressed(path, x=x)
        data = bytearray(path.read_bytes())
        data[len(data) // 2 : len(data) // 2 + 50] = bytes(50)
        path.write_bytes(data)
    elif kind == "key":
        np.savez(path, trajectories=x)
    elif kind == "rank":
        np.savez(path, x=x[..., 0])
    elif kind == "words":
        np.savez(path, x=np.full((200, 4, 2), "a"))
    elif kind == "few":
        np.savez(path, x=x[:1])
    elif kind == "column order":
        np.savez(path, x=np.asfortranarray(x))
    elif kind == "nan":
        x[7, 3, 1], x[9, 0, 0] = np.nan, np.inf
        np.savez(path, x=x)
    elif kind == "gap":
        mask = np.ones((300, 12), bool)
        mask[4, 5] = False
        np.savez(path, x=x, mask=mask)
    elif kind == "steps":
        np.savez(path, x=x, steps=np.full(300, 13))
    return path


BAD = {
    "absent": "there is no file",
    "objects": "never unpickled",
    "pickle": "truncated or not what its name says",
    "truncated": "truncated or not what its name says",
    "damaged": "truncated or not what its name says",
    "key": "--key",
    "rank": r"rank 2, shape \(300, 12\)",
    "words": "not real numbers",
    "few": "holds 1 trajectories",
    "column order": "column order",
    "nan": "holds 2 entries that are NaN or infinite, the first at trajectory 7, step 3, column 1",
    "gap": "without gaps",
    "steps": "episodes of 13 to 13 steps",
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_files_are_told_in_one_sentence(kind, tmp_path):
    path = bad_file(tmp_path, kind)
    with pytest.raises(PhyslibError, match=BAD[kind]) as caught:
        audit(path, "path_length", reading=Reading(ragged="mask"))
    assert "\n" not in str(caught.value)


def test_a_truncated_array_file_is_told(tmp_path):
    for name, kept in (("demos.npy", 5_000), ("short.npy", 40), ("demos.h5", 3_000)):
        path = write(tmp_path, name.split(".")[1], walks())
        data = path.read_bytes()[:kept]
        (tmp_path / name).write_bytes(data)
        with pytest.raises(PhyslibError, match="truncated"):
            audit(tmp_path / name, "path_length")


def lost(x):
    q = x[:, 0, 0].copy()
    q[5] = np.nan
    return q


def nowhere(x):
    return np.full(len(x), np.nan)


def late(x):
    raise RuntimeError("two\nlines")


FUNCTIONS = {
    "nowhere": "has a value for 0 of 300 demonstrations",
    "late": "raised RuntimeError: two lines",
    "whole": r"gave shape \(300, 12, 2\)",
    "zero": "is 0 for every demonstration",
}


def whole(x):
    return x


def zero(x):
    return np.zeros(len(x))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_bad_functions_are_told_in_one_sentence(name):
    with pytest.raises(PhyslibError, match=FUNCTIONS[name]) as caught:
        audit(walks(), f"{__name__}:{name}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"samples": walks(steps=11)}, r"12 steps \(T\) and samples 11"),
        ({"samples": walks(dims=3)}, r"2 columns \(D\) and samples 3"),
        ({"samples": np.full((300, 12, 2), np.inf)}, "array holds 7200 entries that are NaN or infinite"),
        ({"samples": walks(1)}, "holds 1 trajectories"),
        ({"residuals": walks(dims=3)}, "residuals in array"),
        ({"kernel": "isotropc"}, "did you mean 'isotropic'"),
        ({"quantity": "duration"}, "a quantity that does not vary"),
        ({"quantity": "spead"}, "unknown quantity"),
        ({"reading": Reading(columns=(2,))}, "no column 2"),
        ({"reading": Reading(dt=0.0)}, "time step of 0"),
        ({"reading": Reading(ragged="maks")}, "did you mean 'mask'"),
        ({"reading": Reading(length=5)}, "--length"),
        ({"reading": Reading(columns=(0,)), "quantity": "curvature"}, "2 column"),
        ({"angles": (2,)}, "no column 2 among"),
        ({"seed": -1}, "give 0 or more"),
    ],
)
def test_what_does_not_fit_is_told_in_one_sentence(change, sentence):
    words = {"demos": walks(), "quantity": "path_length"} | change
    with pytest.raises(PhyslibError, match=sentence) as caught:
        audit(**words)
    assert "\n" not in str(caught.value)


def test_a_value_that_is_not_there_is_a_bin_of_its_own_on_both_sides():
    done = audit(walks(), f"{__name__}:lost", walks(seed=1))
    record = done.record()
    assert record["demonstrations"]["undefined"] == record["samples"]["failed"] == 1
    assert record["bins"]["intended"][-1] == record["mass"][-1] == pytest.approx(1 / 300)
    assert "1 of 300 samples and 1 of 300 demonstrations have no" in done.summary()
    dropped = audit(walks(), f"{__name__}:lost", walks(seed=1), reading=Reading(drop_undefined=True)).record()
    assert (dropped["demonstrations"]["dropped"], dropped["demonstrations"]["trajectories"]) == (1, 299)
    assert dropped["mass"][-1] == 0


def test_no_block_outlives_its_reading(monkeypatch):
    """Memory does not grow with the number of trajectories: what is kept is copied out, never a view of a block."""
    monkeypatch.setattr("physlib.audit.io.store.BLOCK", 4_000)
    monkeypatch.setattr("physlib.audit.io.read.HEAD", 50)
    monkeypatch.setattr("physlib.audit.io.read.KEPT", 60)
    blocks = []

    def noticed(x, *words):
        blocks.append(weakref.ref(x))
        return prepared(x, *words)

    monkeypatch.setattr("physlib.audit.io.read.prepared", noticed)
    found = taken(walks(400))
    gc.collect()
    assert len(found.head) == 50 and len(found.kept.x) == 60
    assert len(blocks) > 10 and not any(block() is not None for block in blocks)
