"""The store refuses every altered byte, and its locks die with their process."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from physlib.core.files import Damaged, Missing, seal, unseal
from physlib.mitigations import STRATEGIES
from physlib.runs.config import Config
from physlib.runs.presets import changes, resolve
from physlib.runs.run import run
from physlib.runs.store import Result, Store

CONFIG = resolve("tent", "diffusion-mlp", "laptop", 7)


def result(config=CONFIG):
    rng = np.random.default_rng(0)
    arrays = {"q": rng.random(100, dtype=np.float32), "residual": rng.random(100).astype(np.float16)}
    return Result(config, arrays, {"seconds_train": 1.0})


@given(st.lists(st.integers(0, 5), min_size=0, max_size=3), st.text(max_size=20))
def test_seal_and_unseal_are_inverse(shape, text):
    array = np.arange(int(np.prod(shape, dtype=int)), dtype=np.float32).reshape(shape)
    arrays, record = unseal(seal({"a": array}, {"text": text}))
    assert np.array_equal(arrays["a"], array)
    assert record == {"text": text}


SEALED = seal(result().arrays, {"config": {"a": 1}})


@settings(max_examples=300)
@given(st.integers(0, len(SEALED) - 1), st.integers(1, 255))
def test_any_flipped_byte_is_found(place, flip):
    data = bytearray(SEALED)
    data[place] ^= flip
    with pytest.raises(ValueError):
        unseal(bytes(data))


@settings(max_examples=100)
@given(st.integers(0, len(SEALED) - 1))
def test_any_truncation_is_found(length):
    with pytest.raises(ValueError):
        unseal(SEALED[:length])


def test_what_was_put_is_got(tmp_path):
    store = Store(tmp_path)
    store.put(result())
    back = store.get(CONFIG)
    assert np.array_equal(back["q"], result()["q"])
    assert back.config == CONFIG
    assert not list(tmp_path.rglob("*.partial"))


def test_missing_and_damaged_name_file_and_command(tmp_path):
    store = Store(tmp_path)
    with pytest.raises(Missing, match="physlib run 'tent' --model diffusion-mlp --profile laptop --seed 7"):
        store.get(CONFIG)
    path = store.put(result())
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(Damaged, match=rf"{path.name} is damaged .* make it with: physlib run 'tent'"):
        store.get(CONFIG)


def test_a_file_under_another_runs_name_is_refused(tmp_path):
    store = Store(tmp_path)
    other = resolve("tent", "diffusion-mlp", "laptop", 8)
    path = store.put(result())
    path.rename(store.path(other))
    with pytest.raises(Damaged, match="another run"):
        store.get(other)


def test_keys_depend_on_choices_not_on_spelled_out_defaults():
    assert CONFIG.key == resolve("tent[1.2,2]", "diffusion-mlp", "laptop", 7, steps=8_000).key
    keys = {
        resolve("tent", m, p, s, pilot).key
        for m in ("diffusion-mlp", "diffusion-unet")
        for p in ("smoke", "laptop")
        for s in (0, 1)
        for pilot in (False, True)
    }
    assert len(keys) == 16


def test_a_new_version_of_a_mitigation_makes_stored_runs_miss(monkeypatch):
    config = resolve("tent", "diffusion-mlp", "laptop", 0, mitigation="penalty")
    first, others = config.key, [resolve("tent", "diffusion-mlp", "laptop", 0, mitigation=m).key for m in ("", "guide")]
    monkeypatch.setattr(STRATEGIES["penalty"], "version", 1, raising=False)
    assert config.key == first
    monkeypatch.setattr(STRATEGIES["penalty"], "version", 2, raising=False)
    assert config.key != first
    assert others == [resolve("tent", "diffusion-mlp", "laptop", 0, mitigation=m).key for m in ("", "guide")]


def test_presets_apply_from_top_to_bottom():
    usual = resolve("tent", "diffusion-mlp", "laptop", 0)
    assert changes(usual) == {}
    assert (usual.n_train, usual.width, usual.steps) == (Config.n_train, Config.width, Config.steps)
    arm = resolve("arm-steps", "diffusion-mlp", "laptop", 0)  # a simulated task first, then an arm
    assert (arm.n_train, arm.width, arm.n_samples, arm.n_plans) == (20_000, 256, 3_000, 0)
    maze = resolve("pointmaze-umaze", "diffusion-unet", "smoke", 0)
    assert (maze.n_train, maze.width, maze.n_plans) == (50, 8, 20)
    assert resolve("maze-umaze", "diffusion-unet", "paper", 0).steps == 10_000
    assert resolve("tent", "diffusion-unet", "paper", 0, pilot=True).steps == 5_000


FULL = """
import resource, sys
from pathlib import Path
from physlib.core.errors import PhyslibError
from physlib.core.files import write_atomic
path = Path(sys.argv[1]) / "run"
write_atomic(path, b"old")
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_atomic(path, bytes(5000))
except PhyslibError as error:
    print(error)
