"""A server on this machine that answers as a test says, and remembers what was asked of it."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Request:
    """What arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True)
class Reply:
    """What is answered; ``silent_s`` is how long nothing is."""

    status: int = 200
    body: str = "{}"
    content_type: str = "application/json"
    location: str = ""
    silent_s: float = 0.0


@dataclass
class Recorder:
    """The server: its address, its answers by path (else ``usual``), its requests."""

    address: str = ""
    usual: Reply = Reply()
    replies: dict[str, Reply] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)


class _Handler(BaseHTTPRequestHandler):
    """One request, for the recorder of its subclass."""

    recorder: Recorder

    def do_GET(self) -> None:
        """Reads."""
        self.answer()

    def do_POST(self) -> None:
        """Changes."""
        self.answer()

    def answer(self) -> None:
        """Remember and answer."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.recorder.requests.append(Request(self.command, self.path, headers, body))
        reply = self.recorder.replies.get(self.path, self.recorder.usual)
        time.sleep(reply.silent_s)
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body.encode())))
        if reply.location:
            self.send_header("Location", reply.location)
        self.end_headers()
        self.wfile.write(reply.body.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    """Whoever hangs up while it is silent is no error."""

    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def recorder() -> Iterator[Recorder]:
    """A running one."""
    made = Recorder()
    with _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"recorder": made})) as server:
        made.address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()
