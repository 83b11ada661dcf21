"""The press: stage the book, execute its pages, strip traces of the machine, build the HTML."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jupytext
import nbformat
import psutil
from papermill.exceptions import PapermillExecutionError
from papermill.execute import execute_notebook
from papermill.inspection import inspect_notebook
from papermill.iorw import LocalHandler, papermill_io
from plotly.offline import get_plotlyjs

from physlib.book import ledger
from physlib.book.pairing import ROOT, text_pages
from physlib.book.reference import api_page
from physlib.core.errors import PhyslibError
from physlib.core.files import root, write_atomic
from physlib.evaluation import table as results
from physlib.runs.presets import PROFILES

SCHEME = "jupytext://"
GLUED = re.compile(r"\{glue:text\}`([^`]+)`")
"""Where prose names a glued number."""
SETTINGS = ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "MPLCONFIGDIR")
"""Folders of a user's own settings (start-up files, kernels, matplotlibrc), which must not reach a page."""


class _TextNotebooks(LocalHandler):
    """Lets papermill read a MyST page as the notebook it stands for."""

    def read(self, path: str) -> str:
        return nbformat.writes(jupytext.read(path.removeprefix(SCHEME)))


papermill_io.register(SCHEME, _TextNotebooks())


@contextlib.contextmanager
def _reading_text() -> Iterator[None]:
    """Papermill warns of any name that does not end in `.ipynb`; these are read by the handler above."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The specified file", category=UserWarning)
        yield


@contextlib.contextmanager
def _own_settings() -> Iterator[None]:
    """Settings in folders of the build's own."""
    before, folder = dict(os.environ), root("PHYSLIB_BUILD", "_build").absolute() / "settings"
    for variable in SETTINGS:
        (folder / variable).mkdir(parents=True, exist_ok=True)
        os.environ[variable] = str(folder / variable)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@dataclass(frozen=True)
class Timing:
    """What executing a page took."""

    page: str
    seconds: float
    megabytes: float  # most memory held by the kernel


def pages(prefixes: list[str] | None = None) -> list[Path]:
    """The text pages in reading order, or those whose names start with a prefix. Raises when none does."""
    found = text_pages()
    if not found:
        raise PhyslibError("there are no pages beside the installed package: build the book from a clone.")
    chosen = [p for p in found if not prefixes or p.name.startswith(tuple(prefixes))]
    if not chosen:
        raise PhyslibError(
            f"no page starts with {', '.join(prefixes or [])}: pages are {', '.join(p.stem for p in found)}."
        )
    return chosen


