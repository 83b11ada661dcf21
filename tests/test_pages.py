"""The text pages and their derived notebooks: pairing, parameters, cell budget, the parts every page has."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
import pytest

import physlib
import physlib.book
from physlib.book.build import GLUED, execute, glued_name, pages, scrub
from physlib.book.pairing import notebook_of
from physlib.core.errors import PhyslibError
from tests.conftest import ROOT

PAGES = pages()
PACKAGES = ("evaluation", "figures", "kernels", "mitigations", "models", "studies", "tasks")


def code_cells(page):
    return [c for c in jupytext.read(page).cells if c.cell_type == "code"]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_pair_is_up_to_date(page):
    derived = page.parent / "ipynb" / f"{page.stem}.ipynb"
    assert derived.read_text() == notebook_of(page), "run `make pair`"
    assert not any(c.get("outputs") for c in nbformat.read(derived, 4).cells)


def test_no_notebook_without_its_page():
    assert {p.stem for p in (ROOT / "notebooks/ipynb").glob("*")} == {p.stem for p in PAGES}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_page_declares_its_parameters_and_kernel(page):
    notebook = jupytext.read(page)
    tagged = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", [])]
    assert len(tagged) == 1
    names = {t.id for node in ast.parse(tagged[0].source).body for t in node.targets}
    assert names == {"profile", "seed", "device"}
    assert notebook.metadata.kernelspec.name == "python3"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_cells_are_small(page):
    sizes = []
    for cell in code_cells(page):
        lines = [line for line in cell.source.splitlines() if line.strip()]
        sizes.append(len(lines))
        assert len(lines) <= 25
        assert max(map(len, lines)) <= 80
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno < 10
    assert sorted(sizes)[len(sizes) // 2] <= 8


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_page_has_its_parts(page):
    text = page.read_text()
    for part in (
        "{admonition} Answer",
        "**What would refute it",
        "{exercise}",
        "{solution-start}",
        "**How to cite.**",
    ):
        assert part in text, f"{page.stem} lacks {part}"
    assert re.search(r"^# .+\?$", text, re.MULTILINE), f"{page.stem}: the title is no question"
    assert re.search(r"^ *assert ", text, re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_pages_import_from_the_door(page):
    for cell in code_cells(page):
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Import):
                assert not any(alias.name.startswith("physlib") for alias in node.names)
            if isinstance(node, ast.ImportFrom) and node.module.startswith("physlib"):
                door = {"physlib": (*physlib.__all__, *PACKAGES), "physlib.book": physlib.book.__all__}[node.module]
                assert {alias.name for alias in node.names} <= set(door)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_page_code_has_no_undefined_or_unused_name(page):
    code = "\n\n".join(cell.source for cell in code_cells(page))
    ruff = [str(Path(sys.executable).parent / "ruff"), "check", "--isolated", "--select", "F,B023", "-"]
    done = subprocess.run(ruff, input=code, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_no_number_is_glued_in_vain(page):
    """Names in full; those that a table or a loop makes are checked where the page is executed."""
    named = set(GLUED.findall(page.read_text()))
    for cell in code_cells(page):
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "glue":
                name = node.args[0]
                assert not isinstance(name, ast.Constant) or name.value in named, f"no prose names {name.value}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_prose_and_code_glue_the_same_numbers(page, book, build_folder):
    executed = nbformat.read(build_folder / "pages" / "smoke" / f"{page.stem}.ipynb", 4)
    outputs = [o for cell in executed.cells if cell.cell_type == "code" for o in cell.outputs]
    glued = [name for name in map(glued_name, outputs) if name is not None]
    assert sorted(glued) == sorted(set(GLUED.findall(page.read_text())))


def test_unknown_parameter_stops_the_build(tmp_path):
    with pytest.raises(PhyslibError, match="has no parameter colour"):
        execute(PAGES[0], tmp_path / "x.ipynb", {"colour": "red"})


def write_page(folder, body):
    head = "---\njupytext:\n  text_representation:\n    extension: .md\n    format_name: myst\nkernelspec:\n  display_name: Python 3\n  language: python\n  name: python3\n---\n"
    page = folder / "99_broken.md"
    page.write_text(head + "```{code-cell} ipython3\n:tags: [parameters]\n\nprofile = 'laptop'\n```\n\n" + body)
    return page


def test_failing_cell_stops_the_build(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = write_page(tmp_path, "```{code-cell} ipython3\n1 / 0\n```\n")
    with pytest.raises(PhyslibError, match="ZeroDivisionError"):
        execute(page, tmp_path / "out" / "x.ipynb", {"profile": "smoke"})


def test_parameters_reach_the_page_and_traces_are_scrubbed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    body = "```{code-cell} ipython3\nimport warnings\nwarnings.warn('hm')\nprint(profile)\n```\n"
    execute(write_page(tmp_path, body), tmp_path / "out" / "x.ipynb", {"profile": "smoke"})
    text = (tmp_path / "out" / "x.ipynb").read_text()
    assert "smoke" in text
    assert "papermill" not in text
    assert str(tmp_path) not in text
    injected = [c for c in json.loads(text)["cells"] if "injected-parameters" in c["metadata"].get("tags", [])]
    assert "remove-input" in injected[0]["metadata"]["tags"]


def test_settings_of_whoever_builds_do_not_reach_a_page(tmp_path, monkeypatch):
    for place, text in (
        (".ipython/profile_default/startup/00.py", "intruder = 1"),
        (".config/matplotlib/matplotlibrc", "font.size: 31"),
        (".local/share/jupyter/kernels/python3/kernel.json", '{"argv": ["false"], "display_name": "x"}'),
    ):
        file = tmp_path / "home" / place
        file.parent.mkdir(parents=True)
        file.write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PHYSLIB_BUILD", str(tmp_path / "build"))
    body = "```{code-cell} ipython3\nimport matplotlib\nassert matplotlib.rcParams['font.size'] == 10\nassert 'intruder' not in globals()\n```\n"
    execute(write_page(tmp_path, body), tmp_path / "out" / "x.ipynb", {"profile": "smoke"})


def test_scrub_drops_progress_bars_and_nothing_else():
    cell = nbformat.v4.new_code_cell("x")
    bar = "\rtraining:  10%|#   | 1/10\rtraining:  20%|##  | 2/10"
    cell.outputs = [
        nbformat.v4.new_output("stream", name="stderr", text=bar),
        nbformat.v4.new_output("stream", name="stderr", text=f"UserWarning: run is damaged\n{bar}"),
        nbformat.v4.new_output("stream", name="stdout", text="kept"),
    ]
    notebook = scrub(nbformat.v4.new_notebook(cells=[cell]))
    assert [o.text for o in notebook.cells[0].outputs] == ["UserWarning: run is damaged", "kept"]
