"""The one door to HTTP: one request, one deadline for all of it, and an answer that is always a value.

The standard library's client is used because it is the fastest to load (docs/decisions/0003); redirects are not followed and nothing is
repeated: a probe that retries hides what it should count.
"""

import http.client
import json as json_module
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import SplitResult, quote, urlsplit

from pam_rollback.base.answer import Answer
from pam_rollback.base.outside_text import cut

T = TypeVar("T")

USER_AGENT = "pam-rollback-suite"
MAX_BODY_BYTES = 1 << 20
_CHUNK_BYTES = 1 << 16
_EXTENDED = "UTF-8''"
_PLAIN_IN_EXTENDED = "!#$&+-.^_`|~"
_NOT_IN_FIELD = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]+")
_URL_CHARACTERS = "!#$%&'()*+,/:;=?@[]~"
_PROXY_PORT = 8080


@dataclass
class _Progress:
    """How far one exchange came; read by the waiting thread when the deadline passes."""

    connection: http.client.HTTPConnection
    start_is_enough: bool = False
    phase: str = "connecting"
    given_up: bool = False
    http_status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)
    problem: str = ""

    def describe_timeout(self) -> str:
        """What was missing when the time was up."""
        deadline_s = self.connection.timeout
        if self.phase == "body":
            return f"the body did not end within {deadline_s:g} s ({len(self.body)} bytes came)"
        if self.phase == "waiting":
            return f"silent: connected, but no answer within {deadline_s:g} s"
        return f"no connection within {deadline_s:g} s"


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
) -> Answer:
    """Make one request; the deadline in seconds covers all of it, from the name look-up to the last byte of the body.

    What is sent is ``json``, or ``body`` as it is with a content type among the headers. ``proxy``: the address of a forward proxy, which
    then asks (RFC 9110, section 3.7); what is encrypted goes through it as it is (CONNECT). With ``start_is_enough`` a larger body is no
    problem: its start is read, and no more.
    """
    parts = urlsplit(url)
    target = quote(
        (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), safe=_URL_CHARACTERS, errors="replace"
    )
    progress = _Progress(_connection(parts, proxy, deadline_s), start_is_enough)
    if proxy and parts.scheme != "https":
        target = f"{parts.scheme}://{parts.netloc}{target}"
    head = {"User-Agent": USER_AGENT, "Accept": "application/json, text/html;q=0.9, */*;q=0.8", "Connection": "close"}
    if method in {"GET", "HEAD"}:
        # What is true now, and not what a cache on the way has kept; Pragma is for caches that speak HTTP/1.0 only.
        head |= {"Cache-Control": "no-cache", "Pragma": "no-cache"}
    payload = body
    if json is not None:
        payload = json_module.dumps(json).encode()
        head["Content-Type"] = "application/json"
    head.update({name: field_value(value) for name, value in (headers or {}).items()})

    start_s = time.monotonic()
    # A thread and not a socket time-out: a server that drips one byte a second never trips the latter.
    worker = threading.Thread(
        target=_exchange,
        args=(progress, method, target, payload, head, max_body_bytes),
        daemon=True,
    )
    worker.start()
    worker.join(deadline_s)
    if worker.is_alive():
        # In this order: a connection that is made from here on sends nothing, so the phase that is read next tells whether anything was.
        progress.given_up = True
        progress.problem = progress.describe_timeout()
    sent = progress.phase != "connecting"
    if progress.given_up:
        _cut(progress.connection)
    return Answer(
        method=method,
        url=url,
        http_status=progress.http_status,
        content_type=progress.headers.get("content-type", ""),
        body=bytes(progress.body),
        elapsed_ms=(time.monotonic() - start_s) * 1000,
        problem=progress.problem,
        headers=dict(progress.headers),
        sent=sent,
    )


