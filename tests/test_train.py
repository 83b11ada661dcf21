"""The training loop: schedules in closed form, and a run killed at any moment ends bit for bit where it would have."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from physlib import models, tasks
from physlib.core.errors import PhyslibError
from physlib.core.rng import numpy_rng, torch_rng
from physlib.runs.training import Schedule, average_decay, fit, learning_rate

SCRIPT = """
import sys
from pathlib import Path
import numpy as np
from tests.test_train import SCHEDULE, data, build_model
from physlib.core.rng import torch_rng
from physlib.runs.training import fit
model, checkpoint, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
network = build_model(model)
fit(network, data(), SCHEDULE, torch_rng(0, "fit"), checkpoint)
partial = out.with_name("partial.npz")
np.savez(partial, **{k: v.numpy() for k, v in network.state_dict().items()})
partial.rename(out)
"""
SCHEDULE = Schedule(steps=240, batch=64, log_every=5, checkpoint_every=0.0)


def data():
    return torch.as_tensor(tasks.get_task("logistic").sample(2_000, numpy_rng(0, "train")).x, dtype=torch.float32)


def build_model(name):
    torch.manual_seed(0)
    return models.build(name, np.array([0.6]), np.array([0.25]), 16, 16, 2, 8)


def start(model, folder, out):
    command = [sys.executable, "-c", SCRIPT, model, str(folder / "checkpoint"), str(out)]
    root = Path(__file__).resolve().parent.parent
    return subprocess.Popen(command, cwd=root, env=os.environ | {"OMP_NUM_THREADS": "1"}, stderr=subprocess.PIPE)


@pytest.mark.parametrize(
    "model", sorted(row.name for row in models.MODELS.values() if not (row.plans or row.continues))
)
def test_killed_run_resumes_bit_for_bit(model, tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    killed.mkdir()
    process = start(model, whole, whole / "out.npz")
    assert process.wait(120) == 0, process.stderr.read().decode()
    process.stderr.close()
    kills = 0
    while not (killed / "out.npz").exists():
        process = start(model, killed, killed / "out.npz")
        before = (killed / "checkpoint").stat().st_mtime_ns if (killed / "checkpoint").exists() else 0
        while kills < 3 and process.poll() is None:
            # kill as soon as it has got further than the last one, wherever that happens to be
            if (killed / "checkpoint").exists() and (killed / "checkpoint").stat().st_mtime_ns > before:
                time.sleep(0.01 * kills)
                process.send_signal(signal.SIGKILL)
                kills += 1
                break
            time.sleep(0.002)
        process.wait(120)
        process.stderr.close()
    assert kills == 3
    a, b = np.load(whole / "out.npz"), np.load(killed / "out.npz")
    assert set(a) == set(b)
    assert all(np.array_equal(a[k], b[k]) for k in a)


@pytest.mark.parametrize(
    ("state", "said"), [({"device": "cuda"}, "is from device cuda: go on there"), (Path("x"), "is damaged")]
)
def test_checkpoints_of_another_device_or_program_are_named(state, said, tmp_path):
    """What is no tensor or plain value is not unpickled."""
    torch.save(state, tmp_path / "saved")
    saved = (tmp_path / "saved").read_bytes()
    (tmp_path / "checkpoint").write_bytes(hashlib.sha256(saved).digest() + saved)
    with pytest.raises(PhyslibError, match=said):
        fit(build_model("diffusion-mlp"), data()[:10], SCHEDULE, torch_rng(0, "fit"), tmp_path / "checkpoint")


def test_damaged_checkpoint_is_named(tmp_path):
    (tmp_path / "checkpoint").write_bytes(b"not a checkpoint")
    with pytest.raises(PhyslibError, match=r"checkpoint .* is damaged: delete it"):
        fit(build_model("diffusion-mlp"), data(), SCHEDULE, torch_rng(0, "fit"), tmp_path / "checkpoint")


def test_learning_rate_warms_up_and_ends_at_zero():
    schedule = Schedule(steps=1000, lr=1.0, warmup=100)
    rates = np.array([learning_rate(schedule, step) for step in range(1001)])
    assert rates[0] == pytest.approx(0.01)
    assert rates[500] == pytest.approx(0.5)
    assert rates[1000] == pytest.approx(0.0)
    assert (np.diff(rates[100:]) < 0).all()


def test_warm_average_forgets_the_initial_weights():
    # the share of the initial weights left after n steps is the product of the decays
    schedule = Schedule(steps=1)
    left = np.cumprod([average_decay(schedule, step) for step in range(800)])
    assert left[799] < 1e-6  # a pilot of 800 steps
    assert 0.999**800 > 0.4  # what a cold start would have left
    assert average_decay(schedule, 10**6) == schedule.ema


def test_training_learns_a_gaussian():
    # the best possible loss of unit Gaussian data is 1 - E[...]: the ideal denoiser has weighted error exactly 1
    rng = torch_rng(0, "x")
    x = torch.randn(4000, 16, 1, generator=rng) * 0.25 + 0.6
    record = fit(build_model("diffusion-mlp"), x, Schedule(steps=200, batch=64), torch_rng(0, "fit"))
    assert record.losses[-1] == pytest.approx(1.0, abs=0.05)
    assert record.seconds > 0


def test_diverging_loss_is_explained():
    with pytest.raises(PhyslibError, match="not finite"):
        fit(build_model("diffusion-mlp"), data() * float("inf"), SCHEDULE, torch_rng(0, "fit"))
