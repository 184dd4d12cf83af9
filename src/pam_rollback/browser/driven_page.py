"""What a page shows once its scripts have run: statements, text and controls that a person can see."""

import io
import re
import time
from contextlib import suppress
from dataclasses import replace
from typing import Final

from playwright.sync_api import Error, Locator, Page
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.outside_text import cut
from pam_rollback.target.front_page import PageContent, shortcoming_of_rendered


def pause(page: Page, milliseconds: float) -> None:
    """What the page tells meanwhile is heard. Playwright's own pause copies the whole page into the trace, twice for every look.

    Raises Playwright's error when the page breaks down.
    """
    with suppress(PlaywrightTimeoutError):
        page.wait_for_event("close", timeout=milliseconds)


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


_SEEN: Final = """() => {
  const visible = (part) => part.checkVisibility();
  const words = (part) => part.innerText.replace(/\\s+/g, " ").trim();
  const all = (selector) => [...document.querySelectorAll(selector)].filter(visible);
  return {
    statements: [document.title, ...all("h1, h2, h3, [role=alert]").map(words)],
    text: document.body === null ? "" : words(document.body),
    // A link to a part of the page it stands on, such as one that skips the navigation, leads nowhere else.
    controls: all("a[href]:not([href^='#']), a[href^='#/'], button, input, textarea, select").length,
  };
}"""
_MAIN: Final = """() => {
  for (const part of [document.querySelector("main, [role=main]"), document.body]) {
    const box = part?.getBoundingClientRect() ?? new DOMRect();
    const [x, y] = [Math.max(0, box.left), Math.max(0, box.top)];
    const [width, height] = [Math.min(innerWidth, box.right) - x, Math.min(innerHeight, box.bottom) - y];
    if (width >= 1 && height >= 1) return {x, y, width, height};
  }
  return {x: 0, y: 0, width: innerWidth, height: innerHeight};
}"""
_ONE_COLOUR: Final = 4
"""So much may two points of one colour differ, of 256."""
_PAINTED_WITHIN_MS: Final = 5000
_SHOWN_CHARACTERS: Final = 160
_CALM_WITHIN_S: Final = 3.0
_LOOK_AGAIN_MS: Final = 100


def rendered(page: Page, *, within_s: float) -> PageContent:
    """Read the page once it is calm; one that looks bad is looked at until the time is up, as it may still be loading."""
    end_s = time.monotonic() + within_s
    with suppress(PlaywrightTimeoutError):  # a page that asks for something all the time is never calm
        page.wait_for_load_state("networkidle", timeout=min(_CALM_WITHIN_S, within_s) * 1000)
    while True:
        found = content_of(page)
        if not shortcoming_of_rendered(found):
            found = replace(found, painted=is_painted(page))
        if not shortcoming_of_rendered(found) or time.monotonic() > end_s:
            return found
        pause(page, _LOOK_AGAIN_MS)


def is_painted(page: Page) -> bool:
    """Whether the page's main part, as far as it is in the window, is more than one colour: what scripts see, a person may not.

    Something lies over it, or it never fades in. Raises MeasurementFailed where no picture of it can be taken.
    """
    from PIL import Image  # noqa: PLC0415 - for whoever looks at pages

    try:
        box = page.evaluate(_MAIN)
        # Hiding the caret would put a style into the page, which its Content-Security-Policy may refuse.
        picture = page.screenshot(clip=box, caret="initial", timeout=_PAINTED_WITHIN_MS)
    except Error as error:
        why = cut(" ".join(str(error).split()), _SHOWN_CHARACTERS)
        raise MeasurementFailed(
            f"whether anything can be seen at {page.url} is not known: no picture of it: {why}"
        ) from None
    with Image.open(io.BytesIO(picture)) as image:
        bands = image.convert("RGB").split()
        return any(high - low > _ONE_COLOUR for low, high in (band.getextrema() for band in bands))  # type: ignore[operator]


def heading_of(page: Page) -> Locator:
    """The heading that names the page: of the first level; the first one of all while there is none of that, as on some real pages."""
    named = page.get_by_role("heading", level=1)
    return (named if named.count() else page.get_by_role("heading")).first


def content_of(page: Page) -> PageContent:
    """The page as it is at this moment."""
    seen = page.evaluate(_SEEN)
    return PageContent(tuple(seen["statements"]), seen["text"], controls=seen["controls"])
