"""One HTTP exchange by httpx within one deadline, and in words when there is no answer; the only module that knows httpx.

httpx limits each read and each write, so that a server which drips is never too slow. Here the sockets below it know the moment at which
the time is up, and a name is looked up in a thread of its own, which nobody waits for any longer than that.
"""

import atexit
import functools
import ipaddress
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

from pam_rollback.base.answer import Answer
from pam_rollback.base.outside_text import cut
from pam_rollback.outside.http_proxy import Proxy, environment_proxy, place
from pam_rollback.outside.http_wish import Progress, Wish, target_of, trusted
from pam_rollback.outside.without import left_out

# What httpx and httpcore load where it is installed, for a command line and for asynchronous programs: three quarters of their time.
with left_out("httpx._main", "anyio", "trio"):
    import httpcore
    import httpx

_PROXY_PORT = 8080
_PIECE_BYTES = 1 << 14
_START_BYTES = 80
_KEPT = 4
"""Idle connections to one place."""
_KEPT_S = 4.0
"""Less than the five seconds after which common servers close an idle connection: what is closed while it is used again fails."""


@dataclass
class _Progress(Progress):
    """How far one exchange came, and until when it may go on."""

    fresh: bool = False
    """A connection was made for it."""
    start: bytes = b""
    """Of what was answered, whatever it is."""

    def left_s(self) -> float:
        """How long it may go on. Raises TimeoutError when the time is up."""
        left_s = self.start_s + self.wish.deadline_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        return left_s

    def follow(self, event: str, info: dict[str, Any]) -> None:
        """Be called by the client as it goes; what comes to a connection too late is not sent."""
        self.fresh = self.fresh or event == "connection.connect_tcp.started"
        if event == "http11.send_request_headers.started" and info["request"].method != b"CONNECT":
            self.left_s()
            self.phase, self.start = "waiting", b""


def exchange(wish: Wish) -> Answer:
    """Ask, and give what came of it. Never raises."""
    progress = _Progress(wish)
    proxy = None
    try:
        parts = urlsplit(wish.url)
        proxy = Proxy(wish.proxy) if wish.proxy else environment_proxy(parts)
        encrypted = parts.scheme == "https"
        if not wish.reuse or not _on_kept(_transport(encrypted, proxy, os.getpid()), wish, parts, progress):
            with _Transport(encrypted=encrypted, proxy=proxy, kept=0) as own:
                _exchange(own, wish, parts, progress)
    except Exception as error:  # noqa: BLE001 - whatever it was: an answer says why there is none, and is never silent
        progress.problem = _in_words(error, progress)
    if progress.problem and proxy is not None:
        progress.problem += proxy.shown
    return progress.answer()


def _on_kept(transport: "_Transport", wish: Wish, parts: SplitResult, progress: _Progress) -> bool:
    """False: the kept connection had been closed meanwhile, which says nothing of the place; nothing was answered on it."""
    try:
        _exchange(transport, wish, parts, progress)
    except (httpx.NetworkError, httpx.RemoteProtocolError):
        if progress.fresh or progress.start:
            raise
        progress.phase = "connecting"
        return False
    return True


def _exchange(transport: "_Transport", wish: Wish, parts: SplitResult, progress: _Progress) -> None:
    # The transport and not a client of httpx: that one follows redirects, keeps cookies and reads passwords for those who ask it to.
    response = transport.handle_request(
        httpx.Request(
            wish.method,
            f"{place(parts)}{target_of(parts)}",
            headers=wish.headers,
            content=wish.body,
            extensions={
                "timeout": dict.fromkeys(("connect", "read", "write"), progress) | {"pool": wish.deadline_s},
                "trace": progress.follow,
            },
        )
    )
    try:
        progress.http_status = response.status_code
        progress.headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers.raw
        }
        progress.phase = "body"
        for chunk in response.iter_raw():
            if not progress.wants_more(chunk):
                return
    finally:
        response.close()


class _Transport(httpx.HTTPTransport):
    """httpx's own, over connections that keep the deadline."""

    def __init__(self, *, encrypted: bool, proxy: Proxy | None, kept: int) -> None:
        # In place of the parent's, which reads a bundle of certificates for whatever is asked.
        options: dict[str, Any] = {
            "ssl_context": trusted() if encrypted else None,
            "max_connections": None,
            "max_keepalive_connections": kept,
            "keepalive_expiry": _KEPT_S,
            "network_backend": _Network(),
        }
        if proxy is None:
            self._pool = httpcore.ConnectionPool(**options)
            return
        parts = urlsplit(proxy.url)
        self._pool = httpcore.HTTPProxy(
            f"{parts.scheme}://{parts.hostname}:{parts.port or _PROXY_PORT}",
            proxy_auth=(parts.username, parts.password or "") if parts.username is not None else None,
            proxy_ssl_context=trusted() if parts.scheme == "https" else None,
            **options,
        )


