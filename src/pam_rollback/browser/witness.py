"""What a browser notices behind the pages of the site, and nobody sees: the one listener that a tab has."""

import base64
import hashlib
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Error, Page, Request, Response, WebError

from pam_rollback.browser.driven_page import content_of, pause
from pam_rollback.browser.journeys import Noticed, Stopped
from pam_rollback.core.outside_text import cut
from pam_rollback.http import pace
from pam_rollback.target.chat_answer import said_on_socket
from pam_rollback.target.front_page import shortcoming_of_rendered

_CONTENT: Final = """async (path) => {
  const answer = await fetch(path, { cache: "force-cache" });
  const bytes = new Uint8Array(await answer.arrayBuffer());
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}"""
_GIVEN_UP: Final = ("ERR_ABORTED", "NS_BINDING_ABORTED", "NS_ERROR_ABORT")
"""What a request that the page or the browser itself gave up looks like: nobody failed."""
_NEEDED: Final = frozenset({"document", "script", "stylesheet", "fetch", "xhr"})
"""What a page cannot do without. A picture or a font that is missing breaks none."""
_NEVER_A_PAGE: Final = frozenset({"image", "font", "media", "stylesheet", "script"})
_REFUSALS: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_SIGN_CHARACTERS: Final = 120
_LOOK_AGAIN_MS: Final = 50
_QUIET_S: Final = 0.5
"""A page of parts that are loaded when they are needed asks for its data only when they are there."""
_IDLE: Final = "() => new Promise((done) => (window.requestIdleCallback ?? setTimeout)(done, { timeout: 1000 }))"
"""A page that is never idle does not keep us waiting: whoever asks looks at the clock."""
_QUERY: Final = re.compile(r"(\w+://[^\s?'\"]+)\?[^\s'\"]*")
"""Of an address in a line of the console: a key may stand in it."""