def field_value(text: str) -> str:
    """The text as a header field can carry it: ASCII as it is, anything else as ``UTF-8''`` and percent-encoded (RFC 8187).

    RFC 9110 leaves other characters undefined in a field. Line breaks and other control characters become a space: nothing that somebody
    typed ends a field, and nothing keeps a request from being sent.
    """
    line = _NOT_IN_FIELD.sub(" ", text).strip(" \t")
    if line.isascii() and not line.startswith(_EXTENDED):
        return line
    return _EXTENDED + quote(line, safe=_PLAIN_IN_EXTENDED, errors="replace")


def _connection(parts: SplitResult, proxy: str, deadline_s: float) -> http.client.HTTPConnection:
    make = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    if not proxy:
        return make(parts.hostname or "", parts.port, timeout=deadline_s)
    between = urlsplit(proxy)
    connection = make(between.hostname or "", between.port or _PROXY_PORT, timeout=deadline_s)
    if parts.scheme == "https":
        connection.set_tunnel(parts.hostname or "", parts.port)
    return connection


def all_at_once(calls: Mapping[str, Callable[[], T]], *, workers: int = 16) -> dict[str, T]:
    """Run the calls side by side; gives their results by the same keys."""
    with ThreadPoolExecutor(max_workers=min(workers, max(1, len(calls)))) as pool:
        futures = {key: pool.submit(call) for key, call in calls.items()}
        return {key: future.result() for key, future in futures.items()}


def _exchange(
    progress: _Progress,
    method: str,
    target: str,
    payload: bytes | None,
    headers: Mapping[str, str],
    max_body_bytes: int,
) -> None:
    try:
        progress.connection.connect()
        progress.phase = "waiting"
        if progress.given_up:
            return
        progress.connection.request(method, target, body=payload, headers=dict(headers))
        response = progress.connection.getresponse()
        progress.http_status = response.status
        progress.headers = {name.lower(): value for name, value in response.getheaders()}
        progress.phase = "body"
        _read_body(progress, response, max_body_bytes)
    except Exception as error:  # noqa: BLE001 - whatever it was: an answer says why there is none, and is never silent
        # When the deadline cut the line, the waiting thread has already said so.
        progress.problem = progress.problem or _in_words(error, progress)
    finally:
        progress.connection.close()


def _read_body(progress: _Progress, response: http.client.HTTPResponse, max_body_bytes: int) -> None:
    announced = response.length
    while chunk := response.read1(_CHUNK_BYTES):
        progress.body += chunk
        if len(progress.body) >= max_body_bytes and progress.start_is_enough:
            return
        if len(progress.body) > max_body_bytes:
            progress.problem = f"the body is larger than {max_body_bytes} bytes"
            return
    if announced is not None and len(progress.body) < announced:
        progress.problem = f"closed after {len(progress.body)} of {announced} announced bytes"


def _cut(connection: http.client.HTTPConnection) -> None:
    sock = connection.sock
    if sock is not None:
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            sock.close()  # it was never connected: nothing to shut down


def _in_words(error: Exception, progress: _Progress) -> str:  # noqa: PLR0911 - one line for each reason
    """The error as a person would say it at 3 a.m."""
    if isinstance(error, ConnectionRefusedError):
        return "refused the connection"
    if isinstance(error, socket.gaierror):
        return f"the name could not be resolved ({error.strerror})"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not valid ({error.verify_message})"
    if isinstance(error, TimeoutError) and error.errno is None:
        # The socket's own time-out, which is the deadline too: on a busy machine it can be first, and says the same.
        return progress.describe_timeout()
    if isinstance(error, TimeoutError):
        return "timed out while " + ("reading the body" if progress.phase == "body" else progress.phase)
    if isinstance(error, http.client.IncompleteRead):
        return f"closed in the middle of the body ({len(progress.body) + len(error.partial)} bytes came)"
    if isinstance(error, http.client.RemoteDisconnected):
        return "closed the connection without an answer"
    if isinstance(error, http.client.HTTPException):
        return f"did not answer in HTTP ({type(error).__name__}: {cut(str(error), 80)!r})"
    if isinstance(error, OSError):
        return f"connection failed while {progress.phase} ({error})"
    return f"it could not be asked ({type(error).__name__}: {cut(str(error), 120)})"
