"""The built book in real headless Chromium with the network off."""

import json
import re
import shutil

import pytest
from playwright.sync_api import sync_playwright
from pypdf import PdfReader

from physlib.book import pdf
from physlib.core.errors import PhyslibError

pytestmark = pytest.mark.browser

PAGES = {  # page -> formulas, SVG figures, interactive plots, at least
    "book/intro": (0, 1, 0),
    "notebooks/01_quickstart": (1, 1, 0),
    "notebooks/02_tasks": (2, 1, 0),
    "notebooks/03_phenomenon": (0, 2, 0),
    "notebooks/04_mechanism": (1, 4, 0),
    "notebooks/05_when": (0, 1, 0),
    "notebooks/06_forecast": (1, 1, 1),
    "notebooks/07_remedies": (0, 1, 0),
    "notebooks/16_models": (1, 1, 0),
    "notebooks/17_locality": (20, 4, 0),
    "notebooks/15_kernels": (10, 4, 0),
    "notebooks/18_forecasts": (3, 3, 1),
    "notebooks/19_confounds": (0, 3, 0),
    "notebooks/08_maze": (3, 8, 1),
    "notebooks/09_pendulum": (3, 6, 2),
    "notebooks/20_all_remedies": (2, 5, 1),
    "notebooks/10_video": (0, 2, 0),
    "notebooks/11_speech": (0, 2, 0),
    "notebooks/12_audit": (1, 5, 0),
    "notebooks/14_your_task": (0, 1, 0),
    "notebooks/21_priors": (2, 4, 0),
    "book/notation": (15, 0, 0),
    "book/claims": (0, 0, 0),
    "book/limits": (0, 0, 0),
    "book/api": (0, 0, 0),
}
WIDE = "*:not(mjx-container, mjx-container *) { font-family: monospace !important; letter-spacing: 0.1em !important; }"
THEMES_OWN = ("Got invalid theme mode",)  # the theme's message on a first visit without stored settings


@pytest.fixture(scope="module")
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium, book):
    """Open a page offline and return it with the console's errors and every request it made."""
    contexts = []

    def go(name, width=1300, scheme="light"):
        context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True)
        contexts.append(context)
        page, errors, requests = context.new_page(), [], []
        page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: errors.append(str(e)))
        page.on("request", lambda r: requests.append(r.url))
        page.goto((book / f"{name}.html").as_uri())
        page.wait_for_load_state("load")
        page.wait_for_function("!window.MathJax || (MathJax.startup && MathJax.startup.promise)")
        page.evaluate("window.MathJax ? MathJax.startup.promise.then(() => 1) : 1")
        return page, [e for e in errors if not e.startswith(THEMES_OWN)], requests

    yield go
    for context in contexts:
        context.close()


@pytest.mark.parametrize("name", PAGES)
def test_page_is_complete_offline(visit, book, name):
    page, errors, requests = visit(name)
    formulas, figures, plots = PAGES[name]
    assert errors == []
    assert all(url.startswith((book.as_uri(), "data:", "blob:")) for url in requests), "a request left the site"
    assert page.locator("mjx-container").count() >= formulas
    assert page.locator("mjx-merror").count() == 0
    assert page.locator("figure.phys svg").count() >= figures
    assert page.locator(".js-plotly-plot .main-svg").count() >= plots


@pytest.mark.parametrize("name", PAGES)
def test_page_fits_a_phone(visit, name):
    """In whatever font the machine has, and in one as wide as any."""
    page, _, _ = visit(name, width=390)
    for font in ("/* its own */", WIDE):
        page.add_style_tag(content=font)
        for width in (390, 360):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("name", [n for n in PAGES if n.startswith("notebooks")])
def test_every_figure_has_words(visit, name):
    page, _, _ = visit(name)
    for figure in page.locator("figure.phys").all():
        label = figure.locator("[role=img]").first.get_attribute("aria-label")
        assert len(label) > 20
        # a figure says which runs it is of; an audit's, which files
        origin = r"Profile (smoke|laptop), seeds [\d, ]+, revision|\d demonstrations\b.*; seed \d"
        assert re.search(origin, figure.locator("figcaption").text_content())
    for image in page.locator("main img").all():
        assert image.get_attribute("alt")
        assert "_images/" not in image.get_attribute("alt")
    assert page.locator("text=Smoke build.").count() == 1


def luminance(colour):
    parts = [float(v) / 255 for v in re.findall(r"[\d.]+", colour)[:3]]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_figures_are_legible_in_both_schemes(visit, scheme):
    page, _, _ = visit("notebooks/18_forecasts", scheme=scheme)
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.wait_for_selector(".js-plotly-plot .main-svg")
    page.wait_for_timeout(500)
    inks = {
        "svg": page.evaluate("getComputedStyle(document.querySelector('figure.phys svg[role=img]')).color"),
        "plotly": page.evaluate("getComputedStyle(document.querySelector('.xtitle')).fill"),
        "caption": page.evaluate("getComputedStyle(document.querySelector('figure.phys figcaption')).color"),
    }
    for name, ink in inks.items():
        high, low = sorted((luminance(ink), luminance(ground)), reverse=True)
        assert (high + 0.05) / (low + 0.05) > 4.5, f"{name} {ink} on {ground}"
    box = "getComputedStyle(document.querySelector('figure.phys').closest('.output')).backgroundColor"
    background = page.evaluate(box)
    assert background in ("rgba(0, 0, 0, 0)", ground)


