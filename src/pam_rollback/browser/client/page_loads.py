"""Loads a page of the site in Chromium again and again, and reads what the web-vitals library and the browser's network log say of it.

A page counts as loaded when its load event is over, no request is under way, nothing has changed for a moment, and its main content has
been painted. What a page paints later than that, without asking for anything in between, is not seen.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import BrowserContext, CDPSession, Error, Page

from pam_rollback.base.outside_text import cut
from pam_rollback.browser.client import paced
from pam_rollback.browser.rules.page_loads import Metric, PageLoad, PageLoads, Visit
from pam_rollback.browser.rules.page_weight import Transfer
from pam_rollback.outside.pace import before_page

LIBRARY: Final = Path(__file__).with_name("vendor") / "web-vitals-6.2.3.iife.js"

_INIT: Final = "\n".join(
    file.read_text(encoding="utf-8") for file in (LIBRARY, Path(__file__).with_name("page_loads.js"))
)
_LOOK: Final = "() => window.pamRollbackPage.look()"
_QUIET_MS: Final = 100
_LOOK_AGAIN_MS: Final = 20
_ANSWER_TO_KEY_WITHIN_S: Final = 2.0
_SHOWN_CHARACTERS: Final = 120
_BAD_STATUS: Final = 400
_UNENDING: Final = frozenset({"EventSource", "WebSocket"})
_NOT_SENT: Final = ("data:", "blob:", "about:", "chrome")
_MESSAGE: Final = "Hi!"
"""Typed and never sent."""
_FIELD: Final = "textarea:visible, [contenteditable=true]:visible, input[type=text]:visible"

OpenContext = Callable[[], BrowserContext]
"""Makes a browser that has never been anywhere; somebody may be signed in there."""


def load_page(name: str, url: str, open_context: OpenContext, *, times: int, within_s: float) -> PageLoads:
    """Load the page ``times`` times as a new visitor, and each time once more as one who was there before.

    A new visitor also presses keys, in the first text field if there is one; nothing is sent. A load that fails is a value: ``problem``.
    """
    loads: list[PageLoad] = []
    for _ in range(times):
        with open_context() as context:
            context.add_init_script(_INIT)
            page = paced.counted(context.new_page())
            page.set_default_timeout(within_s * 1000)
            network = _Network(context.new_cdp_session(page))
            loads.append(_load(page, network, url, Visit.FIRST, within_s))
            if not loads[-1].problem:
                page.goto("about:blank")
                loads.append(_load(page, network, url, Visit.RETURN, within_s))
    return PageLoads(name, tuple(loads))


class _Network:
    """The browser's own log of what goes over the wire."""

    def __init__(self, session: CDPSession) -> None:
        self._kinds: dict[str, str] = {}
        self._open: set[str] = set()
        self._transfers: list[Transfer] = []
        session.on("Network.requestWillBeSent", self._sent)
        session.on("Network.loadingFinished", self._finished)
        session.on("Network.loadingFailed", self._failed)
        session.send("Network.enable")

    @property
    def busy(self) -> bool:
        """A request is under way."""
        return bool(self._open)

    def begin(self) -> None:
        """Forget what was before."""
        self._kinds.clear()
        self._open.clear()
        self._transfers.clear()

    @property
    def transfers(self) -> tuple[Transfer, ...]:
        """Requests that were answered over the wire; what came out of a cache was not."""
        return tuple(transfer for transfer in self._transfers if transfer.bytes)

    def _sent(self, event: dict[str, Any]) -> None:
        request, kind = event["requestId"], event.get("type", "Other")
        if event["request"]["url"].startswith(_NOT_SENT):
            return
        if "redirectResponse" in event:
            self._transfers.append(Transfer("Redirect", int(event["redirectResponse"]["encodedDataLength"])))
        self._kinds[request] = kind
        if kind not in _UNENDING:
            self._open.add(request)

    def _finished(self, event: dict[str, Any]) -> None:
        request = event["requestId"]
        self._open.discard(request)
        if request in self._kinds:
            self._transfers.append(Transfer(self._kinds[request], int(event["encodedDataLength"])))

    def _failed(self, event: dict[str, Any]) -> None:
        self._open.discard(event["requestId"])


def _load(page: Page, network: _Network, url: str, visit: Visit, within_s: float) -> PageLoad:
    before_page()
    network.begin()
    deadline_s = time.monotonic() + within_s
    try:
        answer = page.goto(url, wait_until="load")
        if answer is None or answer.status >= _BAD_STATUS:
            return PageLoad(visit, {}, (), problem=f"HTTP {answer.status if answer else 'none'} for {url}")
        vitals = _settled(page, network, deadline_s)
        transfers = network.transfers
        if visit is Visit.FIRST:
            vitals = _after_keys(page)
    except Error as error:
        return PageLoad(visit, {}, (), problem=f"{url}: {_first_line(error)}")
    return PageLoad(visit, {Metric(name): float(value) for name, value in vitals.items()}, transfers)


def _settled(page: Page, network: _Network, deadline_s: float) -> dict[str, float]:
    """Wait until the page has come to rest and told how its content came, or the time is up; gives its vitals, whatever there are."""
    while True:
        seen = page.evaluate(_LOOK)
        at_rest = not network.busy and seen["quietMs"] >= _QUIET_MS and {Metric.LCP, Metric.CLS} <= {*seen["vitals"]}
        if at_rest or time.monotonic() >= deadline_s:
            return dict(seen["vitals"])
        page.wait_for_timeout(_LOOK_AGAIN_MS)


def _after_keys(page: Page) -> dict[str, float]:
    """Press keys as a person does, and wait until the browser has said how long it took to answer them."""
    field = page.locator(_FIELD)
    if field.count():
        field.first.focus()
    page.keyboard.type(_MESSAGE)
    page.keyboard.press("Tab")
    deadline_s = time.monotonic() + _ANSWER_TO_KEY_WITHIN_S
    while True:
        vitals: dict[str, float] = page.evaluate(_LOOK)["vitals"]
        if Metric.INP in vitals or time.monotonic() >= deadline_s:
            return vitals
        page.wait_for_timeout(_LOOK_AGAIN_MS)


def _first_line(error: Error) -> str:
    return cut(error.message.split("\n", maxsplit=1)[0], _SHOWN_CHARACTERS)
