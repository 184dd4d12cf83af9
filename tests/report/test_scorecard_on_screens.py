"""The report's first page as a browser draws it: for everybody."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from pam_rollback.browser import axe
from pam_rollback.browser.browser import CHROMIUM
from pam_rollback.http.files import REPORTS
from pam_rollback.report import scorecard_page

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
    page = tmp_path / scorecard_page.NAME
    record = request.getfixturevalue(request.param)
    page.write_text(scorecard_page.render(record, pictures={"Load, <latency>": DRAWN}), encoding="utf-8")
    return page


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
