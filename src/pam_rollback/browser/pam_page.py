"""A tab of PAM's site, found by what a person sees: roles, labels, names, as the product's contract describes them.

What the site does is an observation: a wait that ends without what was hoped for raises ``Stopped`` with a sentence that says where, and
what the page shows instead. A page that is well and has no such element as the contract describes raises ``NotAsDescribed``. Only a
browser that breaks raises Playwright's own error: then nothing is known of the site.
"""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import Final, Literal, TypeVar
from urllib.parse import urlsplit

from playwright.sync_api import Error, Locator, Page
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from pam_rollback.browser.driven_page import click, content_of, covered_by, heading_of, pause, rendered
from pam_rollback.browser.journeys import NotAsDescribed, Noticed, NotLoaded, Stopped, Unreachable
from pam_rollback.browser.site import Site
from pam_rollback.browser.witness import Witness, origin_of
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.outside_text import cut
from pam_rollback.http import pace
from pam_rollback.http.client import all_at_once, fetch
from pam_rollback.target.contract import Element, ElementName
from pam_rollback.target.front_page import PageContent

LATE: Final = "all that it waits for answers over HTTP, so this machine may be too busy to show it"
STREAMS: Final = ("eventsource", "websocket", "ping", "media")
_SENT_ON: Final = ("Accept", "apikey", "Authorization", "Origin", "User-Agent")
"""Headers of the page's own request: a server that hangs for browsers alone hangs here, too."""
_LOADED_MS: Final = 25
_FAILED: Final = 500
T = TypeVar("T")
_LOOK_MS = 1000
_LOOK_AGAIN_MS = 50
_HEADING_GOES_WITHIN_MS = 500
"""One that was seen and cannot be read within that has gone with the page before."""
_SHOWN_CHARACTERS = 160
_UNREACHABLE = re.compile(r"net::ERR_\w+|NS_ERROR_\w+|NS_BINDING_\w+")


def located(page: Page, element: Element, *, hidden_too: bool = False) -> Locator:
    """Where it is, whether it is there or not. ``hidden_too``: also one that nobody can see."""
    place: Page | Locator = page
    if element.within is not None:
        place = page.get_by_role(element.within, include_hidden=hidden_too)
    pattern = None if element.name_matches is None else re.compile(element.name_matches)
    if element.selector is not None:
        found = place.locator(element.selector)
    elif element.role is not None:
        found = place.get_by_role(element.role, name=pattern or element.name, include_hidden=hidden_too)
    else:
        found = place.get_by_label(pattern or element.label or "")
    return found if element.items is None else found.get_by_role(element.items, include_hidden=hidden_too)