@functools.cache
def _transport(encrypted: bool, proxy: Proxy | None, _process: int) -> _Transport:  # noqa: FBT001 - a key of the cache
    """The one that keeps its connections, of one process: a fork must not speak on those of its parent."""
    made = _Transport(encrypted=encrypted, proxy=proxy, kept=_KEPT)
    atexit.register(_close, made, os.getpid())
    return made


def _close(transport: "_Transport", process: int) -> None:
    """Close what this process made: in a fork, the lock of its parent's may be held by a thread that is not there."""
    if os.getpid() == process:
        transport.close()


class _Network(httpcore.NetworkBackend):
    """Connects within the deadline.

    httpcore hands the ``timeout`` of a request through as it is. Here it is no number, but what knows when the time is up.
    """

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: Any = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Try each address of the host; one that swallows what is sent there leaves time for the others."""
        addresses = _look_up(host, port, timeout.left_s())
        for left in range(len(addresses), 0, -1):
            try:
                return _Stream(
                    httpcore.SyncBackend().connect_tcp(
                        addresses[-left], port, timeout.left_s() / left, local_address, socket_options
                    )
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if left == 1:
                    raise
        raise AssertionError  # pragma: no cover - a look-up without an address raises


def _look_up(host: str, port: int, within_s: float) -> list[str]:
    """Give the addresses of a host. In a thread: a look-up has no time-out, and at the end of the process nobody waits for it."""
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        pass
    found: list[list[str] | Exception] = []

    def ask() -> None:
        try:
            told = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.append([str(address[0]) for *_, address in told])
        except Exception as error:  # noqa: BLE001 - raised below, by whoever waits
            found.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(within_s)
    if not found:
        raise TimeoutError
    if isinstance(found[0], Exception):
        raise found[0]
    return list(dict.fromkeys(found[0]))


class _Stream(httpcore.NetworkStream):
    """A connection whose every read and write ends when the time of its request is up."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: Any = None) -> bytes:
        """Read what is there."""
        came = self._stream.read(max_bytes, timeout.left_s())
        timeout.start = (timeout.start + came[:_START_BYTES])[:_START_BYTES]
        return came

    def write(self, buffer: bytes, timeout: Any = None) -> None:
        """Write all of it, piece by piece."""
        for start in range(0, len(buffer), _PIECE_BYTES):
            self._stream.write(buffer[start : start + _PIECE_BYTES], timeout.left_s())

    def close(self) -> None:
        """Close it."""
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: Any = None
    ) -> httpcore.NetworkStream:
        """Go on encrypted."""
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, timeout.left_s()))

    def get_extra_info(self, info: str) -> Any:
        """What httpcore asks, such as whether the other side has closed it."""
        return self._stream.get_extra_info(info)


def _in_words(error: Exception, progress: _Progress) -> str:
    """The error as a person would say it at 3 a.m."""
    cause = _cause(error)
    if isinstance(cause, OSError) and not isinstance(error, (httpx.ProxyError, httpx.RemoteProtocolError)):
        return progress.describe(cause)
    if isinstance(error, httpx.ProxyError):
        return f"the proxy refused it: {cut(str(error), 80)}"
    if isinstance(error, httpx.RemoteProtocolError):
        return _of_the_protocol(error, progress)
    return f"it could not be asked ({type(error).__name__}: {cut(str(error), 120)})"


def _of_the_protocol(error: httpx.RemoteProtocolError, progress: _Progress) -> str:
    closed = str(error).startswith(("Server disconnected", "peer closed connection"))
    if progress.phase == "body" and closed:
        return progress.describe_cut_body()
    if closed and not progress.start:
        return "closed the connection without an answer"
    if closed and progress.start.startswith(b"HTTP/"):
        return "closed in the middle of the head of its answer"
    if progress.phase == "body":
        return f"did not answer in HTTP (in the body: {cut(str(error), 80)})"
    began = progress.start.decode("utf-8", "replace").partition("\n")[0].strip()
    return f"did not answer in HTTP ({cut(str(error), 80) if began.startswith('HTTP/') else repr(began)})"


def _cause(error: BaseException) -> BaseException:
    """What the operating system said, below what httpx made of it."""
    below: BaseException | None = error
    while below is not None and not isinstance(below, OSError):
        below = below.__cause__ or below.__context__
    return error if below is None else below
