"""A product whose every answer is written out: well, except where a sabotage says otherwise. Loopback only."""

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

RELEASE = "1.42.0"
DATABASE, PAM, EVERYTHING, HEALTH = "/health/db", "/health/pam", "/health/comprehensive", "/health"
_SILENT_S = 30
_SCRIPT = b"document.getElementById('root').textContent = 'Wheels & Wins';\n"
_PAGE = (
    b"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>Wheels &amp; Wins</title>"
    b"<script type='module' src='/assets/main.js'></script></head>"
    b"<body><div id='root'><h1>Wheels &amp; Wins</h1><p>Plan a trip, keep an eye on the budget.</p></div></body></html>"
)


@dataclass(frozen=True)
class Said:
    """One answer, byte by byte where it has to be."""

    body: bytes
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    how: str = "whole"
    """whole; silent: nothing is ever sent; drip: never ends; half: closed before the promised end."""


def healthy(**more: Any) -> dict[str, Any]:
    """The body of a part that is well."""
    return {"status": "healthy", "service": "pam", "version": RELEASE, **more}


def as_json(body: object, **more: Any) -> Said:
    """An answer with this body."""
    return Said(json.dumps(body).encode(), **more)


_PAGE_SAID = Said(_PAGE, content_type="text/html; charset=utf-8")
_WELL: Mapping[str, Mapping[str, Said]] = {
    "frontend": {"/": _PAGE_SAID, "/assets/main.js": Said(_SCRIPT, content_type="text/javascript")},
    "api": {
        DATABASE: as_json(healthy()),
        PAM: as_json(healthy(checks={"model": {"status": "healthy"}, "cache": {"status": "healthy"}}, issues=[])),
        EVERYTHING: as_json(healthy()),
        "/": as_json({"service": "pam"}),
    },
    "backend": {},
    "control": {"/": Said(b"hello", content_type="text/plain")},
}


@dataclass
class _Server:
    """One address."""

    name: str
    changed: dict[str, Said] = field(default_factory=dict)
    closed: bool = False

    def answer(self, path: str) -> Said:
        """What is said of this path; ``*`` stands for all."""
        plain = path.partition("?")[0]
        found = self.changed.get("*") or self.changed.get(plain) or _WELL[self.name].get(plain)
        if found is None and plain == HEALTH:
            found = as_json(healthy())
        return found or as_json({"detail": "Not Found"}, status=404)


@dataclass
class Hostile:
    """The addresses of the product, and what is changed about them."""

    addresses: Mapping[str, str]
    servers: Mapping[str, _Server]

    @property
    def frontend(self) -> str:
        """Where visitors ask."""
        return self.addresses["frontend"]

    @property
    def api(self) -> str:
        """Where clients ask."""
        return self.addresses["api"]

    @property
    def backend(self) -> str:
        """The service's own address."""
        return self.addresses["backend"]

    @property
    def control(self) -> str:
        """Somebody who has nothing to do with the product."""
        return self.addresses["control"]

    def say(self, server: str, path: str, said: Said) -> None:
        """From now on this is answered."""
        self.servers[server].changed[path] = said

    def say_everywhere(self, said: Said) -> None:
        """From now on this is all that the product answers; the control address is somebody else's."""
        for name in ("frontend", "api", "backend"):
            self.say(name, "*", said)

    def close(self, *servers: str) -> None:
        """Connections to these are cut without an answer."""
        for name in servers:
            self.servers[name].closed = True

    def heal(self) -> None:
        """All is well again."""
        for server in self.servers.values():
            server.changed.clear()
            server.closed = False


def _handler(server: _Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if server.closed:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self._send(server.answer(self.path))

        do_HEAD = do_POST = do_GET  # noqa: N815 - the names that the base class calls

        def _send(self, said: Said) -> None:
            gone = threading.Event()
            if said.how == "silent":
                gone.wait(_SILENT_S)
                return
            self.send_response(said.status)
            length = len(said.body) + (100 if said.how in {"half", "drip"} else 0)
            head = {"Content-Type": said.content_type, "Content-Length": str(length), "Connection": "close"}
            for name, value in {**head, **said.headers}.items():
                if value:
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(said.body)
            self.wfile.flush()
            if said.how == "drip":
                gone.wait(_SILENT_S)
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Nobody reads it."""

    return Handler


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that leave are what many a sabotage is about."""


@contextmanager
def hostile() -> Iterator[Hostile]:
    """All addresses, as long as the block lasts."""
    with ExitStack() as stack:
        servers = {name: _Server(name) for name in _WELL}
        addresses = {}
        for name, server in servers.items():
            listening = stack.enter_context(_Quiet(("127.0.0.1", 0), _handler(server)))
            thread = threading.Thread(target=listening.serve_forever, daemon=True)
            thread.start()
            stack.callback(listening.shutdown)
            addresses[name] = f"http://127.0.0.1:{listening.server_port}"
        yield Hostile(addresses, servers)