class PamPage:
    """One tab: how something is found in it, gone to and waited for. No step takes longer than the site has for one."""

    def __init__(self, page: Page, site: Site, noticed: Noticed | None = None) -> None:
        """``noticed``: where it is told what a person does not see."""
        self.page = page
        self.site = site
        self.witness = Witness(page, site.hosts | {urlsplit(site.address).hostname or ""}, noticed)
        self.opened = ""
        page.set_default_timeout(site.within_s * 1000)
        page.set_default_navigation_timeout(site.within_s * 1000)

    def open(self, path: str) -> str:
        """Open a page and wait until it has its heading; gives that."""

        def load() -> str:
            self.go(path, wait_until="domcontentloaded")
            return self.heading()

        return self._load(f"open {path}", "no page with a heading", load)

    def rendered(self, path: str) -> PageContent:
        """Open a page and give what it shows, whatever that is."""

        def load() -> PageContent:
            self.go(path, wait_until="load")
            return rendered(self.page, within_s=self.site.within_s)

        return self._load(f"open {path}", "it goes on loading", load)

    def reload(self) -> None:
        """Load the page again."""

        def load() -> str:
            self.load_again()
            return self.heading()

        self._load("load the page again", "no page with a heading", load)

    def go(self, path: str, *, wait_until: Literal["domcontentloaded", "load"]) -> None:
        """Go to a page by its address, and wait for no more than that."""
        self.opened = self.site.address + path
        pace.before_page()
        self.page.goto(self.opened, wait_until=wait_until)

    def load_again(self) -> None:
        """Load the page again, and wait for no more than that."""
        pace.before_page()
        self.page.reload(wait_until="domcontentloaded")

    def _load(self, what: str, missing: str, load: Callable[[], T], *works_with: ElementName) -> T:
        """Load a page; once more where it was late. Raises NotLoaded where it was late again, else as every step does."""
        with suppress(NotLoaded), self._step(what, missing, *works_with, loads=True):
            return load()
        with self._step(what, missing, *works_with, loads=True):
            return load()

    @property
    def is_late(self) -> bool:
        """The page is still being loaded, and nothing that it waits for keeps it from that: all of it answers without a browser.

        What was opened is asked where everything was answered and the page is not there all the same.
        """
        pending = [request for request in self.witness.under_way if request.resource_type not in STREAMS]
        if any(request.method != "GET" for request in pending) or (not pending and self._is_loaded):
            return False
        asked = {request.url: {name: request.headers.get(name.lower(), "") for name in _SENT_ON} for request in pending}
        calls = {
            url: partial(fetch, url, headers=headers, deadline_s=self.site.within_s)
            for url, headers in (asked or {self.opened or self.page.url: {}}).items()
        }
        answers = all_at_once(calls).values()
        return all(answer.http_status is not None and answer.http_status < _FAILED for answer in answers)

    @property
    def _is_loaded(self) -> bool:
        try:
            self.page.wait_for_load_state("load", timeout=_LOADED_MS)
        except PlaywrightTimeoutError:
            return False
        return True

    def reach(self, path: str) -> str:
        """Open a page; where its address leads elsewhere, go there by the site's own link. Gives its heading."""
        heading = self.open(path)
        link = self.page.locator(f'a[href="{path}"]:visible')
        if self.is_at(path) or not link.count():
            return heading
        return self._by_link(link, path)

    def _by_link(self, link: Locator, path: str) -> str:
        with self._step(f"go to {path}", "no page with a heading", loads=True):
            click(link.first, within_s=self.site.within_s)
            self.page.wait_for_url(self.site.address + path, wait_until="commit")
            return self.heading()

    def heading(self) -> str:
        """The page's heading, once it is there: of the first level, or the first that there is where a page has none of that."""
        end_s = time.monotonic() + self.site.within_s
        while True:
            try:
                # Of any level: while a page follows another one, the first-level heading that was there may go, and none come.
                self.page.get_by_role("heading").first.wait_for()
                return heading_of(self.page).inner_text(timeout=_HEADING_GOES_WITHIN_MS)
            except PlaywrightTimeoutError:
                if time.monotonic() > end_s:
                    raise

    def follow(self, path: str) -> str:
        """Go to a page by the site's own link, as a person does, or by its address where there is none; gives its heading."""
        link = self.page.get_by_role("navigation").locator(f'a[href="{path}"]')
        return self._by_link(link, path) if link.count() else self.open(path)

    def loaded(self) -> None:
        """Wait until all that belongs to the page is there."""
        with self._step("load the page", "it goes on loading", loads=True):
            self.page.wait_for_load_state("load")

    def await_quiet(self) -> None:
        """Wait until it has done what it does when it is opened. Raises Stopped, or NotLoaded, where it goes on waiting for answers."""
        if not self.witness.quiet(within_s=self.site.within_s):
            stopped = NotLoaded if self.is_late else Stopped
            raise stopped(
                f"open {urlsplit(self.page.url).path}: it still waits for answers after {self.site.within_s:g} s"
            )

    def files(self) -> Mapping[str, str]:
        """Return the sum of each script and style of the site, as the browser got it. Raises Stopped when one did not come whole."""
        return self.witness.files(origin_of(self.site.address))

    def release(self) -> str:
        """The release that the page names itself; empty when it names none."""
        with self._step("read the page's release", "the page cannot be read"):
            meta = self.page.locator('meta[name="pam-release"]')
            return (meta.first.get_attribute("content") or "") if meta.count() else ""

    def await_worker(self) -> None:
        """Wait until the site's service worker, where it has one, answers this page's requests; no longer than for a step."""
        if self.page.evaluate("async () => (await navigator.serviceWorker?.getRegistration()) !== undefined"):
            self.until(lambda: bool(self.page.evaluate("() => navigator.serviceWorker.controller !== null")))

    def find(self, name: ElementName) -> Locator:
        """By the contract of the product. Raises MeasurementFailed where that does not describe it: nothing is known of it then."""
        if name not in self.site.elements:
            raise MeasurementFailed(f"the contract of the product describes no {name!r}: see its [elements]")
        return located(self.page, self.site.elements[name])

    def await_element(self, name: ElementName, what: str) -> Locator:
        """The element, once it can be seen. Raises Stopped, or NotAsDescribed, with what was to be done."""
        with self._step(what, f"no {name}", name):
            self.find(name).first.wait_for()
        return self.find(name).first

    def is_at(self, path: str) -> bool:
        """Whether the tab shows this address."""
        return urlsplit(self.page.url).path.rstrip("/") == path.rstrip("/") and self.page.url.startswith("http")

    def until(self, holds: Callable[[], bool], *, within_s: float = 0, every_ms: float = _LOOK_AGAIN_MS) -> bool:
        """Look until it holds; False when that time, or else that of a step, is up."""
        end_s = time.monotonic() + (within_s or self.site.within_s)
        while not holds():
            if time.monotonic() > end_s:
                return False
            pause(self.page, every_ms)
        return True

    @contextmanager
    def _step(self, what: str, missing: str, *works_with: ElementName, loads: bool = False) -> Iterator[None]:
        """Turn a time-out into a sentence, and a site that cannot be reached into Unreachable. One that ``loads`` may be late.

        Where one of the elements that the step works with was never found on a page that is well, that says nothing of the site.
        """
        try:
            yield
        except PlaywrightTimeoutError as error:
            if loads and self.is_late:
                raise NotLoaded(f"{what}: it was not loaded within {self.site.within_s:g} s; {LATE}") from None
            over = covered_by(error)
            if over:
                shown = self.shown()
                raise Stopped(f"{what}: {over} lies over it and does not go away; the page shows: {shown}") from None
            because = self._refuse_when_not_as_described(what, works_with)
            seen = f"the page shows: {self.shown()}{because}"
            raise Stopped(f"{what}: {missing} within {self.site.within_s:g} s; {seen}") from None
        except Error as error:
            found = _UNREACHABLE.search(error.message)
            if found is None:
                raise
            raise Unreachable(f"{what}: {self.site.address} could not be reached ({found.group()})") from None

    def _either(self, hoped_for: Locator, what: str) -> None:
        """Wait for it; or end at once when the page says that something went wrong."""
        alert = self.page.get_by_role("alert")
        end_s = time.monotonic() + self.site.within_s
        hoped_for.or_(alert.first).first.wait_for()
        while not hoped_for.first.is_visible():
            words = " ".join(" ".join(alert.all_inner_texts()).split())
            if words:
                raise Stopped(f"{what}: the page says: {cut(words, _SHOWN_CHARACTERS)}")
            if time.monotonic() > end_s:
                hoped_for.first.wait_for(timeout=_LOOK_AGAIN_MS)
            pause(self.page, _LOOK_AGAIN_MS)

    def _message_comes_up(self, what: str, before: PageContent | None) -> None:
        """Wait for its field. ``before``: the page when something was pressed; if nothing changed, the page is broken, not another one."""
        try:
            self.find("message").wait_for()
        except PlaywrightTimeoutError:
            if content_of(self.page) == before:
                pressed = f"the press changed nothing within {self.site.within_s:g} s"
                raise Stopped(f"{what}: {pressed}; the page shows: {self.shown()}") from None
            raise

    def _refuse_when_not_as_described(self, what: str, works_with: Iterable[ElementName]) -> str:
        """Raises NotAsDescribed where the page is well and one of them is not on it; else what is wrong with the page, where known."""
        try:
            lost = next((name for name in works_with if not self.find(name).first.is_visible()), None)
            if lost is None:
                return ""
            hidden = located(self.page, self.site.elements[lost], hidden_too=True).count() > 0
            broken = self.witness.wrong_with_page(hidden=hidden)
        except Error:  # it goes elsewhere at this very moment
            return ""
        if not broken:
            raise NotAsDescribed(self._changed(what, lost))
        return f" ({broken})"

    def _refuse_when_elsewhere(self, text: str, name: ElementName, what: str) -> None:
        """Raises NotAsDescribed where the page shows this text, and not where the contract says that it would be."""
        if not self.find(name).filter(has_text=text).count() and self.page.get_by_text(text).first.is_visible():
            raise NotAsDescribed(self._changed(what, name))

    def _changed(self, what: str, name: ElementName) -> str:
        described = self.site.elements[name].model_dump(exclude_none=True)
        words = ", ".join(f'{key} = "{value}"' for key, value in described.items())
        where = urlsplit(self.page.url).path
        return (
            f"{what}: {name} ({words}) was never found on {where}, which is well otherwise: the page has changed, or the contract; "
            f"the page shows: {self.shown()}"
        )

    def shown(self) -> str:
        """Return the start of what a person sees, on one line."""
        try:
            alert = self.page.get_by_role("alert")
            main = self.page.get_by_role("main")
            what = alert.first if alert.count() else main.first if main.count() else self.page.locator("body")
            words = " ".join(what.inner_text(timeout=_LOOK_MS).split())
        except Error:
            return "nothing that can be read"
        return cut(words, _SHOWN_CHARACTERS) or "an empty page"
