"""`physlib audit` as its user meets it: a report in one file, a record, and one sentence on bad input."""

import json
import re
import subprocess
import sys
from types import ModuleType

import numpy as np
import pytest

from physlib.audit import Reading
from physlib.audit import audit as physlib_audit
from tests.conftest import physlib
from tests.test_audit import curves
from tests.test_cli import WITHOUT_TORCH


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("audit"), np.random.default_rng(0)
    np.savez(folder / "demos.npz", x=curves(2_000, rng))
    x = curves(1_000, rng)
    np.save(folder / "gen.npy", x + 0.02 * rng.standard_normal(x.shape))
    np.save(folder / "flat.npy", np.zeros((200, 8, 2)))
    (folder / "mine.py").write_text("def turn(x):\n    return x[:, -1, 0] - x[:, 0, 0]\n")
    return folder


@pytest.fixture(scope="module")
def audited(folder):
    words = "audit demos.npz --quantity path_length --samples gen.npy --units m --dt 0.1 --html r.html --json r.json"
    return physlib(*words.split(), cwd=folder)


def test_summary_says_what_the_record_holds(audited, folder):
    record = json.loads((folder / "r.json").read_text())
    assert record["p_value"] == 0.001
    assert "p at most 0.001" in audited.stdout
    assert record["quantity"]["unit"] == "m"
    keys = ("tv", "tv_floor", "w1", "mean_shift", "skill", "scale", "scale_data_units", "gains", "losses")
    assert all(record[key] is not None for key in keys)
    assert {"lo", "hi", "mass", "interval"} == set(record["losses"][0])
    assert record["scale_data_units"] == pytest.approx([0.02, 0.02], rel=0.2)


def test_report_is_one_file_that_needs_nothing(audited, folder):
    text = (folder / "r.html").read_text()
    assert text.count("<svg") >= 6
    assert text.count("<svg") == text.count('role="img"') == text.count("<figcaption>")
    linked = re.findall(r'(?:src|href|xlink:href)="([^"#]{1,40})', text)
    assert all(link.startswith("data:") for link in linked)
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text
    assert str(folder) not in text


def test_a_function_of_ones_own(folder):
    done = physlib("audit", "demos.npz", "--quantity", "mine:turn", cwd=folder)
    assert "mine:turn" in done.stdout


WITHOUT_EXTRAS = """
import sys
for name in ("plotly", "IPython", "jupytext", "papermill", "myst_nb", "psutil", "nbformat", "h5py", "minari", "mujoco"):
    sys.modules[name] = None
from physlib.cli.main import app
app(sys.argv[1:], standalone_mode=False)
"""


def test_an_audit_needs_none_of_the_extras(folder):
    words = ["audit", "demos.npz", "--quantity", "path_length", "--html", "bare.html", "--json", "bare.json"]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_EXTRAS, *words], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (folder / "bare.html").exists()


def test_an_audit_does_not_import_torch(folder):
    words = ["audit", "demos.npz", "--quantity", "path_length", "--html", "torchless.html"]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, *words], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


BAD = [
    ("audit absent.npz --quantity path_length", "there is no file"),
    ("audit demos.npz --quantity path_lenght", "did you mean 'path_length'"),
    ("audit demos.npz --quantity path_length --key y", "--key"),
    ("audit demos.npz --quantity path_length --columns 0,a", "whole numbers"),
    ("audit demos.npz --quantity path_length --columns 0,0", "twice"),
    ("audit demos.npz --quantity path_length --kernel isotropc", "did you mean 'isotropic'"),
    ("audit demos.npz --quantity path_length --seed -1", "give 0 or more"),
    ("audit demos.npz --quantity path_length --samples flat.npy", "64 steps (T) and samples 8"),
    ("audit flat.npy --quantity path_length", "does not vary"),
    ("audit demos.npz --quantity path_length --json no/such/r.json", "cannot write"),
    ("audit demos.npz --quantity path_length --json demos.npz", "as an input as well"),
    ("audit demos.npz --quantity path_length --samples gen.npy --json ./gen.npy", "as an input as well"),
    ("audit demos.npz --quantity path_length --residuals gen.npy --kernel smooth", "leave out --kernel"),
    ("audit mine.py --quantity path_length", "cannot tell what"),
]


@pytest.mark.parametrize(("words", "sentence"), BAD)
def test_bad_input_gets_one_sentence_code_2_and_no_file(words, sentence, folder):
    outputs = [] if "--json" in words else ["--html", "bad.html", "--json", "bad.json"]
    done = physlib(*words.split(), *outputs, check=False, cwd=folder)
    assert done.returncode == 2
    lines = [line for line in done.stderr.splitlines() if line.startswith("physlib: ")]
    assert len(lines) == 1
    assert sentence in lines[0]
    assert "Traceback" not in done.stderr
    assert not list(folder.glob("bad.*"))


HOSTILE = "<script>alert(1)</script>"


def test_names_and_units_are_escaped_in_the_report(tmp_path, monkeypatch):
    rng = np.random.default_rng(3)
    path, module = tmp_path / "<script>alert(2)&'.npz", ModuleType("hostile")
    setattr(module, HOSTILE, lambda x: x[:, -1, 0] - x[:, 0, 0])
    monkeypatch.setitem(sys.modules, "hostile", module)
    np.savez(path, **{"<script>x": curves(300, rng), "<script>group": np.arange(300) // 2})
    named = {"reading": Reading("<script>x"), "samples_key": "x", "groups": ("<script>group", np.arange(200))}
    done = physlib_audit(path, f"hostile:{HOSTILE}", curves(200, rng), **named)
    measured = physlib_audit(path, "displacement", units="<b>m</b>", reading=Reading("<script>x"))
    texts = [text for found in (done, measured) for text in (found.html(), found._repr_html_())]
    for word in ("<script", "<b>"):
        assert not any(word in text for text in texts)
    assert "hostile:&lt;script&gt;alert(1)&lt;/script&gt;" in texts[0]
    assert "&lt;script&gt;alert(2)&amp;" in texts[0]
    assert "&lt;b&gt;m&lt;/b&gt;" in texts[2]


ORDERS = {
    "package first": "from physlib import audit; import physlib.audit as package; from physlib.audit import audit as f",
    "function first": "from physlib.audit import audit as f; from physlib import audit; import physlib.audit as package",
    "door alone": "import physlib; audit = package = physlib.audit; f = package.audit",
}


@pytest.mark.parametrize("order", ORDERS)
def test_the_audit_is_called_alike_whatever_was_imported_before(order, folder):
    call = (
        "assert audit is package; a, b = (g('demos.npz', 'displacement').to_json() for g in (audit, f)); print(a == b)"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"{ORDERS[order]}; {call}"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.stdout == "True\n", done.stderr
