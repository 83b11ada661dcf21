"""The command line as its user meets it: answers, exit codes, one sentence on bad input."""

import json
import shutil
import subprocess
import sys

import pytest

from physlib.studies import forecasts, mechanism
from tests.conftest import ROOT, physlib

BAD = [
    (["run", "logistc"], "did you mean 'logistic'"),
    (["run", "logistic[3.9,3.6]"], "lo < hi"),
    (["run", "logistic", "--model", "diffusion-mpl"], "did you mean 'diffusion-mlp'"),
    (["run", "logistic", "--profile", "lptop"], "did you mean 'laptop'"),
    (["run", "logistic", "--seed", "-1"], "give 0 or more"),
    (["run", "tent", "--model", "planner-unet"], "give a maze without a clock"),
    (["run", "maze-umaze-speed", "--model", "planner-unet"], "give a maze without a clock"),
    (["run", "tent", "--set", "mitigation=condition", "--set", "n_probe=9"], "n_probe means nothing"),
    (["run", "tent", "--model", "flow-mlp", "--set", "noise_shift=1"], "noise_shift means nothing for flow-mlp"),
    (["run", "tent", "--set", "n_plans=9"], "n_plans means nothing"),
    (["run", "logistic", "--prior", "cosin"], "did you mean 'cosine'"),
    (["run", "logistic~cosine", "--prior", "gaussian"], "give one of them"),
    (["run", "tent", "--estimator", "best-orbt"], "did you mean 'best-orbit'"),
    (["forecast", "sinusoid", "--estimator", "nonlinear"], "did you mean 'nonlinear-least-squares'"),
    (["when", "logistc"], "did you mean 'logistic'"),
    (["when", "logistic", "--quantity", "men"], "did you mean 'mean'"),
    (["when", "logistic", "--out", "curves.gif"], "ends in .svg"),
    (["when", "ring", "--model", "vae-mlp"], "make it with"),
    (["ledger", "--profile", "paper"], "use laptop"),
    (["table", "--profile", "paper"], "use laptop"),
    (["table", "--kernel", "contrct"], "did you mean 'contract'"),
    (["table", "--claim", "C13"], "did you mean 'C3"),
    (["benchmark", "tnt"], "did you mean 'tent'"),
    (["verify", "--claim", "C77"], "did you mean 'C7'"),
    (["verify", "--claim", "C7", "--task", "tant"], "did you mean 'tent'"),
    (["run", "ring", "--model", "diffusion-unet", "--profile", "smoke"], "divisible by 4"),
    (["run", "logistic", "--profile", "smoke", "--seed", "77", "--device", "tpu"], "unknown device"),
    (["forecast", "logistic", "--kernel", "isotropc"], "did you mean 'isotropic'"),
    (["forecast", "logistic", "--scale", "big"], "numbers separated by commas"),
    (["forecast", "logistic", "--scale", "-0.1"], "non-negative"),
    (["forecast", "logistic", "--scale", "nan"], "non-negative"),
    (["forecast", "logistic", "--kernel", "noise-contract-q", "--scale", "0.1"], r"2 non-negative number(s) (s, t)"),
    (["forecast", "logistic", "--kernel", "covariance"], "needs a matrix"),
    (["forecast", "logistic", "--kernel", "pilot", "--scale", "1,2,3"], "needs a network"),
    (["forecast", "logistic", "--draws", "5"], "at least 1000"),
    (["forecast", "logistic", "--seed", "-1"], "give 0 or more"),
    (["forecast", "logistic", "--against", "nonsense"], "unknown model"),
    (["verify", "--sample", "0"], "1 or more"),
    (["check", "nothing"], "module:Name"),
    (["check", "no.such:Thing"], "cannot import"),
    (["check", "json:JSONDecoder"], "neither a Task"),
    (["book", "--profile", "draft"], "unknown profile"),
    (["book", "--page", "99"], "no page starts with"),
]


@pytest.mark.parametrize(("words", "sentence"), BAD, ids=lambda v: " ".join(v) if isinstance(v, list) else "")
def test_bad_input_gets_one_sentence_and_code_2(words, sentence):
    done = physlib(*words, check=False)
    assert done.returncode == 2
    lines = [line for line in done.stderr.splitlines() if line.startswith("physlib: ")]
    assert len(lines) == 1
    assert sentence in lines[0]
    assert "Traceback" not in done.stderr


def test_list_names_everything():
    text = physlib("list").stdout
    for name in ("ring", "sinusoid", "tent", "logistic", "diffusion-unet", "noise-contract-q", "paper"):
        assert name in text


def test_dry_run_prints_the_configuration_and_trains_nothing(build_folder):
    text = physlib("run", "tent", "--model", "diffusion-unet", "--seed", "99", "--pilot", "--dry-run").stdout
    assert "steps         500" in text
    assert "expected      about" in text
    assert not list(build_folder.rglob("*seed99*"))


def test_forecast_prints_profile_and_transfers():
    text = physlib("forecast", "logistic", "--kernel", "isotropic", "--scale", "0.06", "--draws", "50000").stdout
    assert "overflow" in text
    assert "->" in text
    assert "forecast TV" in text


def test_forecast_under_another_estimator_and_prior():
    words = ["forecast", "sinusoid", "--scale", "0.036", "--draws", "50000"]
    text = physlib(*words, "--estimator", "nonlinear-least-squares", "--prior", "cosine").stdout
    assert text.startswith("sinusoid~cosine by nonlinear-least-squares")
    assert "[-inf, " in text


