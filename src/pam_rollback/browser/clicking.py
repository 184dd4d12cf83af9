"""A click as a person makes it: on what can be seen and nothing lies over."""

import re
import time
from typing import Final

from playwright.sync_api import Error, Locator
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

_AT_A_TIME_S: Final = 1.5
_COVERED_S: Final = 12.0
"""Notifications stay 4 or 5 s each, and come one after the other."""
_COVERED: Final = "intercepts pointer events"
_PRESSED: Final = "performing click action"
_COVERS: Final = re.compile(rf"(?P<what><[^<>]*>).* {_COVERED}")


def click(locator: Locator, *, within_s: float) -> None:
    """Click on it as soon as that is possible. Raises Playwright's TimeoutError when it never was.

    What lies over it for a while is waited for longer, and with the pointer somewhere else: a notification stays as long as it is pointed
    at. Only that is tried again: it is pressed once, however long the page is at work then.
    """
    began_s = time.monotonic()
    end_s = began_s + within_s
    while True:
        left_s = end_s - time.monotonic()
        try:
            return locator.click(timeout=max(0.001, min(_AT_A_TIME_S, left_s)) * 1000)
        except PlaywrightTimeoutError as why:
            if _was_pressed(why):
                return None
            if covered_by(why):
                end_s = began_s + max(within_s, _COVERED_S)
            if time.monotonic() >= end_s:
                raise
            locator.page.mouse.move(0, 0)


def _was_pressed(error: Error) -> bool:
    """What Playwright tells of its attempts ends with a press: the page has not come back from it yet."""
    return error.message.rfind(_PRESSED) > error.message.rfind(_COVERED)


def covered_by(error: Error) -> str:
    """The tag of what lay over it until the end; empty when nothing did."""
    over = _COVERS.search(error.message)
    return "" if over is None else over["what"]
