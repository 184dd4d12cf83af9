"""The states of the site in which somebody may meet a barrier, and how to get there without changing anything.

The message of the chat is typed and sent, but caught in the browser: it never reaches the service. A state counts as reached when its
own content can be seen; an empty page, an alert in its place or the page for unknown addresses is a finding.
"""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import Error, Locator, Page, Request, Route, WebSocketRoute
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from pam_rollback.browser.accessibility import PUBLIC_STATES
from pam_rollback.browser.driven_page import click, covered_by, heading_of
from pam_rollback.browser.journeys import NotLoaded, Stopped
from pam_rollback.browser.pam_page import LATE, STREAMS
from pam_rollback.browser.pam_site import PamSite
from pam_rollback.browser.site import Site
from pam_rollback.core.errors import MeasurementFailed

_READS: Final = ("GET", "HEAD", "OPTIONS")
_NO_ANSWER: Final = json.dumps({"type": "error", "error": True, "message": "PAM cannot be reached."})
"""What a service says on a WebSocket when it has no answer; ``said_on_socket`` knows it by the same type."""


class HeldQuestion:
    """Holds the question once the page sends it. What else the page asks of the product is let through as long as it only reads."""

    def __init__(self, page: Page, site: Site) -> None:
        self._site = site
        self._held: list[Callable[[], object]] = []
        """Each ends the wait of the page without an answer."""
        self._refused = False
        page.route(lambda url: url.startswith(site.services), self._let_through)
        page.route_web_socket(lambda _: True, self._watch)

    @property
    def is_held(self) -> bool:
        """The page has sent it."""
        return bool(self._held)

    def holds(self, request: Request) -> bool:
        """Whether this is how the page posts it: it gets no answer for as long as it is held."""
        return request.method == "POST" and urlsplit(request.url).path == self._site.chat_path

    def release(self) -> None:
        """Forget it; a page that still waits is told that there is no answer."""
        self._refused = False
        self._end()

    def refuse(self) -> None:
        """No answer to it, however often and by whatever way the page tries again."""
        self._refused = True
        self._end()

    def _end(self) -> None:
        while self._held:
            self._held.pop()()

    def _hold(self, end: Callable[[], object]) -> None:
        if self._refused:
            end()
        else:
            self._held.append(end)

    def _let_through(self, route: Route, request: Request) -> Any:
        if self.holds(request):
            return self._hold(route.abort)
        if request.method in _READS or urlsplit(request.url).path == self._site.login_path:
            return route.continue_()
        return route.abort()

    def _watch(self, socket: WebSocketRoute) -> None:
        """Greetings and signs of life pass in both directions, so that the page takes itself for connected."""
        server = socket.connect_to_server()

        def pass_on(said: str | bytes) -> None:
            words = said if isinstance(said, str) else said.decode(errors="replace")
            if QUESTION in words:
                self._hold(lambda: socket.send(_NO_ANSWER))
            else:
                server.send(said)

        socket.on_message(pass_on)


QUESTION: Final = "Is there a quiet campground by the sea?"
NOBODY: Final = "nobody@example.invalid"
"""Not the test account: failed attempts could lock it."""

ALERT: Final = "[role=alert]:visible"
DIALOG: Final = "[role=dialog]:visible, [role=alertdialog]:visible, dialog[open]:visible"
NO_SUCH_PAGE: Final = "/no-such-page-of-the-rollback-checks"

_CHAT_OPEN: Final = "chat-open"
_COMES_FROM: Final[Mapping[str, str]] = {
    "login-error": "login",
    "chat": _CHAT_OPEN,
    "chat-dialog": _CHAT_OPEN,
    "chat-thinking": _CHAT_OPEN,
    "chat-error": "chat-thinking",
}
_MEANT_TO_ALERT: Final = ("login-error", "chat-error")

_PAUSE_MS: Final = 25
_CALM_ROUNDS: Final = 3
_DOUBTED_AFTER_S: Final = 1.0


class _LedToSignIn(Stopped):
    """A page of a person was asked for, and the one that asks to sign in came."""


