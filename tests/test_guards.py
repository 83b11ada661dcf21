"""Nothing leaks: no machine paths, package indexes or local builds in tracked files or in the built site."""

import re
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import yaml

from tests.conftest import ROOT

LEAKS = re.compile(rb"/root/|/home/\w+/|/work/|/tmp/|file:///|--(?:extra-)?index-url|\+cpu\b|-r /|pypi-more|simple/")
VENDORED = ("book/_static/mathjax/", "results/")
GUARDS = ("tests/", ".ci/")  # files that must name what they forbid


def tracked():
    """Files that git tracks; in a copy without git, all that `.gitignore` does not name."""
    if shutil.which("git") and (ROOT / ".git").exists():
        listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
        names = listed.stdout.split("\n")
    else:
        ignored = [".git*"] + [line.rstrip("/") for line in (ROOT / ".gitignore").read_text().splitlines()]
        found = (path.relative_to(ROOT) for path in ROOT.rglob("*"))
        names = [str(n) for n in found if not any(fnmatch(part, rule) for part in n.parts for rule in ignored)]
    assert len(names) > 200
    return [n for n in names if n and (ROOT / n).is_file() and not n.startswith((*VENDORED, *GUARDS))]


def test_tracked_files_name_no_machine():
    for name in tracked():
        found = LEAKS.search((ROOT / name).read_bytes())
        assert found is None, f"{name}: {found.group()!r}"


def test_stored_results_name_no_machine():
    for path in (ROOT / "results").rglob("*.safetensors"):
        head = path.read_bytes()
        header = head[8 : 8 + int.from_bytes(head[:8], "little")]
        assert LEAKS.search(header) is None


def test_lock_is_plain_pins():
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!]+", line) for line in lines)
    assert "torch==2.13.0" in lines
    assert "jupyter-book==1.0.4.post1" in lines
    assert not any(line.startswith(("nvidia", "triton")) for line in lines)


def test_no_document_installs_from_an_index():
    for name in tracked():
        if name.endswith((".md", ".cff")):
            assert not re.search(
                r"pip install (-\S+ )*[\"']?physlib", (ROOT / name).read_text().replace('"physlib @', "")
            ), name


def test_citation_validates():
    record = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert record["cff-version"] == "1.2.0"
    assert record["authors"] == [{"name": "The physlib authors"}]
    assert {"message", "title", "version", "date-released"} <= record.keys()
    assert "doi" not in record
    assert "repository-code" not in record


def test_importing_prints_and_changes_nothing():
    code = "import random, sys; s = random.getstate(); import physlib; assert random.getstate() == s; assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_source_is_formatted():
    ruff = str(Path(sys.executable).parent / "ruff")
    for words in (["check", "."], ["format", "--check", "."]):
        done = subprocess.run([ruff, *words], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_built_site_names_no_machine(book):
    suffixes = (".html", ".js", ".json", ".txt", ".inv")
    foreign = ("_static/vendor", "_static/mathjax", "_static/scripts", "_static/webpack", "_static/locales")
    for path in book.rglob("*"):
        name = str(path.relative_to(book))
        if path.suffix in suffixes and not name.startswith(foreign):
            found = LEAKS.search(path.read_bytes())
            assert found is None, f"{name}: {found.group()!r}"
