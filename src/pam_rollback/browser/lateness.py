"""Tells a page that is late from one that is broken: whatever a late one still waits for answers at once outside the browser.

A busy machine does not bring a page up within its time. That says nothing of the site: a page that hangs waits for something that hangs
outside of the browser, too.
"""

from collections.abc import Iterable
from functools import partial
from typing import Final

from playwright.sync_api import Page, Request
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from pam_rollback.outside.http import all_at_once, fetch

LATE: Final = "all that it waits for answers over HTTP, so this machine may be too busy to show it"
_STREAMS: Final = ("eventsource", "websocket", "ping", "media")
_SENT_ON: Final = ("Accept", "apikey", "Authorization", "Origin", "User-Agent")
"""Headers of the page's own request: a server that hangs for browsers alone hangs here, too."""
_LOOK_MS: Final = 25
_FAILED: Final = 500


def is_late(page: Page, under_way: Iterable[Request], url: str, *, deadline_s: float) -> bool:
    """Tell whether this page is still being loaded, and nothing that it waits for keeps it from that.

    ``url`` is what was opened; it is asked where everything was answered and the page is not there all the same.
    """
    pending = [request for request in under_way if request.resource_type not in _STREAMS]
    if any(request.method != "GET" for request in pending) or (not pending and _is_loaded(page)):
        return False
    asked = {request.url: {name: request.headers.get(name.lower(), "") for name in _SENT_ON} for request in pending}
    calls = {
        one: partial(fetch, one, headers=headers, deadline_s=deadline_s)
        for one, headers in (asked or {url: {}}).items()
    }
    answers = all_at_once(calls).values()
    return all(answer.http_status is not None and answer.http_status < _FAILED for answer in answers)


def _is_loaded(page: Page) -> bool:
    try:
        page.wait_for_load_state("load", timeout=_LOOK_MS)
    except PlaywrightTimeoutError:
        return False
    return True