class Witness:
    """Listens to the window of one tab: what it asks for, what fails, and what its scripts complain of.

    What third parties answer is not the page's doing: only requests to the product's hosts count. By name alone: a page that asks the right
    host at the wrong port is the product's fault, too.
    """

    def __init__(self, page: Page, hosts: frozenset[str], noticed: Noticed | None = None) -> None:
        self._page = page
        self._hosts = hosts
        self._noticed = Noticed() if noticed is None else noticed
        self._under_way: dict[Request, None] = {}
        self.leaves_out: Callable[[Request], bool] = lambda _: False
        """What is not waited for: somebody holds it."""
        self._changed_s = 0.0
        self._failed: list[str] = []
        """Since the page was opened, of what it cannot do without."""
        self._files: list[Response] = []
        self.answers: list[Response | dict[str, Any]] = []
        """To posts, and what was said on a WebSocket, while somebody listened."""
        self.met_limit = False
        """The service said meanwhile that it was asked too much."""
        self._listens = False
        self._paced = pace.is_held()
        self._handlers: dict[Any, Any] = {
            "console": self._console,
            "weberror": self._broke,
            "request": self._asked,
            "requestfinished": self._ended,
            "requestfailed": self._gave_up,
            "response": self._answered,
        }
        for event, handler in self._handlers.items():
            page.context.on(event, handler)
        page.on("response", self._keep)  # not what a service worker asks for by itself
        page.on("websocket", lambda socket: socket.on("framereceived", self._heard))

    def look_away(self) -> None:
        """Listen no more: what comes now is not the site's doing but that of whoever takes pictures and closes the window."""
        for event, handler in self._handlers.items():
            self._page.context.remove_listener(event, handler)
        self._under_way.clear()

    def wrong_with_page(self, *, hidden: bool) -> str:
        """Return what is wrong with the page itself, when the wait for one of its elements is over; empty when nothing is.

        ``hidden``: the element is in the page, and nobody can see it. Raises Playwright's error when the page cannot be read.
        """
        if shortcoming := shortcoming_of_rendered(content_of(self._page)):
            return shortcoming
        if hidden:
            return "it is in the page, and cannot be seen"
        unanswered = [f"still no answer to {named(request)}" for request in self._under_way if self.needs(request)]
        return next(iter([*self._failed, *unanswered]), "")

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Meanwhile what the service answers is remembered."""
        self.answers.clear()
        self.met_limit, self._listens = False, True
        try:
            yield
        finally:
            self._listens = False

    @property
    def under_way(self) -> tuple[Request, ...]:
        """What was asked for and has not been answered."""
        return tuple(self._under_way)

    def pass_over(self, requests: Iterable[Request]) -> None:
        """Wait for these no longer."""
        for request in requests:
            self._under_way.pop(request, None)

    @property
    def waits(self) -> bool:
        """One of the requests that the page needs has no answer yet."""
        return any(map(self.needs, self._under_way))

    def needs(self, request: Request) -> bool:
        """Whether the page needs it, and the product answers it."""
        return request.resource_type in _NEEDED and self._is_ours(request.url)

    def forget_failures(self) -> None:
        """What failed so far was not the page's fault."""
        self._failed.clear()

    def forget_files(self) -> None:
        """Start anew, for the next load."""
        self._files.clear()

    def files(self, origin: str) -> Mapping[str, str]:
        """Return the sum (SHA-256) of each script and style from there, as the browser got it, by its path.

        Raises Stopped when one did not come whole.
        """
        found = {}
        for response in self._files:
            if origin_of(response.url) != origin:
                continue
            path = urlsplit(response.url).path
            try:
                body = response.body()
            except Error:
                # Firefox gives no body of what its cache or a service worker answered; the page itself gets the same again.
                body = self._again(path)
            found[path] = hashlib.sha256(body).hexdigest()
        return found

    def _again(self, path: str) -> bytes:
        try:
            return base64.b64decode(self._page.evaluate(_CONTENT, path))
        except Error as error:
            words = error.message.splitlines()[0]
            raise Stopped(f"load the page: what {path} contained cannot be read again ({words})") from None

    def quiet(self, *, within_s: float) -> bool:
        """Wait until the page has done what it does when it is opened, so that no error is still to come; False when the time is up.

        Then no request to the product was under way for half a second, and no script is at work.
        """
        began_s = time.monotonic()
        while self._waits_for_ours or time.monotonic() - max(began_s, self._changed_s) < _QUIET_S:
            if time.monotonic() - began_s > within_s:
                return False
            with suppress(Error):  # the page leads elsewhere
                self._page.evaluate(_IDLE)
            pause(self._page, _LOOK_AGAIN_MS)
        return True

    @property
    def _waits_for_ours(self) -> bool:
        return any(self._is_ours(request.url) for request in self._under_way)

    def _asked(self, request: Request) -> None:
        if self._paced:
            headers = request.headers
            pace.saw_request(request.url, headers.get("authorization", ""), headers.get("user-agent", ""))
        if request.is_navigation_request() and request.frame.parent_frame is None:
            self._failed.clear()
            self._under_way.clear()  # what the page before has asked for is given up
        if not self.leaves_out(request):
            self._under_way[request] = None
        if self._is_ours(request.url):
            self._changed_s = time.monotonic()

    def _ended(self, request: Request) -> bool:
        """Whether it was waited for, and not by a page that was left meanwhile."""
        if request not in self._under_way:
            return False
        del self._under_way[request]
        if self._is_ours(request.url):
            self._changed_s = time.monotonic()
        return True

    def _gave_up(self, request: Request) -> None:
        waited_for, why = self._ended(request), _failure_of(request)
        if not why or not self._is_ours(request.url):
            return
        words = f"failed request: {named(request)} ({why})"
        if self.needs(request):
            self._failed.append(words)
        if waited_for:  # one of a page that was left is given up, by whatever name: by a service worker as failed
            self._noticed.note(words)

    def _keep(self, response: Response) -> None:
        request = response.request
        if request.resource_type in {"script", "stylesheet"}:
            self._files.append(response)
        if self._listens and request.method == "POST":
            if response.ok:
                self.answers.append(response)
            elif response.status == HTTPStatus.TOO_MANY_REQUESTS:
                self.met_limit |= self.needs(request)

    def _answered(self, response: Response) -> None:
        request, kind = response.request, response.request.resource_type
        if not self._is_ours(response.url):
            return
        if kind == "document":
            self._noticed.pages.append(urlsplit(response.url).path)
        if response.status >= HTTPStatus.BAD_REQUEST:
            words = f"HTTP {response.status}: {named(request)}"
            if kind in _NEEDED:
                self._failed.append(words)
            if not (self._noticed.refusals_expected and response.status in _REFUSALS):
                self._noticed.note(words)
        elif kind in _NEVER_A_PAGE and _is_a_page(response):
            self._noticed.note(f"no {kind} but a page of HTML: {_without_query(response.url)}")

    def _heard(self, frame: str | bytes) -> None:
        if self._listens and (said := said_on_socket(frame)) is not None:
            self.answers.append(said)

    def _broke(self, error: WebError) -> None:
        words = " ".join(error.error.message.split())
        self._failed.append(f"script error: {cut(words, _SIGN_CHARACTERS)}")
        self._noticed.note(f"script error: {words}")

    def _console(self, message: ConsoleMessage) -> None:
        # A browser writes a line for each answer that is an error, too: those are counted as answers.
        if message.type != "error" or message.text.startswith("Failed to load resource"):
            return
        if not self._noticed.refusals_expected:
            self._noticed.note("console error: " + _QUERY.sub(r"\1", message.text))

    def _is_ours(self, url: str) -> bool:
        return urlsplit(url).hostname in self._hosts


def origin_of(url: str) -> str:
    """Return scheme, host and port, as a browser writes them."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def named(request: Request) -> str:
    """Return the request's method, and its address without what a key may stand in."""
    return f"{request.method} {_without_query(request.url)}"


def _without_query(url: str) -> str:
    return origin_of(url) + urlsplit(url).path


def _failure_of(request: Request) -> str:
    """Why the request failed; empty for one that was given up."""
    why = request.failure or "no reason given"
    return "" if any(word in why for word in _GIVEN_UP) else why


def _is_a_page(response: Response) -> bool:
    """A host of single-page sites answers what it does not have with the page."""
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return response.status == HTTPStatus.OK and kind == "text/html"
