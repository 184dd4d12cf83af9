"""What a page shows once its scripts have run: statements, text and controls that a person can see."""

import io
import time
from contextlib import suppress
from dataclasses import replace
from typing import Final

from playwright.sync_api import Error, Locator, Page
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.outside_text import cut
from pam_rollback.browser.pausing import pause
from pam_rollback.product.front_page import PageContent, shortcoming_of_rendered

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
