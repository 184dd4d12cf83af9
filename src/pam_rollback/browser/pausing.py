"""Let time pass while a page goes on, and look again."""

from contextlib import suppress

from playwright.sync_api import Page
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError


def pause(page: Page, milliseconds: float) -> None:
    """What the page tells meanwhile is heard. Playwright's own pause copies the whole page into the trace, twice for every look.

    Raises Playwright's error when the page breaks down.
    """
    with suppress(PlaywrightTimeoutError):
        page.wait_for_event("close", timeout=milliseconds)
