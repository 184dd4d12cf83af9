"""Whoever waits for a page looks again and again: that must not fill the trace, and what the page tells meanwhile is heard."""

import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from pam_rollback.browser.browser import launch_arguments
from pam_rollback.browser.driven_page import pause

PAGE = "<h1>Trips</h1><script>setTimeout(() => console.log('later'), 50)</script>"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for all."""
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(**launch_arguments("chromium", own=Path()))


def copies(browser: Browser, file: Path, wait: Callable[[Page], None]) -> tuple[int, list[str]]:
    """How often the page stands in the trace of that wait, and what was heard of its console."""
    context, heard = browser.new_context(), list[str]()
    page = context.new_page()
    page.on("console", lambda message: heard.append(message.text))
    page.set_content(PAGE)
    context.tracing.start(snapshots=True)
    wait(page)
    context.tracing.stop(path=file)
    context.close()
    with zipfile.ZipFile(file) as trace:
        kinds = [json.loads(line)["type"] for line in trace.read("trace.trace").splitlines()]
    return kinds.count("frame-snapshot"), heard


def test_a_pause_leaves_no_page_in_the_trace(browser: Browser, tmp_path: Path) -> None:
    """Playwright's own does."""
    assert copies(browser, tmp_path / "trace.zip", lambda page: pause(page, 200)) == (0, ["later"])
    own, heard = copies(browser, tmp_path / "own.zip", lambda page: page.wait_for_timeout(200))
    assert own > 0
    assert heard == ["later"]
