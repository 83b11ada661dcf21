"""Part one is a reader's hour: short pages, few tables, visible code that runs when it is copied. Few numbers everywhere."""

import re
import subprocess
import sys
from pathlib import Path

import jupytext
import pytest

from physlib.book.build import pages
from tests.conftest import ROOT

HOUR = [page for page in pages() if page.stem[:2] <= "07"]
HIDDEN = {"remove-cell", "remove-input"}
WORDS, NUMBERS, TABLES = 1_300, 3, 4


def prose(page):
    return [cell.source for cell in jupytext.read(page).cells if cell.cell_type == "markdown"]


def visible(page):
    """Code that a reader sees or unfolds."""
    cells = [cell for cell in jupytext.read(page).cells if cell.cell_type == "code"]
    return "\n\n".join(cell.source for cell in cells if not HIDDEN & set(cell.metadata.get("tags", [])))


def test_the_hour_has_seven_pages_in_the_order_of_the_contents():
    contents = (ROOT / "_toc.yml").read_text()
    assert [page.stem[:2] for page in HOUR] == ["01", "02", "03", "04", "05", "06", "07"]
    places = [contents.index(page.stem) for page in HOUR]
    assert places == sorted(places)


@pytest.mark.parametrize("page", HOUR, ids=lambda p: p.stem)
def test_budget_of_words(page):
    assert sum(len(part.split()) for part in prose(page)) <= WORDS


@pytest.mark.parametrize("page", pages(), ids=lambda p: p.stem)
def test_budget_of_numbers(page):
    for part in prose(page):
        for paragraph in re.split(r"\n\n+", part):
            if paragraph.lstrip().startswith(("|", "`", "$$")):
                continue
            plain = re.sub(r"\$[^$]*\$|\{doc\}`[^`]*`|\{cite[^`]*`[^`]*`", "", paragraph)
            numbers = re.findall(r"\{glue:text\}`[^`]*`|(?<![\w.])\d*\.\d+", plain)
            assert len(numbers) <= NUMBERS, f"{len(numbers)} numbers in: {paragraph[:200]}"


@pytest.mark.parametrize("page", HOUR, ids=lambda p: p.stem)
def test_a_few_tables(page):
    code = "\n".join(c.source for c in jupytext.read(page).cells if c.cell_type == "code")
    assert len(re.findall(r"(?m)^table\(", code)) <= TABLES


DRAWN = re.compile(r"figures\.(?!Origin)\w+\(")


@pytest.mark.parametrize("page", [page for page in pages() if page not in HOUR], ids=lambda p: p.stem)
def test_every_figure_says_what_it_shows(page):
    """A caption of one sentence, `.saying(...)`, by the page that argues with the figure."""
    code = [c.source for c in jupytext.read(page).cells if c.cell_type == "code"]
    for source in code:
        drawn = [m for m in DRAWN.findall(source) if "Animation" not in m and "Utterances" not in m]  # theirs is given
        assert len(drawn) <= source.count(".saying("), source


@pytest.mark.parametrize("page", HOUR, ids=lambda p: p.stem)
def test_visible_code_needs_nothing_hidden(page):
    ruff = [str(Path(sys.executable).parent / "ruff"), "check", "--isolated", "--select", "F821", "-"]
    done = subprocess.run(ruff, input=visible(page), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("stem", ["01_quickstart", "02_tasks"])
def test_visible_code_runs_when_copied(stem, tmp_path):
    (page,) = (page for page in HOUR if page.stem == stem)
    script = tmp_path / "copied.py"
    script.write_text(visible(page).replace('profile = "laptop"', 'profile = "smoke"'))
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout


def test_numbers_of_files_are_those_of_the_contents():
    chapters = re.findall(r"- file: (\S+)", (ROOT / "_toc.yml").read_text())
    numbered = chapters[: chapters.index("book/notation")]
    for number, file in enumerate(numbered, start=1):
        assert file == "book/your_data" or file.startswith(f"notebooks/{number:02d}_"), (number, file)
