"""An HTTP server on loopback whose answers a test writes out, byte by byte if need be."""

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Reply = Callable[[socket.socket], None]


@dataclass(frozen=True)
class Request:
    """What was asked."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    def __str__(self) -> str:
        """Shortly."""
        return f"{self.method} {self.path}"


Answering = Callable[[Request], Reply]


def says(document: Any = None, status: int = 200, *, text: str | None = None, **headers: str) -> Reply:
    """Answer with JSON, with plain text, or with no body; headers are written with underscores."""
    if text is not None:
        return _written(status, text.encode(), "text/plain", headers)
    return _written(status, b"" if document is None else json.dumps(document).encode(), "application/json", headers)


def _written(status: int, body: bytes, kind: str, headers: Mapping[str, str]) -> Reply:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}"]
    lines += [f"Content-Type: {kind}"] if body and kind else []
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return raw("\r\n".join([*lines, "", ""]).encode() + body)


def raw(payload: bytes) -> Reply:
    """Send this and close."""
    return lambda connection: connection.sendall(payload)


def reset(connection: socket.socket) -> None:
    """Break the connection off."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hangs(connection: socket.socket) -> None:
    """Say nothing until the other side goes away."""
    connection.recv(1)


HALF = raw(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{"id": ')
GARBAGE = raw(b"SSH-2.0-OpenSSH_9.9\r\n")
CLOSED = raw(b"")
CUT_JSON = raw(
    b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 6\r\nX-Request-Id: r-7\r\n\r\n{"id":'
)


@dataclass
class Scripted:
    """The server: where it is, and what it was asked."""

    url: str
    requests: list[Request] = field(default_factory=list)

    @property
    def asked(self) -> list[str]:
        """Methods and paths, in order."""
        return [str(request) for request in self.requests]


@contextmanager
def scripted(*replies: Reply, by: Answering | None = None) -> Iterator[Scripted]:
    """Answer one request after the other so, the last reply for ever; or each by what it asks."""
    listener = socket.create_server(("127.0.0.1", 0))
    found = Scripted(f"http://127.0.0.1:{listener.getsockname()[1]}/api/v1")
    turn = threading.Lock()

    def talk(connection: socket.socket) -> None:
        with connection:
            connection.settimeout(5)
            try:
                request = _read(connection)
                with turn:
                    found.requests.append(request)
                    number = len(found.requests)
                (by(request) if by else replies[min(number, len(replies)) - 1])(connection)
            except OSError:
                return

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


@contextmanager
def serving(
    answer: Callable[[str, dict[str, str]], tuple[int, str]], *, ahead_s: float = 0, kind: str = ""
) -> Iterator[tuple[str, list[Any]]]:
    """Answer by method and headers, its clock ahead; gives its address and the bodies that were posted. ``kind``: of its answers."""
    posted: list[Any] = []

    def by(request: Request) -> Reply:
        if request.method == "POST":
            posted.append(request.json)
        status, body = answer(request.method, dict(request.headers))
        date = formatdate(time.time() + ahead_s, usegmt=True)
        return _written(status, body.encode(), kind, {"Connection": "close", "Date": date})

    with scripted(by=by) as server:
        yield server.url.removesuffix("/api/v1"), posted


def always(status: int, body: str = "") -> Callable[[str, dict[str, str]], tuple[int, str]]:
    """The same answer to everybody."""
    return lambda _method, _headers: (status, body)


@dataclass(frozen=True)
class Recording:
    """A server that agrees to everything: what reaches it should have gone elsewhere, or nowhere."""

    url: str
    _server: Scripted

    @property
    def asked(self) -> list[str]:
        """Every request."""
        return self._server.asked

    @property
    def changing(self) -> list[str]:
        """The requests that could have changed something."""
        return [asked for asked in self.asked if asked.partition(" ")[0] not in {"GET", "HEAD", "OPTIONS"}]


@contextmanager
def recording_server(
    answer: bytes = b'{"status": "healthy", "version": "1.42.0", "sandbox": true}', kind: str = "application/json"
) -> Iterator[Recording]:
    """Serve on a free port of this machine; ``answer`` is what everybody gets."""
    with scripted(_written(200, answer, kind, {"Connection": "close"})) as server:
        yield Recording(server.url.removesuffix("/api/v1"), server)


def _read(connection: socket.socket) -> Request:
    """One request. The path is without the base."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += _more(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        body += _more(connection)
    method, target, _ = first.split(" ", 2)
    parts = urlsplit(target)
    return Request(method, parts.path.removeprefix("/api/v1"), dict(parse_qsl(parts.query)), headers, body)


def _more(connection: socket.socket) -> bytes:
    chunk = connection.recv(65536)
    if not chunk:
        raise ConnectionError
    return chunk