def test_slider_moves_the_forecast(visit):
    page, _, _ = visit("notebooks/18_forecasts")
    page.wait_for_selector("#forecast-slider .slider-grip-rect")
    read = (
        "[document.querySelector('#forecast-slider').data[0].y, document.querySelector('#forecast-slider').data[1].y]"
    )
    bars, line = page.evaluate(read)
    touch = page.locator("#forecast-slider .slider-rail-touch-rect")
    touch.scroll_into_view_if_needed()
    rail = touch.bounding_box()
    page.mouse.click(rail["x"] + 0.05 * rail["width"], rail["y"] + rail["height"] / 2)
    page.wait_for_timeout(800)
    bars_after, line_after = page.evaluate(read)
    assert bars_after == bars
    assert line_after != line
    title = page.locator("#forecast-slider .gtitle").text_content()
    assert re.match(r"s = 0\.01\d: R2 of the shift", title)


def test_play_moves_the_pendulums_and_pause_stops_them(visit):
    page, _, _ = visit("notebooks/09_pendulum")
    page.wait_for_selector("#pendulum-swing .updatemenu-button")
    read = "document.querySelector('#pendulum-swing').data.at(-1).x.join()"
    play, pause = (page.locator("#pendulum-swing .updatemenu-button", has_text=word) for word in ("play", "pause"))
    before = page.evaluate(read)
    page.wait_for_timeout(300)
    assert page.evaluate(read) == before, "it must not start by itself"
    play.click()
    page.wait_for_function(f"{read} !== '{before}'")
    pause.click()
    page.wait_for_timeout(300)
    stopped = page.evaluate(read)
    page.wait_for_timeout(300)
    assert page.evaluate(read) == stopped


def test_search_works_from_a_file(visit):
    page, errors, _ = visit("search")
    page.goto(page.url + "?q=logistic")
    page.wait_for_selector("#search-results li")
    assert page.locator("#search-results li").count() > 1
    assert errors == []


def test_every_page_was_timed(book):
    timings = json.loads((book / "timings.json").read_text())
    assert {t["page"] for t in timings} == {n.split("/")[1] for n in PAGES if n.startswith("notebooks")}


def test_the_ledger_searches_itself(visit):
    page, errors, _ = visit("book/claims")
    rows = page.locator("#ledger-table tbody tr")
    assert rows.count() > 0
    page.fill("#ledger-search", "c1 tent")
    for row in rows.all():
        assert re.search("C1.*tent", row.inner_text(), re.DOTALL)
    assert rows.count() >= 1
    page.fill("#ledger-search", "no such words")
    assert rows.count() == 0
    assert "0 rows" in page.locator("#ledger-count").inner_text()
    assert errors == []
    assert len(page.locator("main").inner_text().split()) < 2_000


def test_utterances_can_be_heard_offline(visit):
    page, errors, _ = visit("notebooks/11_speech")
    players = page.locator("figure.phys audio")
    assert players.count() == 6
    for player in players.all():
        loaded = """(player) => new Promise((done) => {
            player.oncanplaythrough = () => done(player.duration);
            player.onerror = () => done(-1);
            player.load();
        })"""
        assert 0.3 < player.evaluate(loaded) < 2.0
        assert player.get_attribute("aria-label")
    assert errors == []


def test_the_site_prints_as_one_pdf_with_contents_and_numbers(book, tmp_path):
    names = ["book/intro", "notebooks/06_forecast", "book/limits"]
    count = pdf.make(book, tmp_path / "book.pdf", names)
    bound = PdfReader(tmp_path / "book.pdf")
    assert len(bound.pages) == count
    titles = [item.title for item in bound.outline]
    assert titles == ["Contents", *(pdf.title_of(book / f"{name}.html") for name in names)]
    first = bound.pages[0].extract_text()
    for item in bound.outline[1:]:
        begins = bound.get_destination_page_number(item) + 1
        assert re.search(rf"{re.escape(item.title)}\s*{begins}\b", first)
        assert re.sub(r"^\d+\. ", "", item.title) in bound.pages[begins - 1].extract_text()
    for number, page in enumerate(bound.pages, 1):
        assert page.extract_text().rstrip().endswith(str(number))
    assert (tmp_path / "book.pdf").stat().st_size < 5e6
    with pytest.raises(PhyslibError, match="no site"):
        pdf.make(tmp_path, tmp_path / "none.pdf")
