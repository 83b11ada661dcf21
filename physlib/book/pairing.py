"""The derived half of each page: `notebooks/ipynb/NN_name.ipynb` from the text that is edited (pages layer)."""

from __future__ import annotations

from pathlib import Path

import jupytext
import nbformat

from physlib.core.files import write_atomic

ROOT = Path(__file__).resolve().parents[2]


def text_pages() -> list[Path]:
    """The pages that are edited, in reading order."""
    return sorted((ROOT / "notebooks").glob("[0-9]*.md"))


def notebook_of(page: Path) -> str:
    """The notebook of a text page, without outputs, with cell ids that change only when cells move."""
    notebook = jupytext.read(page)
    notebook.metadata.pop("jupytext", None)
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"{page.stem[:2]}-{number:03d}"
    return nbformat.writes(notebook) + "\n"


def pair() -> list[Path]:
    """Write the notebook of every page and return the files."""
    written = []
    for page in text_pages():
        target = page.parent / "ipynb" / f"{page.stem}.ipynb"
        write_atomic(target, notebook_of(page).encode())
        written.append(target)
    return written


if __name__ == "__main__":
    pair()
