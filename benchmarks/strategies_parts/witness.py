"""Stands before a provider's API, hands every request on, and notes when it came and when it was answered."""

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_DEADLINE_S = 60.0
_OF_ONE_CONNECTION = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "content-length", "host", "server", "date"}
)


@dataclass(frozen=True)
class Seen:
    """One request. Moments are seconds since 1970."""

    method: str
    path: str
    came_s: float
    answered_s: float
    http_status: int

    @property
    def accepted(self) -> bool:
        """A change that the provider took."""
        return self.method != "GET" and self.http_status < http.HTTPStatus.BAD_REQUEST


@dataclass
class Witness:
    """Where to ask in the provider's place, and what was asked there."""

    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    at_first: Callable[[], None] = lambda: None
    """Called when the first request comes."""


@contextmanager
def witness(api_url: str) -> Iterator[Witness]:
    """Stand before the API as long as the block runs."""
    behind = urlsplit(api_url)
    found = Witness()

    class Handler(BaseHTTPRequestHandler):
        def handle_one_request(self) -> None:
            # From the first byte, before anything is read or understood.
            self.came_s = time.time()
            if not found.seen:
                found.at_first()
            super().handle_one_request()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def _hand_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or None
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _OF_ONE_CONNECTION}
            connection = http.client.HTTPConnection(behind.hostname or "", behind.port, timeout=_DEADLINE_S)
            try:
                connection.request(self.command, self.path, body, headers)
                answer = connection.getresponse()
                said = answer.read()
            finally:
                connection.close()
            # Noted before it is answered: who has the answer may look here.
            found.seen.append(Seen(self.command, self.path, self.came_s, time.time(), answer.status))
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in _OF_ONE_CONNECTION:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _hand_on  # noqa: N815 - the names that http.server calls

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}{behind.path}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
