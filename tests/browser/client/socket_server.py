"""A page and its WebSocket, served for real: a browser's own stand-in tells nobody of its messages."""

import json
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from threading import Thread

_TEXT, _TEXT_AT_ONCE = 0x1, 0x81


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    page: str
    answers: Sequence[object]
    greeting: object
    heard: list[str]

    def do_GET(self) -> None:
        if "Upgrade" not in self.headers:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(self.page)))
            self.end_headers()
            self.wfile.write(self.page.encode())
            return
        key = f"{self.headers['Sec-WebSocket-Key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()
        self.send_response(101)
        for name, value in (("Upgrade", "websocket"), ("Connection", "Upgrade")):
            self.send_header(name, value)
        self.send_header("Sec-WebSocket-Accept", b64encode(sha1(key, usedforsecurity=False).digest()).decode())
        self.end_headers()
        self.close_connection = True
        if self.greeting is not None:
            self._say(self.greeting)
        while (message := self._next()) is not None:
            self.heard.append(message)
            for answer in self.answers:
                self._say(answer)

    def _say(self, what: object) -> None:
        said = json.dumps(what).encode()
        self.wfile.write(bytes([_TEXT_AT_ONCE, len(said)]) + said)

    def _next(self) -> str | None:
        """A short message of the page; None when it says no more."""
        head = self.rfile.read(2)
        if not head or head[0] & 0xF != _TEXT:
            return None
        mask = self.rfile.read(4)
        said = self.rfile.read(head[1] & 0x7F)
        return bytes(one ^ other for one, other in zip(said, cycle(mask), strict=False)).decode()

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@contextmanager
def socket_server(page: str, *, answers: Sequence[object], greeting: object = None) -> Iterator[tuple[str, list[str]]]:
    """Gives the address and what is heard on the socket. It says the greeting when it is opened, the answers after each message."""
    heard: list[str] = []
    handler = type("Handler", (_Handler,), {"page": page, "answers": answers, "greeting": greeting, "heard": heard})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", heard
        server.shutdown()
