"""The guard of a page that is only looked at: nothing is written, and the question to PAM is held back in the browser.

It is typed and sent, and never reaches the service, whether the page posts it or says it on a WebSocket.
"""

import json
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import Page, Request, Route, WebSocketRoute

_READS: Final = ("GET", "HEAD", "OPTIONS")
_NO_ANSWER: Final = json.dumps({"type": "error", "error": True, "message": "PAM cannot be reached."})
"""What a service says on a WebSocket when it has no answer; ``said_on_socket`` knows it by the same type."""


class HeldQuestion:
    """Holds the question once the page sends it. What else the page asks of the product is let through as long as it only reads."""

    def __init__(
        self, page: Page, question: str, *, services: tuple[str, ...], chat_path: str, login_path: str
    ) -> None:
        self._question = question
        self._chat_path = chat_path
        self._login_path = login_path
        self._held: list[Callable[[], object]] = []
        """Each ends the wait of the page without an answer."""
        self._refused = False
        page.route(lambda url: url.startswith(services), self._let_through)
        page.route_web_socket(lambda _: True, self._watch)

    @property
    def is_held(self) -> bool:
        """The page has sent it."""
        return bool(self._held)

    def holds(self, request: Request) -> bool:
        """Whether this is how the page posts it: it gets no answer for as long as it is held."""
        return request.method == "POST" and urlsplit(request.url).path == self._chat_path

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
        if request.method in _READS or urlsplit(request.url).path == self._login_path:
            return route.continue_()
        return route.abort()

    def _watch(self, socket: WebSocketRoute) -> None:
        """Greetings and signs of life pass in both directions, so that the page takes itself for connected."""
        server = socket.connect_to_server()

        def pass_on(said: str | bytes) -> None:
            words = said if isinstance(said, str) else said.decode(errors="replace")
            if self._question in words:
                self._hold(lambda: socket.send(_NO_ANSWER))
            else:
                server.send(said)

        socket.on_message(pass_on)
