"""What the how-tos add, taken out of their text; and Pier, a host that only that page knows, small and in memory."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

DOCS = Path(__file__).parents[1] / "docs"
FROM_OUTSIDE, INSIDE = DOCS / "reference" / "extending.md", DOCS / "how-to" / "write-a-check.md"
TOKEN = "pier-token-only-for-these-tests"
_DEPLOYS = ("page-kept-ready", "release-1", "release-2", "build-1", "build-2", "build-3")
_PREVIEW = "/preview/"
_BLOCK = re.compile(
    r"^```\w+\n(?:#|--) (?P<file>\S+\.\w+)(?:, (?P<how>added|in (?P<table>\[[\w.]+\])))?\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """One of the page: under which heading, of which file, and whether that is there already."""

    heading: str
    file: str
    text: str
    added: bool
    table: str
    """Of a TOML file, where the text is not for its end."""

    def put_into(self, folder: Path, place: Mapping[str, str]) -> None:
        """Write it; ``place`` says what stands where the page has an invented address."""
        path, text = folder / self.file, self.text
        for invented, real in place.items():
            text = text.replace(invented, real)
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.read_text(encoding="utf-8") if self.added or self.table else ""
        if self.table:
            assert f"\n{self.table}\n" in before, self
            text = before.replace(f"\n{self.table}\n", f"\n{self.table}\n{text}", 1)
        else:
            assert self.added or not path.exists(), self
            text = f"{before}\n{text}" if before else text
        path.write_text(text, encoding="utf-8")


def blocks(page: Path = FROM_OUTSIDE) -> list[Block]:
    """All that a page adds, in its order."""
    found = []
    for part in page.read_text(encoding="utf-8").split("\n## ")[1:]:
        for block in _BLOCK.finditer(part):
            added, table = block["how"] == "added", block["table"] or ""
            found.append(Block(part.partition("\n")[0], block["file"], block["text"], added, table))
    return found


def commands() -> list[list[str]]:
    """The arguments of each session that the page shows."""
    [text] = re.findall(r"^```console\n(.*?)^```$", FROM_OUTSIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    lines = text.replace("\\\n", " ").splitlines()
    return [[part.strip('"') for part in re.findall(r'"[^"]*"|\S+', line.removeprefix("pytest "))] for line in lines]


@dataclass
class Pier:
    """One site, its deploys, and what was asked for."""

    url: str = ""
    live: str = "release-2"
    asked: list[str] = field(default_factory=list)
    deploys: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {
            name: _made(name, hour, live=not name.startswith("build")) for hour, name in enumerate(_DEPLOYS)
        }
    )

    def answer(self, method: str, path: str) -> tuple[int, object]:
        """As Pier would."""
        if path == "/pier":
            return HTTPStatus.OK, {"status": "open"}
        match path.removeprefix("/sites/pam").strip("/").split("/"):
            case ["live"]:
                return HTTPStatus.OK, self._told(self.live)
            case ["deploys"]:
                return HTTPStatus.OK, [self._told(name) for name in reversed(self.deploys)]
            case ["deploys", name] if name in self.deploys:
                return HTTPStatus.OK, self._told(name)
            case ["deploys", name, what] if name in self.deploys and method == "POST":
                self.asked.append(f"{what} {name}")
                self._do(what, self.deploys[name])
                return HTTPStatus.OK, self._told(name)
        return HTTPStatus.NOT_FOUND, {"message": "no such thing"}

    def _told(self, name: str) -> dict[str, Any]:
        return {**self.deploys[name], "page": f"{self.url}{_PREVIEW}{name}"}

    def _do(self, what: str, deploy: dict[str, Any]) -> None:
        match what:
            case "live":
                self.live, deploy["live_at"] = deploy["id"], _at(9)
            case "stop":
                deploy["state"] = "stopped"
            case "lock" | "unlock":
                deploy["locked"] = what == "lock"


def _made(name: str, hour: int, *, live: bool) -> dict[str, Any]:
    at = _at(hour)
    state = "ready" if live else "building"
    return {"id": name, "state": state, "made_at": at, "live_at": at if live else None, "locked": False}


def _at(hour: int) -> str:
    return f"2026-11-02T{hour:02}:00:00Z"


@contextmanager
def pier() -> Iterator[Pier]:
    """Serve the site and its host's API on a free port of this machine; each visitor gets the page of what is live."""
    host = Pier()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.path == "/" or self.path.startswith(_PREVIEW):
                shown = self.path.removeprefix(_PREVIEW).strip("/") or host.live
                return self._send(HTTPStatus.OK, "text/html", f"<!doctype html><title>PAM</title><p>{shown}</p>")
            status, told = host.answer(self.command, self.path)
            if self.path.startswith("/sites/") and self.headers.get("Authorization") != f"Bearer {TOKEN}":
                status, told = HTTPStatus.UNAUTHORIZED, {"message": "who are you?"}
            return self._send(status, "application/json", json.dumps(told))

        def _send(self, status: int, content_type: str, text: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        host.url = f"http://127.0.0.1:{server.server_address[1]}"
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield host
        finally:
            server.shutdown()
