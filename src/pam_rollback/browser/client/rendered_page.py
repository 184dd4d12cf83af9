"""What a page shows once its scripts have run: statements, text and controls that a person can see."""

import time
from contextlib import suppress
from typing import Final

from playwright.sync_api import Locator, Page
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from pam_rollback.browser.client.pausing import pause
from pam_rollback.product.rules.front_page import PageContent, shortcoming_of_rendered

_SEEN: Final = """() => {
  const visible = (part) => part.checkVisibility();
  const words = (part) => part.innerText.replace(/\\s+/g, " ").trim();
  const all = (selector) => [...document.querySelectorAll(selector)].filter(visible);
  return {
    statements: [document.title, ...all("h1, h2, h3, [role=alert]").map(words)],
    text: document.body === null ? "" : words(document.body),
    controls: all("a[href], button, input, textarea, select").length,
  };
}"""
_CALM_WITHIN_S: Final = 3.0
_LOOK_AGAIN_MS: Final = 100


def rendered(page: Page, *, within_s: float) -> PageContent:
    """Read the page once it is calm; one that looks bad is looked at until the time is up, as it may still be loading."""
    end_s = time.monotonic() + within_s
    with suppress(PlaywrightTimeoutError):  # a page that asks for something all the time is never calm
        page.wait_for_load_state("networkidle", timeout=min(_CALM_WITHIN_S, within_s) * 1000)
    while True:
        found = content_of(page)
        if not shortcoming_of_rendered(found) or time.monotonic() > end_s:
            return found
        pause(page, _LOOK_AGAIN_MS)


def heading_of(page: Page) -> Locator:
    """The heading that names the page: of the first level; the first one of all while there is none of that, as on some real pages."""
    named = page.get_by_role("heading", level=1)
    return (named if named.count() else page.get_by_role("heading")).first


def await_heading(page: Page) -> Locator:
    """Wait for a heading, and give the one that names the page.

    Of any level: while a page follows another one, the first-level heading that was there may go, and none come in its place.
    """
    page.get_by_role("heading").first.wait_for()
    return heading_of(page)


def content_of(page: Page) -> PageContent:
    """The page as it is at this moment."""
    seen = page.evaluate(_SEEN)
    return PageContent(tuple(seen["statements"]), seen["text"], controls=seen["controls"])
