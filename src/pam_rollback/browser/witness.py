"""What a browser notices behind the pages of the site, and nobody sees."""

import base64
import hashlib
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Error, Page, Request, Response, WebError

from pam_rollback.browser.driven_page import failure_of, named, pause, without_query
from pam_rollback.browser.journeys import Stopped

_CONTENT = """async (path) => {
  const answer = await fetch(path, { cache: "force-cache" });
  const bytes = new Uint8Array(await answer.arrayBuffer());
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}"""


@dataclass(frozen=True)
class Script:
    """A script or style as the browser got it."""

    path: str
    body: bytes

    @property
    def sha256(self) -> str:
        """The sum of its content."""
        return hashlib.sha256(self.body).hexdigest()


class Served:
    """The scripts and styles that the pages of a context get from the site."""

    def __init__(self, page: Page, address: str) -> None:
        self._origin = origin(address)
        self._page = page
        self._responses: list[Response] = []
        page.on("response", self._remember)

    def scripts(self) -> tuple[Script, ...]:
        """Each as the browser got it. Raises Stopped when one did not come whole."""
        found = []
        for response in self._responses:
            path = urlsplit(response.url).path
            try:
                body = response.body()
            except Error:
                # Firefox gives no body of what its cache or a service worker answered; the page itself gets the same again.
                body = self._again(path)
            found.append(Script(path, body))
        return tuple(found)

    def _again(self, path: str) -> bytes:
        try:
            return base64.b64decode(self._page.evaluate(_CONTENT, path))
        except Error as error:
            words = error.message.splitlines()[0]
            raise Stopped(f"load the page: what {path} contained cannot be read again ({words})") from None

    def forget(self) -> None:
        """Start anew, for the next load."""
        self._responses.clear()

    def _remember(self, response: Response) -> None:
        if response.request.resource_type in {"script", "stylesheet"} and origin(response.url) == self._origin:
            self._responses.append(response)


def origin(url: str) -> str:
    """Scheme, host and port, as a browser writes them."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


_LOOK_AGAIN_MS = 50
_QUIET_S = 0.5
"""A page of parts that are loaded when they are needed asks for its data only when they are there."""
_IDLE = "() => new Promise((done) => (window.requestIdleCallback ?? setTimeout)(done, { timeout: 1000 }))"
"""A page that is never idle does not keep us waiting: whoever asks looks at the clock."""
_QUERY = re.compile(r"(\w+://[^\s?'\"]+)\?[^\s'\"]*")
"""Of an address in a line of the console: a key may stand in it."""
_NEVER_A_PAGE = frozenset({"image", "font", "media", "stylesheet", "script"})
_REFUSALS = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


class Witness:
    """Notices what a person does not see: errors of scripts, requests that fail, answers of the product that are errors."""

    def __init__(self, hosts: frozenset[str]) -> None:
        self._hosts = hosts
        self.pages: list[str] = []
        self.complaints: list[str] = []
        self._refused = False
        self._open: set[Request] = set()
        self._changed_s = 0.0

    def watch(self, context: BrowserContext) -> None:
        """From now on, all pages of the context."""
        for event, handler in self._handlers.items():
            context.on(event, handler)

    def look_away(self, context: BrowserContext) -> None:
        """Not any more: what comes now is not the site's doing but that of whoever takes pictures and closes the window."""
        for event, handler in self._handlers.items():
            context.remove_listener(event, handler)
        self._open.clear()

    def quiet(self, page: Page, *, within_s: float) -> bool:
        """Wait until the page has done what it does when it is opened, so that no error is still to come; False when the time is up.

        Then no request to the product was under way for half a second, and no script is at work.
        """
        began_s = time.monotonic()
        while self._open or time.monotonic() - max(began_s, self._changed_s) < _QUIET_S:
            if time.monotonic() - began_s > within_s:
                return False
            with suppress(Error):  # the page leads elsewhere
                page.evaluate(_IDLE)
            pause(page, _LOOK_AGAIN_MS)
        return True

    @property
    def _handlers(self) -> dict[Any, Any]:
        return {
            "console": self._console,
            "weberror": self._exception,
            "request": self._asked,
            "requestfinished": self._ended,
            "requestfailed": self._failed,
            "response": self._answered,
        }

    def _asked(self, request: Request) -> None:
        if request.is_navigation_request() and request.frame.parent_frame is None:
            self._open.clear()  # what the page before has asked for is given up
        if self._is_ours(request.url):
            self._open.add(request)
            self._changed_s = time.monotonic()

    def _ended(self, request: Request) -> None:
        if request in self._open:
            self._open.discard(request)
            self._changed_s = time.monotonic()

    @contextmanager
    def expecting_refusals(self) -> Iterator[None]:
        """The journey has a session that nobody knows: refusals, and a console full of them, are its own doing."""
        self._refused = True
        try:
            yield
        finally:
            self._refused = False

    def _console(self, message: ConsoleMessage) -> None:
        # A browser writes a line for each answer that is an error, too: those are counted as answers.
        if message.type == "error" and not message.text.startswith("Failed to load resource") and not self._refused:
            self._note("console error: " + _QUERY.sub(r"\1", message.text))

    def _exception(self, error: WebError) -> None:
        self._note(f"script error: {error.error.message}")

    def _failed(self, request: Request) -> None:
        waited_for = (
            request in self._open
        )  # one of a page that was left is given up, by whatever name: by a service worker as failed
        self._ended(request)
        if waited_for and (why := failure_of(request)):
            self._note(f"failed request: {named(request)} ({why})")

    def _answered(self, response: Response) -> None:
        if not self._is_ours(response.url):
            return
        if response.request.resource_type == "document":
            self.pages.append(urlsplit(response.url).path)
        if response.status >= HTTPStatus.BAD_REQUEST and not (self._refused and response.status in _REFUSALS):
            self._note(f"HTTP {response.status}: {response.request.method} {without_query(response.url)}")
        elif response.request.resource_type in _NEVER_A_PAGE and _is_a_page(response):
            self._note(f"no {response.request.resource_type} but a page of HTML: {without_query(response.url)}")

    def _is_ours(self, url: str) -> bool:
        # By name alone: a page that asks the right host at the wrong port is the product's fault, too.
        return urlsplit(url).hostname in self._hosts

    def _note(self, what: str) -> None:
        words = " ".join(what.split())
        if words not in self.complaints:
            self.complaints.append(words)


def _is_a_page(response: Response) -> bool:
    """A host of single-page sites answers what it does not have with the page."""
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return response.status == HTTPStatus.OK and kind == "text/html"
