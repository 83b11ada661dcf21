"""The page "Your own data": every command on it does what the page says, on files made here."""

import re
import shlex

import h5py
import numpy as np
import pandas as pd
import pytest
import zarr
from typer.testing import CliRunner

from physlib.audit import after
from physlib.cli.main import app
from tests.conftest import ROOT
from tests.test_audit import curves
from tests.test_audit_files import lerobot

PAGE = (ROOT / "book" / "your_data.md").read_text()
COMMANDS = re.findall(r"^physlib (audit .+)$", PAGE, re.M)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("page"), np.random.default_rng(0)
    x, y = curves(240, rng, 21), curves(240, rng, 21)
    label, steps = np.repeat(np.arange(24), 10), rng.integers(8, 22, 240)
    np.save(folder / "demos.npy", x)
    np.save(folder / "generated.npy", y)
    np.savez(folder / "windows.npz", x=x, episode=label)
    np.savez(folder / "generated.npz", x=y, episode=label)
    np.savez(folder / "padded.npz", x=x, lengths=steps)
    np.savez(folder / "futures.npz", x=x, pedestrian=label)
    np.savez(folder / "predicted.npz", x=x + 0.01 * rng.standard_normal(x.shape), pedestrian=label)
    np.savez(folder / "slow.npz", x=x)
    np.savez(folder / "fast.npz", x=curves(240, rng, 41))
    np.savez(folder / "joints.npz", x=(3 * x + np.pi) % (2 * np.pi) - np.pi)
    turn = rng.uniform(0, 1, (240, 1)) * np.linspace(0, 1, 21)
    quaternion = np.stack([np.cos(turn), np.sin(turn), 0 * turn, 0 * turn], axis=-1)
    np.savez(folder / "poses.npz", x=np.concatenate([x, x[..., :1], quaternion], axis=2))
    np.savez(folder / "pairs.npz", x=np.concatenate([x, y + 3], axis=2))
    with h5py.File(folder / "robomimic.hdf5", "w") as file:
        for i, (row, s) in enumerate(zip(x, steps, strict=True)):
            file[f"data/demo_{i}/obs/robot0_eef_pos"] = row[:s]
            file[f"data/demo_{i}/actions"] = row[:s]
    frames = np.concatenate([row[:s] for row, s in zip(x, steps, strict=True)])
    root = zarr.open_group(folder / "replay.zarr", mode="w")
    root.require_group("data").create_array("state", data=frames)
    root.require_group("meta").create_array("episode_ends", data=np.cumsum(steps))
    table = pd.DataFrame({"track_id": np.repeat(np.arange(240), steps), "x": frames[:, 0], "y": frames[:, 1]})
    table.to_csv(folder / "tracks.csv", index=False)
    lerobot(folder / "lerobot")
    return folder


def test_the_page_has_a_command_for_a_dozen_files():
    assert len(COMMANDS) == 14
    assert len(PAGE.split()) < 1_500


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_page_runs(command, folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setattr(after, "RESAMPLED", 5)
    done = CliRunner().invoke(app, shlex.split(command))
    assert done.exit_code == 0, done.output
    assert "demonstrations" in done.output or "quantities" in done.output
    for word in ("look odd", "may depend", "jumps by", "varies"):
        assert word not in done.output
    for name in re.findall(r"--(?:html|json) (\S+)", command):
        assert (folder / name).stat().st_size > 1_000
