"""A host that serves a bare repository over HTTP to whoever has the token: git's own server program behind Python's."""

import base64
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass
class Host:
    """Its address, and what was asked of it."""

    address: str = ""
    credentials: list[str] = field(default_factory=list)
    answer: HTTPStatus = HTTPStatus.OK
    """Another one is given instead of the repository."""
    redirect: str = ""
    """Where it sends everybody."""
    page: bytes = b""
    """With HTTP 200 in the repository's place, as a hotel's network answers."""


class _Handler(BaseHTTPRequestHandler):
    """One request, answered for the host, repository and token of its subclass."""

    host: Host
    repository: Path
    token: str

    def do_GET(self) -> None:
        """Reads."""
        self.answer()

    def do_POST(self) -> None:
        """Writes, and larger reads."""
        self.answer()

    def answer(self) -> None:
        """What the host does about it."""
        scheme, _, encoded = self.headers.get("Authorization", "").partition(" ")
        shown = base64.b64decode(encoded).decode() if scheme == "Basic" else ""
        self.host.credentials.append(shown)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.host.redirect:
            self.reply(HTTPStatus.FOUND, {"Location": f"{self.host.redirect}{self.path}"}, b"")
        elif self.host.page:
            self.reply(HTTPStatus.OK, {"Content-Type": "text/html"}, self.host.page)
        elif self.host.answer != HTTPStatus.OK:
            self.reply(self.host.answer, {}, b"no")
        elif shown.partition(":")[2] != self.token:
            self.reply(HTTPStatus.UNAUTHORIZED, {"WWW-Authenticate": 'Basic realm="git"'}, b"")
        else:
            self.git(body)

    def git(self, body: bytes) -> None:
        """Let git's server program answer."""
        path, _, query = self.path.partition("?")
        variables = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.repository.parent),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REMOTE_USER": "rollback",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
        }
        said = subprocess.run(["git", "http-backend"], input=body, env=variables, capture_output=True, check=True)
        head, _, rest = said.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        status = HTTPStatus(int(headers.pop("Status", "200").split()[0]))
        self.reply(status, headers, rest)

    def reply(self, status: HTTPStatus, headers: dict[str, str], body: bytes) -> None:
        """Send it."""
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def served(repository: Path, token: str) -> Iterator[Host]:
    """Serve it on a free port of this machine."""
    host = Host()
    handler = type("Handler", (_Handler,), {"host": host, "repository": repository, "token": token})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        host.address = f"http://127.0.0.1:{server.server_address[1]}/{repository.name}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield host
        finally:
            server.shutdown()
            thread.join()
