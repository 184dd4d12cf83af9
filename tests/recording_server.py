"""A server that agrees to everything and writes down what it was asked: what reaches it should have gone elsewhere, or nowhere."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

_ONLY_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_ANSWER = json.dumps({"status": "healthy", "version": "1.42.0", "sandbox": True}).encode()


@dataclass
class Recording:
    """Where it is, and what it was asked (``METHOD path``)."""

    url: str
    asked: list[str] = field(default_factory=list)

    @property
    def changing(self) -> list[str]:
        """The requests that could have changed something."""
        return [request for request in self.asked if request.partition(" ")[0] not in _ONLY_READING]


@contextmanager
def recording_server(answer: bytes = _ANSWER, content_type: str = "application/json") -> Iterator[Recording]:
    """Serve on a free port of this machine; ``answer`` is what everybody gets."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            recording.asked.append(f"{self.command} {self.path}")
            self.send_response(200)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        recording = Recording(f"http://127.0.0.1:{server.server_address[1]}")
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield recording
        finally:
            server.shutdown()
            thread.join()