"""


def test_a_write_that_fails_says_so_and_leaves_the_old_file_alone(tmp_path):
    done = subprocess.run([sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout == f"cannot write {tmp_path / 'run'} (File too large): make room, or choose another folder.\n"
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"run": b"old"}


def test_what_a_killed_process_left_is_cleared_by_the_next(tmp_path):
    store = Store(tmp_path)
    path = store.put(result())
    left = [path.with_name(f"{path.name}.77.partial"), store.work(CONFIG, "checkpoint.77.partial")]
    other = path.with_name("other.77.partial")
    for file in (*left, other):
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"half")
    with store.lock(CONFIG):
        assert not any(file.exists() for file in left)
    assert other.exists()


@pytest.mark.parametrize("kind", ["empty", "folder", "foreign", "older", "bare"])
def test_what_is_no_run_is_damaged(kind, tmp_path):
    store = Store(tmp_path)
    path = store.put(result())
    arrays, record = unseal(path.read_bytes())
    if kind == "folder":
        path.unlink()
        path.mkdir()
    else:
        older = {"config": record["config"] | {"units": 1}, "provenance": {}}
        told = {"empty": b"", "foreign": seal({}, {"a": 1}), "older": seal(arrays, older)}
        path.write_bytes((told | {"bare": seal(arrays, {"config": record["config"]})})[kind])
    with pytest.raises(Damaged, match="make it with: physlib run 'tent'"):
        store.get(CONFIG)


HOLD = """
import sys, time
from pathlib import Path
from physlib.runs.presets import resolve
from physlib.runs.store import Store
with Store(Path(sys.argv[1])).lock(resolve("tent", "diffusion-mlp", "laptop", 7)):
    print("held", flush=True)
    time.sleep(60)
"""


def test_killed_process_leaves_no_lock(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"held\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    started = time.monotonic()
    with Store(tmp_path).lock(CONFIG):
        assert time.monotonic() - started < 5


TWICE = """
from physlib import resolve
from physlib.runs import run as experiment
from physlib.runs.config import Config
config = resolve("sinusoid", "diffusion-mlp", "smoke", 5, steps=60, n_train=500, n_samples=200, n_probe=50)
made = []
produce = experiment.produce
experiment.produce = lambda *a: made.append(1) or produce(*a)
result = experiment.run(config)
print(len(made), float(result["q"].sum()))
"""


def test_two_processes_train_a_run_once(tmp_path):
    env = os.environ | {"PHYSLIB_BUILD": str(tmp_path), "OMP_NUM_THREADS": "1"}
    both = [
        subprocess.Popen([sys.executable, "-c", TWICE], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env)
        for _ in range(2)
    ]
    answers = [process.communicate(timeout=120)[0].split() for process in both]
    assert sorted(a[0] for a in answers) == [b"0", b"1"]
    assert answers[0][1] == answers[1][1]


def test_damaged_run_is_announced_and_made_anew(tmp_path, monkeypatch):
    monkeypatch.setenv("PHYSLIB_BUILD", str(tmp_path))
    config = resolve("ring", "diffusion-mlp", "smoke", 5, steps=40, n_train=500, n_samples=200, n_probe=50)
    first = run(config)
    path = Store.of("smoke").path(config)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.warns(UserWarning, match="damaged"):
        again = run(config)
    assert np.array_equal(first["q"], again["q"])  # and the remade run is the same run
    assert np.array_equal(Store.of("smoke").get(config)["q"], first["q"])


@pytest.mark.parametrize("profile", ["smoke", "laptop"])
def test_roots_do_not_depend_on_the_working_directory(profile, tmp_path, monkeypatch):
    before = Store.of(profile).root
    monkeypatch.chdir(tmp_path)
    assert Store.of(profile).root == before
    assert Store.of(profile).root.is_absolute()
