"""Shared by the tests: a build folder of their own, never the repository's, and one smoke build of the book."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent

settings.register_profile("physlib", deadline=None)  # a busy machine is not a failing test
settings.load_profile("physlib")


@pytest.fixture(scope="session", autouse=True)
def build_folder(tmp_path_factory, worker_id):
    """`PHYSLIB_BUILD` for the whole session, shared by the workers: smoke runs start from nothing."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "build"
    folder.mkdir(exist_ok=True)
    os.environ["PHYSLIB_BUILD"] = str(folder)
    return folder


@pytest.fixture(scope="session", autouse=True)
def committed_results_stay_as_they_are():
    """No test writes into `results/`."""

    def listing():
        return {p: p.stat().st_mtime_ns for p in (ROOT / "results").rglob("*")}

    before = listing()
    yield
    assert listing() == before


@pytest.fixture(scope="session")
def book(build_folder):
    """The site of the smoke book, every page executed and everything in it trained from nothing."""
    site = build_folder / "site" / "smoke" / "_build" / "html"
    with FileLock(build_folder / "book.lock"):
        if not (site / "timings.json").exists():
            physlib("book", "--profile", "smoke", timeout=1500)
    return site


def physlib(*words, check=True, timeout=300, env=None, cwd=None):
    """Run the command line in a process of its own."""
    command = [str(Path(sys.executable).parent / "physlib"), *map(str, words)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=timeout, env=os.environ | (env or {}), cwd=cwd, check=False
    )
    if check and done.returncode:
        raise AssertionError(
            f"{' '.join(command[1:])} exited {done.returncode}:\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
        )
    return done