class Visit:
    """One page of a browser. ``reach`` brings it into a state and gives the content by which that state is known.

    A state that comes from another one goes on from there, so that the states of ``rules.accessibility.STATES``, in their order, need
    few loads.
    """

    def __init__(self, page: Page, site: Site) -> None:
        self.page = page
        self._site = site
        self._person = PamSite(page, site)
        self._doubted: set[Request] = set()
        """What was told of before the page was loaded: the page before may have asked for it."""
        self._question = HeldQuestion(page, site)
        self._person.witness.leaves_out = self._question.holds
        self._now = ""
        self._failed: dict[str, Exception] = {}
        self._signed_in_anew = False
        """A session may be lost once: whoever signs out elsewhere may end all of the account's."""
        self._elsewhere = ""
        """The heading of the page for unknown addresses."""
        page.on("load", self._loaded)
        self._ways: dict[str, Callable[[], Locator]] = {
            "login": self._login,
            "login-error": self._login_error,
            "not-found": self._not_found,
            _CHAT_OPEN: self._open_chat,
            "chat": self._messages_there,
            "chat-dialog": self._chat_dialog,
            "chat-thinking": self._chat_thinking,
            "chat-error": self._chat_error,
        }
        """To each state that is not simply a page by its address."""

    def reach(self, state: str) -> Locator:
        """Show the state. Raises Stopped with what the site did instead, MeasurementFailed when nothing can be said of the site."""
        if state in self._failed:
            raise self._failed[state]
        try:
            own = self._show(state)
        except (Stopped, MeasurementFailed) as problem:
            self._failed[state] = problem
            # A form that went by itself meanwhile was seen all the same: on a busy machine it is gone before anybody asks for it.
            led_there = isinstance(problem, _LedToSignIn) and self._can_sign_in
            if state in PUBLIC_STATES or not (led_there or self._asks_to_sign_in):
                raise
            if self._signed_in_anew:
                self._failed[state] = Stopped(f"signed out, also after signing in anew once: {problem}")
                raise self._failed[state] from None
            self._sign_in_anew()
            for lost in (state, _COMES_FROM.get(state, "")):
                self._failed.pop(lost, None)
            return self.reach(state)
        # Nothing was pressed to see the messages: the other states of the chat go on from here.
        self._now = _CHAT_OPEN if state == "chat" else state
        return own

    def _show(self, state: str) -> Locator:
        before = _COMES_FROM.get(state, "")
        if self._now == "chat-dialog" and before == _CHAT_OPEN:
            self.page.keyboard.press("Escape")
            self._now = before
        if before and self._now != before:
            self.reach(before)
        self._now = ""
        try:
            way = self._ways.get(state)
            own = way() if way is not None else self._own_page(getattr(self._site.pages, state))
            self._calm()
            if state not in _MEANT_TO_ALERT and self.page.locator("main").locator(ALERT).count():
                raise Stopped(self._with_what_is_shown("an alert stands in its place"))
        except PlaywrightTimeoutError as error:
            raise self._stopped(error.message.splitlines()[0]) from None
        except Error as error:
            raise Stopped(self._with_what_is_shown(error.message.splitlines()[0])) from None
        return own

    def _stopped(self, what: str) -> Stopped:
        """Say what was not there within its time: that the page is late, or what is shown instead."""
        return NotLoaded(f"{what}; {LATE}") if self._person.is_late else Stopped(self._with_what_is_shown(what))

    def _with_what_is_shown(self, what: str) -> str:
        return f"{what}; the page shows: {self._person.shown()}"

    @property
    def _asks_to_sign_in(self) -> bool:
        if not self._can_sign_in:
            return False
        try:
            return self._person.find("password").first.is_visible()
        except Error:  # a page that broke down asks for nothing
            return False

    def _sign_in_anew(self) -> None:
        """Unless the form goes by itself: some pages show it until they know who is there."""
        self._signed_in_anew = True
        try:
            self._person.find("password").first.wait_for(state="hidden")
        except PlaywrightTimeoutError:
            self.sign_in()

    @property
    def _can_sign_in(self) -> bool:
        return bool(self._site.email) and "password" in self._site.elements

    def sign_in(self) -> None:
        """As the environment's test account. Raises Stopped, and MeasurementFailed when there were too many sign-ins."""
        if "login" in self._failed:
            raise self._failed["login"]
        self._now = ""
        self._person.sign_in()

    def leave(self) -> None:
        """Let go of what is held."""
        self._question.release()

    # ------------------------------------------------------------ the states

    def _login(self) -> Locator:
        self._goto(self._site.pages.login)
        return self._person.await_element("password", "sign in")

    def _login_error(self) -> Locator:
        self._person.await_element("email", "sign in").fill(NOBODY)
        password = self._person.await_element("password", "sign in")
        password.fill("not a password of anybody")
        password.press("Enter")
        return self._wait_for(self.page.locator(ALERT), "an alert about the wrong password")

    def _not_found(self) -> Locator:
        self._goto(NO_SUCH_PAGE)
        heading = self._wait_for(heading_of(self.page), "the page for unknown addresses")
        self._elsewhere = heading.inner_text()
        return heading

    def _own_page(self, path: str) -> Locator:
        self._goto(path)
        heading = self._heading_when_calm()
        if not self._person.is_at(path) and self.page.locator(f'a[href="{path}"]').count():
            # Whoever opens it afresh is led elsewhere; people get there by a link.
            self._follow(path)
            self.page.wait_for_url(self._site.address + path, wait_until="commit")
            heading = self._heading_when_calm()
        here = urlsplit(self.page.url).path
        if here != path:
            to_sign_in = here == urlsplit(self._site.pages.login).path
            raise (_LedToSignIn if to_sign_in else Stopped)(self._with_what_is_shown(f"{path} led to {here}"))
        if self._elsewhere and heading.inner_text() == self._elsewhere:
            raise Stopped(self._with_what_is_shown(f"{path} shows the page for unknown addresses"))
        return heading

    def _open_chat(self) -> Locator:
        self._goto(self._site.pages.chat)
        self._person.open_chat()
        return self._person.find("message").first

    def _messages_there(self) -> Locator:
        if not self._person.lists_messages:
            return self._person.find("message").first
        messages = self._person.find("messages")
        if messages.count() == 0:
            raise MeasurementFailed(
                "the test account's chat has no messages, so nothing can be said of how they are shown; send one"
            )
        return self._wait_for(messages.last, "the earlier messages")

    def _chat_dialog(self) -> Locator:
        click(self._person.await_element("clear_chat", "clear the chat"), within_s=self._site.within_s)
        return self._wait_for(self.page.locator(DIALOG), "the dialog that asks before the chat is cleared")

    def _chat_thinking(self) -> Locator:
        message = self._person.await_element("message", "ask PAM")
        message.fill(QUESTION)
        message.press("Enter")
        if not self._person.until(lambda: self._question.is_held):
            nothing = (
                f"nothing was sent to {self._site.chat_path}, nor said on a WebSocket, within {self._site.within_s:g} s"
            )
            raise Stopped(self._with_what_is_shown(f"a message was typed and Enter pressed, but {nothing}"))
        place = self._person.find("messages") if self._person.lists_messages else self.page.locator("body")
        return self._wait_for(place.get_by_text(QUESTION).last, "the message that was sent")

    def _chat_error(self) -> Locator:
        self._question.refuse()
        return self._wait_for(self._person.find("chat_error"), "an alert that PAM did not answer")

    # ------------------------------------------------------------ what they have in common

    def _heading_when_calm(self) -> Locator:
        """The heading of a page that has done what it does at first: some show a page, and lead elsewhere once they know who asks."""
        self._wait_for(self.page.get_by_role("heading"), "the page's heading")
        self._calm()
        return self._wait_for(heading_of(self.page), "the page's heading")

    def _follow(self, path: str) -> None:
        """Click on a link that can be seen, as a person does. Raises Stopped when something lies over each of them.

        On a phone links may be in a menu that is closed now, or beside the screen: how it opens nobody has described.
        """
        links = self.page.locator(f'a[href="{path}"]')
        covered = ""
        for link in links.locator("visible=true").all():
            if self._is_beside_the_screen(link):
                continue
            try:
                click(link, within_s=self._site.within_s)
            except PlaywrightTimeoutError as why:
                covered = covered or covered_by(why)
            else:
                return
        if covered:
            raise Stopped(self._with_what_is_shown(f"the link to {path} cannot be clicked: {covered} lies over it"))
        links.first.dispatch_event("click")

    def _is_beside_the_screen(self, link: Locator) -> bool:
        """To its left or right: nobody scrolls there, nor does a click."""
        box, screen = link.bounding_box(), self.page.viewport_size
        return box is None or (screen is not None and not -box["width"] < box["x"] < screen["width"])

    def _goto(self, path: str) -> None:
        self.leave()
        # Away from the old page first: what it still asks for is over then, and Playwright does not always say so.
        self.page.goto("about:blank")
        self._person.go(path, wait_until="domcontentloaded")

    def _wait_for(self, locator: Locator, what: str) -> Locator:
        try:
            locator.first.wait_for(state="visible")
        except PlaywrightTimeoutError:
            raise self._stopped(f"{what} did not appear within {self._site.within_s:g} s") from None
        return locator.first

    def _calm(self) -> None:
        """Wait until nothing is requested any more. Raises Stopped when it goes on and on: then the page is still loading."""
        began_s = time.monotonic()
        calm = 0
        while calm < _CALM_ROUNDS:
            waited_s = time.monotonic() - began_s
            if waited_s > _DOUBTED_AFTER_S and self._doubted & self._under_way and self._was_idle():
                # The page before this one is told of late now and then: a request of its own begins here and never ends.
                self._person.witness.pass_over(self._doubted)
            if waited_s > self._site.within_s:
                pending = ", ".join(sorted({urlsplit(request.url).path for request in self._under_way}))
                raise self._stopped(f"still loading {pending} after {self._site.within_s:g} s")
            self.page.wait_for_timeout(_PAUSE_MS)
            calm = 0 if self._under_way else calm + 1

    def _was_idle(self) -> bool:
        """Whether the browser itself says that this page, and no earlier one, asked for nothing once: what was told before is over."""
        try:
            self.page.wait_for_load_state("networkidle", timeout=_PAUSE_MS)
        except PlaywrightTimeoutError:
            return False
        return True

    @property
    def _under_way(self) -> set[Request]:
        return {one for one in self._person.witness.under_way if one.resource_type not in STREAMS}

    def _loaded(self, _: Page) -> None:
        self._doubted = self._under_way
