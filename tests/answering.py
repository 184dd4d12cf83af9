"""A server over loopback that answers as it is told."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import time
from typing import Any


@contextmanager
def serving(
    answer: Callable[[str, dict[str, str]], tuple[int, str]], *, ahead_s: float = 0, kind: str = ""
) -> Iterator[tuple[str, list[Any]]]:
    """A server that answers as it is told, its clock ahead; gives its address and the bodies that were posted. ``kind``: of its answers."""
    posted: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def date_time_string(self, timestamp: float | None = None) -> str:
            """Its own time."""
            return formatdate((timestamp or time()) + ahead_s, usegmt=True)

        def do_GET(self) -> None:
            """Read."""
            self._answer("GET")

        def do_POST(self) -> None:
            """Change something."""
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self._answer("POST")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the standard library's name
            """Keep quiet."""

        def _answer(self, method: str) -> None:
            status, body = answer(method, {name.lower(): value for name, value in self.headers.items()})
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if kind:
                self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(body.encode())

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", posted
        finally:
            server.shutdown()
            thread.join()


def always(status: int, body: str = "") -> Callable[[str, dict[str, str]], tuple[int, str]]:
    """The same answer to everybody."""
    return lambda _method, _headers: (status, body)
