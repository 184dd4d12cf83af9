"""Stands between a client and its host, passes everything on unchanged, and keeps what was asked."""

import http.client
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit

_WITHIN_S = 15


@dataclass(frozen=True)
class Asked:
    """One request as it came over the wire."""

    method: str
    path: str
    """Quoted, without the query."""
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    """By their names in lower case."""
    body: bytes

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of the path, unquoted."""
        return tuple(unquote(part) for part in self.path.strip("/").split("/"))

    def __str__(self) -> str:
        """For messages."""
        return f"{self.method} {self.path}"


@contextmanager
def relay(host: str) -> Iterator[tuple[str, list[Asked]]]:
    """Gives its own address, in place of ``http://…`` of the host, and the requests so far."""
    parts = urlsplit(host)
    asked: list[Asked] = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            wanted = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked.append(Asked(self.command, wanted.path, tuple(parse_qsl(wanted.query)), headers, body))
            connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=_WITHIN_S)
            try:
                connection.request(self.command, self.path, body or None, dict(self.headers.items()))
                given = connection.getresponse()
                content = given.read()
            finally:
                connection.close()
            self.send_response_only(given.status)
            for name, value in given.getheaders():
                if name.lower() not in {"connection", "transfer-encoding", "content-length"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = answer  # noqa: N815 - the names that the standard library looks for

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}{parts.path}", asked
        finally:
            server.shutdown()
            thread.join()
