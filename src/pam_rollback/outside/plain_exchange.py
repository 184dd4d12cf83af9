"""One HTTP exchange by the standard library, for what has to be known within a second: loading httpx takes a fifth of it.

It knows no proxy, keeps no connection, and takes an early hint (103) for the answer, which httpx does not (docs/decisions/house.md).
"""

import http.client
import io
import socket
import threading
from dataclasses import dataclass
from urllib.parse import urlsplit

from pam_rollback.base.answer import Answer
from pam_rollback.base.outside_text import cut
from pam_rollback.outside.http_wish import Progress, Wish, target_of, trusted

_CHUNK_BYTES = 1 << 16


class _HalfAHeadError(Exception):
    """The connection ended before the head of the answer did."""


class _Lines(io.BufferedReader):
    """Remembers the latest line."""

    latest = b""

    def readline(self, size: int | None = -1, /) -> bytes:
        """Read one."""
        self.latest = super().readline(size)
        return self.latest


class _Response(http.client.HTTPResponse):
    """The library takes the end of a connection for the end of the head: half an answer would be one."""

    def begin(self) -> None:
        """Read the head. Raises _HalfAHeadError."""
        lines = self.fp = _Lines(self.fp.detach())
        super().begin()
        if lines.latest not in {b"\r\n", b"\n"}:
            raise _HalfAHeadError


@dataclass
class _Progress(Progress):
    """Read by the waiting thread when the deadline passes."""

    connection: http.client.HTTPConnection | None = None
    given_up: bool = False


def exchange(wish: Wish) -> Answer:
    """Ask, and give what came of it. Never raises."""
    progress = _Progress(wish)
    # A thread and not a socket time-out: a server that drips one byte a second never trips the latter.
    worker = threading.Thread(target=_exchange, args=(progress,), daemon=True)
    worker.start()
    worker.join(wish.deadline_s)
    if not worker.is_alive():
        return progress.answer()
    # In this order: a connection that is made from here on sends nothing, so the phase that is read next tells whether anything was.
    progress.given_up = True
    progress.problem = progress.describe_timeout()
    answer = progress.answer()
    _cut(progress.connection)
    return answer


def _exchange(progress: _Progress) -> None:
    wish = progress.wish
    try:
        parts = urlsplit(wish.url)
        host, port = parts.hostname or "", parts.port
        connection = progress.connection = (
            http.client.HTTPSConnection(host, port, timeout=wish.deadline_s, context=trusted())
            if parts.scheme == "https"
            else http.client.HTTPConnection(host, port, timeout=wish.deadline_s)
        )
        connection.response_class = _Response
        connection.connect()
        progress.phase = "waiting"
        if progress.given_up:
            return
        connection.request(wish.method, target_of(parts), body=wish.body, headers=dict(wish.headers))
        response = connection.getresponse()
        progress.http_status = response.status
        progress.headers = {name.lower(): value for name, value in response.getheaders()}
        progress.phase = "body"
        _read_body(progress, response)
    except Exception as error:  # noqa: BLE001 - whatever it was: an answer says why there is none, and is never silent
        # When the deadline cut the line, the waiting thread has already said so.
        progress.problem = progress.problem or _in_words(error, progress)
    finally:
        if progress.connection is not None:
            progress.connection.close()


def _read_body(progress: _Progress, response: http.client.HTTPResponse) -> None:
    announced = response.length
    while chunk := response.read1(_CHUNK_BYTES):
        if not progress.wants_more(chunk):
            return
    if announced is not None and len(progress.body) < announced:
        progress.problem = progress.describe_cut_body()


def _cut(connection: http.client.HTTPConnection | None) -> None:
    sock = connection.sock if connection is not None else None
    if sock is not None:
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            sock.close()  # it was never connected: nothing to shut down


def _in_words(error: Exception, progress: _Progress) -> str:  # noqa: PLR0911 - one line for each reason
    """The error as a person would say it at 3 a.m."""
    if isinstance(error, http.client.RemoteDisconnected):
        return "closed the connection without an answer"
    if isinstance(error, OSError):
        return progress.describe(error)
    if isinstance(error, _HalfAHeadError):
        return "closed in the middle of the head of its answer"
    if isinstance(error, http.client.IncompleteRead):
        return progress.describe_cut_body()
    if isinstance(error, http.client.BadStatusLine):
        return f"did not answer in HTTP ({cut(str(error).strip(), 80)!r})"
    if isinstance(error, http.client.HTTPException) and progress.phase != "connecting":
        return f"did not answer in HTTP ({type(error).__name__}: {cut(str(error), 80)!r})"
    return f"it could not be asked ({type(error).__name__}: {cut(str(error), 120)})"
