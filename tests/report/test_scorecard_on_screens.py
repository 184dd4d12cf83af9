"""The report's first page as a browser draws it: for everybody, on every screen, and on one sheet of paper."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from pam_rollback.browser import axe
from pam_rollback.browser.browser import CHROMIUM
from pam_rollback.outside.places import REPORTS
from pam_rollback.report import scorecard_page
from pam_rollback.report.run_record import RunRecord

SHEET_PX = (726, 1054)
"""What a browser has of A4 between margins of 9 mm, at 96 pixels an inch."""
DRAWN = b'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><script>console.log("ran")</script></svg>'


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for all pages."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM.path())
        yield browser
        browser.close()


@pytest.fixture(params=["told", "told_red"])
def page_file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Both pages, on the disk."""
    return scorecard_page.write(request.getfixturevalue(request.param), tmp_path, pictures={"Load, <latency>": DRAWN})


def test_a_card_has_the_colour_of_its_own_outcome(chromium: Browser, told_red: RunRecord, tmp_path: Path) -> None:
    """As it is drawn: word and border, in both themes, and the border tells them apart without a colour, too."""
    address = scorecard_page.write(told_red, tmp_path).as_uri()
    drawn = "card => [getComputedStyle(card.querySelector('.word')).color, getComputedStyle(card).borderLeftStyle]"
    for theme, red, amber in (
        ("light", "rgb(168, 7, 26)", "rgb(122, 82, 0)"),
        ("dark", "rgb(255, 154, 148)", "rgb(244, 193, 82)"),
    ):
        page = chromium.new_page(color_scheme=theme)  # type: ignore[arg-type]
        page.goto(address)
        cards = page.locator(".problem")

        assert [cards.nth(place).evaluate(drawn) for place in range(2)] == [[red, "solid"], [amber, "dashed"]]
        page.close()


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_nobody_meets_a_barrier(chromium: Browser, page_file: Path, colours: Any) -> None:
    """By the rules that the product is held against; it asks the network for nothing."""
    context = chromium.new_context(color_scheme=colours)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(page_file.as_uri())

    # The page forbids every script, axe's too: a browser that is told to leave that rule out judges the same page.
    context.close()
    context = chromium.new_context(color_scheme=colours, bypass_csp=True)
    page = context.new_page()
    page.goto(page_file.as_uri())
    found = axe.audit(page, "scorecard", axe.load_rules(REPORTS / "node_modules"))
    context.close()

    assert [url for url in asked if not url.startswith("data:")] == [page_file.as_uri()]
    assert found.violations == (), found


def test_what_a_topic_drew_is_shown(chromium: Browser, page_file: Path) -> None:
    """The page's own policy lets it through, and nothing in it runs."""
    page = chromium.new_page()
    complaints: list[str] = []
    page.on("console", lambda line: complaints.append(line.text))
    page.goto(page_file.as_uri())

    drawn = page.get_by_role("img", name="Load, <latency>")
    expect(drawn).to_be_visible()
    assert drawn.evaluate("image => image.naturalWidth") == 40
    assert complaints == []
    page.close()


@pytest.mark.parametrize("width_px", [390, 640, 1280])
def test_no_screen_is_too_narrow(chromium: Browser, page_file: Path, width_px: int) -> None:
    """A phone shows it without scrolling sideways; wide tables scroll in themselves."""
    page = chromium.new_page(viewport={"width": width_px, "height": 844})
    page.goto(page_file.as_uri())

    assert page.evaluate("document.documentElement.scrollWidth") <= width_px
    page.close()


def test_a_phone_shows_each_verdict(chromium: Browser, page_file: Path) -> None:
    """The last column of the criteria is not what a thumb has to look for."""
    page = chromium.new_page(viewport={"width": 390, "height": 844})
    page.goto(page_file.as_uri())
    words = page.locator("main > .wide td.word")
    right_px = words.evaluate_all("cells => cells.map(cell => cell.getBoundingClientRect().right)")

    assert right_px
    assert max(right_px) <= 390
    page.close()


def test_a_phone_breaks_no_figure_in_two(chromium: Browser, page_file: Path) -> None:
    """Nor the name of a moment: `71.2` and, below it, `4 ms` is another figure."""
    page = chromium.new_page(viewport={"width": 390, "height": 844})
    page.goto(page_file.as_uri())
    cells = page.locator("main > .wide tbody tr > :nth-child(3), section tbody th, main > .wide thead th")
    broken = cells.evaluate_all(
        """cells => cells.filter(cell => [...cell.childNodes].filter(node => node.nodeType === 3).some(node =>
            [...node.data.matchAll(/\\S+/g)].some(({0: word, index}) => {
                const range = document.createRange();
                range.setStart(node, index);
                range.setEnd(node, index + word.length);
                return new Set([...range.getClientRects()].map(box => box.top)).size > 1;
            }))).map(cell => cell.textContent)"""
    )

    assert cells.count() > 10
    assert broken == []
    page.close()


def test_it_fits_on_one_sheet(chromium: Browser, page_file: Path) -> None:
    """What is folded on the screen stays away from paper."""
    page = chromium.new_page(viewport={"width": SHEET_PX[0], "height": SHEET_PX[1]})
    page.emulate_media(media="print")
    page.goto(page_file.as_uri())

    assert page.evaluate("document.documentElement.scrollHeight") <= SHEET_PX[1]
    expect(page.get_by_text("Every figure")).to_be_hidden()
    page.close()


def test_it_is_used_by_keyboard(chromium: Browser, page_file: Path) -> None:
    """Every link, table and folded part is reached by Tab, and what is folded opens by Enter."""
    page = chromium.new_page()
    page.goto(page_file.as_uri())
    summary = page.locator("summary").first
    for _ in range(40):
        page.keyboard.press("Tab")
        if summary.evaluate("element => element === document.activeElement"):
            break
    page.keyboard.press("Enter")

    assert page.locator("details").first.evaluate("element => element.open")
    page.close()
