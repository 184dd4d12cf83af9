"""The proxy in front of a stand-in for a release that does what a real one never should, and a client."""

import asyncio
import contextlib
import sys
import textwrap
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from pam_rollback.sandbox.children import Children
from pam_rollback.sandbox.edge import Edge
from pam_rollback.sandbox.faults import PlantedFaults
from pam_rollback.sandbox.fleet import Fleet
from pam_rollback.sandbox.releases import ProductSecrets, Release, ReleaseSpec

PRODUCT = ProductSecrets(
    dsn="",
    admin_token="a",
    emergency_token="e",
    jwt_secret="j",
    internal_token="i",
    frontend_origin="http://127.0.0.1:1",
)
STABLE, CANDIDATE = ReleaseSpec("stable", "1.0.0", "c0ffee"), ReleaseSpec("candidate", "2.0.0", "c0ffee")
STAND_IN = textwrap.dedent(
    """
    import json, os, pathlib, socket, sys, threading, time
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    line = json.loads(sys.stdin.readline())
    told_to_go_on = pathlib.Path(__file__).with_name("go-on")

    def wait():
        end_s = time.monotonic() + 10
        while not told_to_go_on.exists() and time.monotonic() < end_s:
            time.sleep(0.01)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            length = self.headers.get("Content-Length")
            if self.headers.get("Transfer-Encoding") == "chunked":
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
            else:
                body = self.rfile.read(int(length or 0))
            if self.path.startswith("/die?"):
                self.send_response(200)
                self.send_header("Content-Length", self.path.partition("?")[2])
                self.end_headers()
                self.wfile.write(b"half")
                os._exit(3)
            if self.path == "/slow":
                wait()
            if self.path == "/stream":
                self.send_response(200)
                self.send_header("Content-Type", "text/plain")
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                self.wfile.write(b"5\\r\\nfirst\\r\\n")
                wait()
                self.wfile.write(b"6\\r\\nsecond\\r\\n0\\r\\n\\r\\n")
                return
            told = json.dumps({
                "release": line["version"], "method": self.command, "path": self.path, "length": len(body),
                "headers": {name.lower(): value for name, value in self.headers.items()},
            }).encode()
            self.send_response(418 if self.path == "/teapot" else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(told)))
            self.send_header("Set-Cookie", "a=1")
            self.send_header("Set-Cookie", "b=2")
            self.send_header("Connection", "keep-alive, X-Private")
            self.send_header("X-Private", "between neighbours")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(told)

        do_HEAD = do_POST = do_PUT = do_DELETE = do_GET

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print("listening", server.server_port, flush=True)
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    server.serve_forever()
    """
)


class Scene:
    """A stand-in behind an edge, a second one that can be started, and a client."""

    def __init__(
        self,
        folder: Path,
        fleet: Fleet,
        faults: PlantedFaults,
        edge: Edge,
        port: int,
        client: aiohttp.ClientSession,
    ) -> None:
        self.folder = folder
        self.fleet = fleet
        self.faults = faults
        self.edge = edge
        self.port = port
        self.client = client

    def url(self, path: str) -> str:
        """An address of the edge."""
        return f"http://127.0.0.1:{self.port}{path}"

    def go_on(self) -> None:
        """Let the stand-ins end what they hold back: ``/slow``, and the second half of ``/stream``."""
        (self.folder / "go-on").touch()

    async def told(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        """What the stand-in got."""
        async with self.client.request(method, self.url(path), **more) as answer:
            found: dict[str, Any] = await answer.json()
            return found


@contextlib.asynccontextmanager
async def scene(folder: Path) -> AsyncIterator[Scene]:
    """Start it, and end it."""
    (folder / "stand_in.py").write_text(STAND_IN, encoding="utf-8")
    command = (sys.executable, str(folder / "stand_in.py"))
    children, faults = Children(), PlantedFaults()

    def release(spec: ReleaseSpec) -> Release:
        return Release(spec, children=children, logs=folder, command=command)

    fleet = Fleet(release(CANDIDATE), make=release)
    edge = Edge(fleet, faults, page=lambda: b"<!doctype html>")
    runner = web.ServerRunner(web.Server(edge.handle, access_log=None, handler_cancellation=True), shutdown_timeout=0.2)
    try:
        fleet.live.spawn()
        await fleet.open(PRODUCT)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client:
            yield Scene(folder, fleet, faults, edge, runner.addresses[0][1], client)
    finally:
        await runner.cleanup()
        await fleet.close()
        children.close()


def play(folder: Path, story: Callable[[Scene], Awaitable[None]]) -> None:
    """Run a story on a scene."""

    async def run() -> None:
        async with scene(folder) as found:
            await story(found)

    asyncio.run(run())
