"""The layers of the library and the sizes of its files, read off the source."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "physlib"
LAYERS = [  # a file imports only from earlier groups, or from its own
    ("ground", ["errors", "rng", "density", "integrate"]),
    ("tasks", ["tasks"]),
    ("models", ["models"]),
    ("kernels", ["kernels"]),
    ("theory", ["forecast", "calibrate", "uncertainty", "mitigations"]),
    (
        "running",
        [
            "profiles",
            "train",
            "store",
            "provenance",
            "probe",
            "assembly",
            "experiment",
            "observe",
            "confounds",
            "trials",
            "catalogue",
            "cell",
            "empirical",
            "judge",
            "expectation",
            "ledger",
            "reproduce",
            "contract",
        ],
    ),
    ("pages", ["terminal", "plots", "audit", "page", "pairing", "reference", "book"]),
    ("door", ["__init__", "cli", "cli_audit"]),
]
RANK = {name: rank for rank, (_, names) in enumerate(LAYERS) for name in names}
FILES = sorted(PACKAGE.rglob("*.py"))


def unit(path):
    """The top-level module or package a file belongs to."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported(path):
    """Top-level names of this library that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "physlib":
            parts = node.module.split(".")[1:]
            yield from parts[:1] or [alias.name for alias in node.names if alias.name.islower()]
        elif isinstance(node, ast.Import):
            yield from (a.name.split(".")[1] for a in node.names if a.name.startswith("physlib."))


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_down_the_layers(path):
    for name in imported(path):
        assert RANK[name] <= RANK[unit(path)], f"{path.name} imports {name} from a later layer"


def test_backbones_and_tasks_do_not_know_what_uses_them():
    assert not any(name == "tasks" for p in (PACKAGE / "models").glob("*.py") for name in imported(p))
    for name in ("mlp.py", "unet1d.py"):
        assert "physlib.models.diffusion" not in (PACKAGE / "models" / name).read_text()


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_sizes(path):
    text = path.read_text()
    assert text.count("\n") <= 250, "a file has one duty and at most 250 lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno < 60, f"{node.name} is too long"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_public_names_are_documented(path):
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree), "every module says what its duty is"
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{node.name} has no docstring"