def execute(page: Path, target: Path, parameters: dict[str, Any]) -> Timing:
    """Execute one page into `target`.

    Raises `PhyslibError` when the page does not declare a parameter it is given (papermill would only
    warn, and run it with its defaults), or when a cell fails.
    """
    source = f"{SCHEME}{os.path.relpath(page)}"
    with _reading_text():
        unknown = set(parameters) - set(inspect_notebook(source))
    if unknown:
        raise PhyslibError(
            f"page {page.name} has no parameter {', '.join(sorted(unknown))}: add it to its parameters cell."
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    started, peak = time.perf_counter(), _Peak()
    try:
        with _reading_text(), _own_settings():
            notebook = execute_notebook(
                source,
                os.path.relpath(target),
                parameters,
                kernel_name="python3",
                cwd=str(page.parent),
                progress_bar=False,
                autosave_cell_every=0,
            )
    except PapermillExecutionError as error:
        raise PhyslibError(
            f"page {page.name} failed in cell {error.exec_count}: {error.ename}: {error.evalue}"
        ) from None
    finally:
        megabytes = peak.stop()
    nbformat.write(scrub(notebook), target)
    return Timing(page.stem, time.perf_counter() - started, megabytes)


class _Peak:
    """Largest memory of this process's children, polled once a second."""

    def __init__(self):
        self._largest, self._done = 0, threading.Event()
        self._thread = threading.Thread(target=self._poll, daemon=True)
        self._thread.start()

    def _poll(self) -> None:
        while not self._done.wait(1.0):
            for child in psutil.Process().children(recursive=True):
                try:
                    self._largest = max(self._largest, child.memory_info().rss)
                except psutil.Error:
                    continue

    def stop(self) -> float:
        self._done.set()
        self._thread.join()
        return self._largest / 1e6


def glued_name(output: nbformat.NotebookNode) -> str | None:
    """The name under which an output was glued; None for any other output."""
    return output.get("metadata", {}).get("scrapbook", {}).get("name")


def scrub(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Take out what names the machine (papermill's paths and times, progress bars, places of warnings), and numbers
    that were glued as part of a table and that the prose does not name."""
    notebook.metadata.pop("papermill", None)
    named = set(GLUED.findall("\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")))
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        tags = cell.metadata.get("tags", [])
        if "injected-parameters" in tags:
            cell.metadata["tags"] = [*tags, "remove-input"]
        if cell.cell_type == "code":
            for output in (o for o in cell.outputs if o.output_type == "stream"):
                lines = re.split(r"[\r\n]", output.text)
                output.text = "\n".join(line for line in lines if "%|" not in line).strip()
                output.text = re.sub(r"(/[\w.-]+)+/(?=[\w.-]+\.py)", "", output.text)
            cell.outputs = [o for o in cell.outputs if o.output_type != "stream" or o.text]
            cell.outputs = [o for o in cell.outputs if glued_name(o) in (None, *named)]
    return notebook


def stage(folder: Path, profile: str) -> None:
    """Lay out everything Sphinx reads but the executed pages."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "book", folder / "book")
    for name in ("_config.yml", "_toc.yml"):
        shutil.copy(ROOT / name, folder / name)
    write_atomic(folder / "book/_static/vendor/plotly.min.js", get_plotlyjs().encode())
    rows = results.rows(profile)
    write_atomic(folder / "book/claims.md", ledger.page(rows, profile).encode())
    for name, text in ledger.files(rows).items():
        write_atomic(folder / "book/_static" / name, text.encode())
    write_atomic(folder / "book/api.md", api_page().encode())


_FOREIGN = re.compile(r'<link rel="preload" as="font"[^>]*>|<script>const THEBE_JS_URL.*?</script>', re.DOTALL)


def polish(html: Path) -> None:
    """Drop two things of the theme's that fail in a page opened from a file.

    Fonts preloaded across origins (they load anyway, from the style sheet), and the declarations of a
    live-code service that is off and declared twice.
    """
    for page in html.rglob("*.html"):
        page.write_text(_FOREIGN.sub("", page.read_text(encoding="utf-8")), encoding="utf-8")


def build(profile: str, prefixes: list[str] | None = None) -> None:
    """Execute the pages and build the site; with `prefixes`, only execute those pages.

    Prints the time and memory of each page and where `index.html` is. Raises `PhyslibError` when a
    page fails or Sphinx warns.
    """
    if profile not in PROFILES:
        raise PhyslibError(f"unknown profile '{profile}': choose one of: {', '.join(PROFILES)}.")
    for variable in ("PHYSLIB_BUILD", "PHYSLIB_RESULTS"):  # pages run in another folder than this process
        if variable in os.environ:
            os.environ[variable] = str(Path(os.environ[variable]).absolute())
    base = root("PHYSLIB_BUILD", "_build")
    folder, timings = base / "stage" / profile, []
    if not prefixes:  # pages that are no longer there must not linger
        shutil.rmtree(base / "pages" / profile, ignore_errors=True)
    for page in pages(prefixes):
        target = base / "pages" / profile / f"{page.stem}.ipynb"
        timings.append(execute(page, target, {"profile": profile, "seed": 0, "device": "auto"}))
        sys.stdout.write(f"{page.stem:<16} {timings[-1].seconds:6.1f} s {timings[-1].megabytes:6.0f} MB\n")
        sys.stdout.flush()
    if prefixes:
        return
    stage(folder, profile)
    shutil.copytree(base / "pages" / profile, folder / "notebooks")
    site = base / "site" / profile
    shutil.rmtree(site, ignore_errors=True)
    command = [str(Path(sys.executable).parent / "jupyter-book"), "build", str(folder), "--path-output", str(site)]
    started = time.perf_counter()
    done = subprocess.run([*command, "-W", "-n", "--keep-going"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise PhyslibError(f"the book did not build:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    html = site / "_build" / "html"
    polish(html)
    write_atomic(html / "timings.json", json.dumps([t.__dict__ for t in timings]).encode())
    sys.stdout.write(f"{'sphinx':<16} {time.perf_counter() - started:6.1f} s\n{html / 'index.html'}\n")
