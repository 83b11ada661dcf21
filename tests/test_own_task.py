"""A task of one's own: written whole by a command, taken by name wherever a task is, refused in a sentence."""

import importlib
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from physlib import tasks
from physlib.cli.check import check
from physlib.cli.main import app
from physlib.core.errors import PhyslibError
from physlib.core.rng import numpy_rng
from physlib.forecasting.forecast import forecast
from physlib.kernels import Isotropic
from physlib.runs.presets import resolve
from tests.conftest import physlib


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in ("dropped", "test_dropped", "broken"):
        sys.modules.pop(name, None)


def test_what_is_written_is_whole_and_its_own_test_passes(folder):
    assert CliRunner().invoke(app, ["new-task", "Dropped"]).exit_code == 0
    assert all(clause.passed for clause in check("dropped:Dropped"))
    own = importlib.import_module("test_dropped")
    for name in dir(own):
        if name.startswith("test_"):
            getattr(own, name)()
    again = CliRunner().invoke(app, ["new-task", "Dropped"])
    assert again.exit_code == 2


def test_a_name_stands_for_the_task_wherever_one_does(folder):
    CliRunner().invoke(app, ["new-task", "Dropped"])
    task = tasks.get_task("dropped:Dropped[0.6,0.8]~cosine")
    assert task.name == "dropped:Dropped[0.6,0.8]~cosine"
    assert tasks.get_task(task.name) is task
    config = resolve("dropped:Dropped", "diffusion-mlp", "laptop", 0)
    assert config.task == "dropped:Dropped"
    assert config.key != resolve("tent", "diffusion-mlp", "laptop", 0).key
    made = forecast(tasks.get_task("dropped:Dropped"), Isotropic(0.0), 2_000)
    assert np.allclose(made.mass, made.bins.reference)  # nothing moves without an error
    data = task.sample(100, numpy_rng(0, "dropped"))
    assert np.abs(task.measure(data.x) - data.q).max() < 1e-3


def test_what_lacks_a_part_is_told_which(folder):
    (folder / "broken.py").write_text(
        "from physlib.tasks import Task\nclass Half(Task):\n    def nuisance(self, q, rng):\n        return q[:, None]\n"
    )
    with pytest.raises(PhyslibError, match="set family, info, generate, measure, residual"):
        tasks.get_task("broken:Half")
    (clause,) = check("broken:Half")
    assert not clause.passed
    assert "missing: family, info, generate, measure, residual" in clause.sentence


def test_bad_names_get_a_sentence(tmp_path):
    for words, said in (
        (("new-task", "1st"), "no name of a class"),
        (("new-task", "Ball", "--folder", str(tmp_path / "none")), "make it first"),
        (("forecast", "math:pi"), "is no task"),
    ):
        done = physlib(*words, check=False)
        assert done.returncode == 2
        assert said in done.stderr