def test_when_prints_a_line_for_each_quantity(tmp_path):
    text = physlib("when", "logistic", "--quantity", "parameter", "--quantity", "mean").stdout
    lines = text.splitlines()
    assert "level of re-noising" in lines[0]
    assert [line.split()[0] for line in lines[2:]] == ["parameter", "mean"]
    parameter, mean = (line.index("o", 80) for line in lines[2:])
    assert parameter < mean  # late on the left, early on the right
    figure = tmp_path / "curves.svg"
    physlib("when", "logistic", "--out", str(figure))
    assert "<svg" in figure.read_text()


def test_forecast_is_scored_against_stored_runs():
    text = physlib("forecast", "tent", "--scale", "0.14", "--draws", "50000", "--against", "diffusion-mlp").stdout
    assert text.count("against diffusion-mlp seed") == 3


WITHOUT_TORCH = """
import sys
from physlib.cli.main import app
app(sys.argv[1:], standalone_mode=False)
assert "torch" not in sys.modules
"""


@pytest.mark.parametrize("words", [["list"], ["ledger", "--json"], ["table"], ["run", "logistic", "--seed", "0"]])
def test_stored_answers_do_not_import_torch(words):
    done = subprocess.run([sys.executable, "-c", WITHOUT_TORCH, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_run_trains_then_answers_from_the_store(build_folder):
    words = ["run", "logistic", "--model", "diffusion-mlp", "--profile", "smoke", "--seed", "3"]
    first, second = physlib(*words), physlib(*words)
    assert "TV" in first.stdout
    assert first.stdout == second.stdout
    assert len(list(build_folder.rglob("*seed3*.safetensors"))) == 1
    assert not list(build_folder.rglob("*.checkpoint"))


def test_ledger_json_is_rows():
    rows = json.loads(physlib("ledger", "--json").stdout)
    assert {row["claim"] for row in rows} >= {f"C{i}" for i in range(1, 13)}
    chosen = next(row for row in rows if (row["kernel"], row["source"]) == ("contract", "scaled"))
    assert isinstance(chosen["parameters"]["s"], float)
    assert chosen["seeds"] == [0, 1, 2]


def test_benchmark_goes_through_every_group(tmp_path):
    copy = tmp_path / "results"  # forecasts that are missing are made, and must not be made in the store
    shutil.copytree(ROOT / "results", copy, ignore=shutil.ignore_patterns(".work"))
    lines = physlib("benchmark", env={"PHYSLIB_RESULTS": str(copy)}).stdout.splitlines()
    assert [tuple(line.split(":")[0].split()) for line in lines] == [*forecasts.GROUPS, *mechanism.groups("laptop")]


def test_check_passes_a_good_task_and_names_a_broken_clause(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from physlib.tasks.maps import Tent\n"
        "class Good(Tent):\n    pass\n"
        "class Bad(Tent):\n    def measure(self, x):\n        return super().measure(x) + 0.1\n"
    )
    assert "FAILED" not in physlib("check", "mine:Good", cwd=tmp_path).stdout
    bad = physlib("check", "mine:Bad", cwd=tmp_path, check=False)
    assert bad.returncode == 2
    assert "FAILED measure recovers the quantity" in bad.stdout


KERNELS = """
from dataclasses import dataclass
import numpy as np
from physlib.kernels import QuantityKernel

@dataclass(frozen=True)
class Blank(QuantityKernel):
    name = "blank"
    s: float

    def push(self, task, data, rng):
        return np.full(len(data.q), np.nan)

class Plain(QuantityKernel):
    name = "plain"

    def push(self, task, data, rng):
        return data.q
"""


@pytest.mark.parametrize(("name", "clause"), [("Blank", "most pushed quantities are finite"), ("Plain", "dataclass")])
def test_check_finds_broken_kernels(name, clause, tmp_path):
    (tmp_path / "own.py").write_text(KERNELS)
    done = physlib("check", f"own:{name}", cwd=tmp_path, check=False)
    assert done.returncode == 2
    assert any(line.startswith("FAILED") and clause in line for line in done.stdout.splitlines())


MODEL = """
import torch
from physlib.models import build

def make(mean, std, steps):
    torch.manual_seed(0)
    return build("diffusion-mlp", mean, std, steps, 16, 1, 4)
"""


def test_check_accepts_the_library_itself(tmp_path):
    (tmp_path / "made.py").write_text(MODEL)
    for reference in ("physlib.kernels:Isotropic", "physlib.tasks:Tent", "made:make"):
        assert "FAILED" not in physlib("check", reference, cwd=tmp_path).stdout


@pytest.mark.parametrize(
    "text", ["def broken(:", "raise RuntimeError('boom')", "import no_such_thing", "x = {}.missing"]
)
def test_check_reports_a_module_that_does_not_import(text, tmp_path):
    (tmp_path / "bad.py").write_text(text)
    done = physlib("check", "bad:Thing", cwd=tmp_path, check=False)
    assert done.returncode == 2
    assert "cannot import bad" in done.stderr
    assert "Traceback" not in done.stderr


def test_unusable_folders_are_named(tmp_path):
    (tmp_path / "file").write_text("")
    for words in (["run", "ring", "--profile", "smoke"], ["run", "ring"]):
        env = {"PHYSLIB_BUILD": str(tmp_path / "file/x"), "PHYSLIB_RESULTS": str(tmp_path / "file/x")}
        done = physlib(*words, check=False, env=env)
        assert done.returncode == 2
        assert "cannot write under" in done.stderr


def test_verify_retrains_and_compares():
    text = physlib("verify", "--profile", "smoke", "--sample", "1", "--seed", "4").stdout
    assert "retraining 1 runs, about" in text
    assert "identical" in text
