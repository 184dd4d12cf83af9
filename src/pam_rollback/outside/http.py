"""The one door to HTTP: one request, one deadline for all of it, and an answer that is always a value.

The client behind it is httpx (``http_exchange``, docs/decisions/house.md), loaded with the first request that needs it: a session that asks
nothing does not pay for it. What has to be known within a second asks by the standard library (``plain_exchange``). Redirects are not
followed and nothing is repeated: a probe that retries hides what it should count.
"""

import json as json_module
import os
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

from pam_rollback.base.answer import Answer
from pam_rollback.outside import pace
from pam_rollback.outside.http_wish import Wish

T = TypeVar("T")

USER_AGENT = "pam-rollback-suite"
MAX_BODY_BYTES = 1 << 20
_EXTENDED = "UTF-8''"
_PLAIN_IN_EXTENDED = "!#$&+-.^_`|~"
_NOT_IN_FIELD = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]+")


def fetch(
    url: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    json: Any = None,
    body: bytes | None = None,
    deadline_s: float = 5.0,
    max_body_bytes: int = MAX_BODY_BYTES,
    proxy: str = "",
    start_is_enough: bool = False,
    reuse: bool = False,
    light: bool = False,
) -> Answer:
    """Make one request; the deadline in seconds covers all of it, from the name look-up to the last byte of the body.

    What is sent is ``json``, or ``body`` as it is with a content type among the headers; an empty header is not sent.
    ``proxy``: the address of a forward proxy, which then asks (RFC 9110, section 3.7); what is encrypted goes through it as it is
    (CONNECT). Without one, the environment's is used (``HTTPS_PROXY``, ``NO_PROXY``), except for this machine. With ``start_is_enough``
    a larger body is no problem: its start is read, and no more. With ``reuse`` the connection is kept for the next such request: for
    what is asked over and over and is not judged. A check has a connection of its own, as a new visitor has: one that was kept would
    still be answered by the release before. With ``light`` it is asked by the standard library, where no proxy is between: for what has
    to be known within a second.
    """
    head = {"User-Agent": USER_AGENT, "Accept": "application/json, text/html;q=0.9, */*;q=0.8"}
    head |= {"Accept-Encoding": "identity", "Connection": "keep-alive" if reuse else "close"}
    if method in {"GET", "HEAD"}:
        # What is true now, and not what a cache on the way has kept; Pragma is for caches that speak HTTP/1.0 only.
        head |= {"Cache-Control": "no-cache", "Pragma": "no-cache"}
    payload = body
    if json is not None:
        payload = json_module.dumps(json).encode()
        head["Content-Type"] = "application/json"
    head.update({name: field_value(value) for name, value in (headers or {}).items()})
    head = {name: value for name, value in head.items() if value}
    if not proxy:  # which is another address
        pace.before_request(url, head)
    wish = Wish(method, url, head, payload, deadline_s, max_body_bytes, proxy, start_is_enough, reuse)
    if light and not reuse and not _asks_a_proxy(url, proxy):
        from pam_rollback.outside.plain_exchange import exchange  # noqa: PLC0415 - see above
    else:
        from pam_rollback.outside.http_exchange import exchange  # noqa: PLC0415 - see above
    return exchange(wish)


def _asks_a_proxy(url: str, given: str) -> bool:
    if not given and not any(name.lower().endswith("_proxy") for name in os.environ):
        return False
    from pam_rollback.outside.http_proxy import environment_proxy  # noqa: PLC0415 - loads urllib.request

    try:
        return bool(given) or environment_proxy(urlsplit(url)) is not None
    except ValueError:
        return False  # it is no address: whoever asks says so


def field_value(text: str) -> str:
    """The text as a header field can carry it: ASCII as it is, anything else as ``UTF-8''`` and percent-encoded (RFC 8187).

    RFC 9110 leaves other characters undefined in a field. Line breaks and other control characters become a space: nothing that somebody
    typed ends a field, and nothing keeps a request from being sent.
    """
    line = _NOT_IN_FIELD.sub(" ", text).strip(" \t")
    if line.isascii() and not line.startswith(_EXTENDED):
        return line
    return _EXTENDED + quote(line, safe=_PLAIN_IN_EXTENDED, errors="replace")


def all_at_once(calls: Mapping[str, Callable[[], T]], *, workers: int = 16) -> dict[str, T]:
    """Run the calls side by side; gives their results by the same keys."""
    with ThreadPoolExecutor(max_workers=min(workers, max(1, len(calls)))) as pool:
        futures = {key: pool.submit(call) for key, call in calls.items()}
        return {key: future.result() for key, future in futures.items()}
