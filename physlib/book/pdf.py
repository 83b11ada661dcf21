"""The built site as one PDF, printed by headless Chromium, with contents and page numbers."""

from __future__ import annotations

import html
import io
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import yaml
from pypdf import PdfReader, PdfWriter

from physlib.book.pairing import ROOT
from physlib.core.errors import PhyslibError
from physlib.core.files import root, write_atomic

_SHEET = (
    "<!doctype html><meta charset='utf-8'><style>@page {{ size: letter; margin: 15mm }} body {{ font-family: sans-serif }}"
    " {style}</style>{body}"
)


class Chapter(NamedTuple):
    """A page of the site, printed."""

    title: str
    pages: PdfReader


def chapter_names() -> list[str]:
    """Names of the pages in reading order, the front page first."""
    plan = yaml.safe_load((ROOT / "_toc.yml").read_text())
    return [plan["root"], *(chapter["file"] for part in plan["parts"] for chapter in part["chapters"])]


def print_page(source: Path | str) -> PdfReader:
    """A page, or the text of one, as Chromium prints it. Raises `PhyslibError` where there is no Chromium, or it fails."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise PhyslibError("chromium is missing: install it, it prints the pages.")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "page.pdf"
        if isinstance(source, str):
            (Path(folder) / "sheet.html").write_text(source, encoding="utf-8")
            source = Path(folder) / "sheet.html"
        words = ["--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer", "--virtual-time-budget=20000"]
        command = [chromium, *words, f"--user-data-dir={folder}/profile", f"--print-to-pdf={out}", source.as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        if done.returncode or not out.exists():
            raise PhyslibError(f"chromium could not print {source.name}: {done.stderr.strip()[-200:]}")
        return PdfReader(io.BytesIO(out.read_bytes()))


def title_of(page: Path) -> str:
    """The title of a page of the site."""
    start = page.read_text(encoding="utf-8").split("<title>", 1)[1].split("</title>", 1)[0]
    return html.unescape(start).split(" — ")[0].strip()


def contents(chapters: list[Chapter], first: int) -> PdfReader:
    """Sheets with the title of each chapter and the page it begins on, `first` for the first of them."""
    rows, at = [], first
    for chapter in chapters:
        rows.append(f"<p><span>{html.escape(chapter.title)}</span><b>{at}</b></p>")
        at += len(chapter.pages.pages)
    style = "p { display: flex; justify-content: space-between; margin: 0; height: 8mm } h1 { margin: 0 0 10mm }"
    return print_page(_SHEET.format(style=style, body=f"<h1>Contents</h1>{''.join(rows)}"))


def numbers(count: int) -> PdfReader:
    """Sheets that are empty but for their number at the foot."""
    style = (
        "@page { margin: 0 } body { margin: 0 } div { height: 279mm; overflow: hidden; position: relative; page-break-after: always }"
        " span { position: absolute; bottom: 6mm; width: 100%; text-align: center; font-size: 9pt; color: #555 }"
    )
    body = "".join(f"<div><span>{number}</span></div>" for number in range(1, count + 1))
    return print_page(_SHEET.format(style=style, body=body))


def bind(chapters: list[Chapter]) -> PdfWriter:
    """Contents and chapters as one document, numbered, with an outline."""
    before = len(contents(chapters, 1).pages)
    bound = PdfWriter()
    bound.append(contents(chapters, before + 1), outline_item="Contents", import_outline=False)
    for chapter in chapters:
        bound.append(chapter.pages, outline_item=chapter.title, import_outline=False)
    for page, number in zip(bound.pages, numbers(len(bound.pages)).pages, strict=False):
        page.merge_page(number)
    bound.compress_identical_objects()
    return bound


def make(site: Path, out: Path, names: list[str] | None = None) -> int:
    """Print a built site, or some of its pages, into one file; the number of its pages. Raises `PhyslibError` without a site."""
    if not (site / "index.html").exists():
        raise PhyslibError(f"there is no site at {site}: build it with physlib book.")
    paths = [site / f"{name}.html" for name in names or chapter_names()]
    chapters = [Chapter(title_of(path), print_page(path)) for path in paths]
    bound, buffer = bind(chapters), io.BytesIO()
    bound.write(buffer)
    write_atomic(out, buffer.getvalue())
    return len(bound.pages)


if __name__ == "__main__":
    folder = root("PHYSLIB_BUILD", "_build") / "site/laptop/_build/html"
    target = root("PHYSLIB_BUILD", "_build") / "physical-misgeneralization.pdf"
    try:
        sys.stdout.write(f"{make(folder, target)} pages, {target.stat().st_size / 1e6:.1f} MB: {target}\n")
    except PhyslibError as error:
        sys.exit(f"physlib: {error}")
