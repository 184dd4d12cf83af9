"""A click as a person makes it: on what can be seen and nothing lies over."""

import re
import time
from typing import Final

from playwright.sync_api import Error, Locator
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

_AT_A_TIME_S: Final = 1.5
_COVERS: Final = re.compile(r"(?P<what><[^<>]*>).* intercepts pointer events")


def click(locator: Locator, *, within_s: float) -> None:
    """Click on it as soon as that is possible. Raises Playwright's TimeoutError when it never was.

    What lies over it for a while is waited for with the pointer somewhere else: a notification stays as long as it is pointed at.
    """
    end_s = time.monotonic() + within_s
    while True:
        left_s = end_s - time.monotonic()
        try:
            return locator.click(timeout=max(0.001, min(_AT_A_TIME_S, left_s)) * 1000)
        except PlaywrightTimeoutError:
            if left_s <= _AT_A_TIME_S:
                raise
            locator.page.mouse.move(0, 0)


def covered_by(error: Error) -> str:
    """The tag of what lay over it until the end; empty when nothing did."""
    over = _COVERS.search(error.message)
    return "" if over is None else over["what"]
