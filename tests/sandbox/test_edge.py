"""The proxy in front of the releases, in front of a stand-in that does what a real release never should."""

import asyncio
import contextlib
import io
import json
import socket
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from pam_rollback.sandbox.children import Children
from pam_rollback.sandbox.edge import Edge
from pam_rollback.sandbox.faults import PlantedFaults, read_fault
from pam_rollback.sandbox.fleet import Fleet
from pam_rollback.sandbox.problems import RangeError
from pam_rollback.sandbox.releases import ProductSecrets, Release, ReleaseSpec
from pam_rollback.sandbox.second_address import SecondAddress

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
    import json, os, socket, sys, threading, time
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    line = json.loads(sys.stdin.readline())

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
                time.sleep(0.4)
            if self.path == "/stream":
                self.send_response(200)
                self.send_header("Content-Type", "text/plain")
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                for piece in (b"first", b"second"):
                    self.wfile.write(b"%x\\r\\n%s\\r\\n" % (len(piece), piece))
                    time.sleep(0.5)
                self.wfile.write(b"0\\r\\n\\r\\n")
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
        self, fleet: Fleet, faults: PlantedFaults, edge: Edge, port: int, client: aiohttp.ClientSession
    ) -> None:
        self.fleet = fleet
        self.faults = faults
        self.edge = edge
        self.port = port
        self.client = client

    def url(self, path: str) -> str:
        """An address of the edge."""
        return f"http://127.0.0.1:{self.port}{path}"

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
            yield Scene(fleet, faults, edge, runner.addresses[0][1], client)
    finally:
        await runner.cleanup()
        await fleet.close()
        children.close()


async def ended(release: Release) -> None:
    """Wait until its process is gone."""
    end_s = time.monotonic() + 5
    while release.pid is not None:
        assert time.monotonic() < end_s
        await asyncio.sleep(0.01)


def play(folder: Path, story: Callable[[Scene], Awaitable[None]]) -> None:
    """Run a story on a scene."""

    async def run() -> None:
        async with scene(folder) as found:
            await story(found)

    asyncio.run(run())


def test_a_request_arrives_as_it_was_sent(tmp_path: Path) -> None:
    """Method, escaped path, query, body and headers are the client's; what is between neighbours only is not passed on."""

    async def story(found: Scene) -> None:
        told = await found.told(
            "POST",
            "/a%2Fb//c?q=%20x&q=y",
            data=b"x" * 1000,
            headers={"Authorization": "Bearer t", "Connection": "X-Hop", "X-Hop": "1", "TE": "trailers"},
        )
        assert (told["method"], told["path"], told["length"]) == ("POST", "/a%2Fb//c?q=%20x&q=y", 1000)
        assert told["headers"]["authorization"] == "Bearer t"
        assert told["headers"]["host"] == f"127.0.0.1:{found.port}"
        assert told["headers"]["x-forwarded-for"] == "127.0.0.1"
        assert not {"x-hop", "te"} & set(told["headers"])

    play(tmp_path, story)


def test_an_answer_arrives_as_it_was_given(tmp_path: Path) -> None:
    """Status, repeated headers and HEAD are the release's."""

    async def story(found: Scene) -> None:
        async with found.client.get(found.url("/teapot")) as answer:
            assert (answer.status, answer.headers.getall("Set-Cookie")) == (418, ["a=1", "b=2"])
            assert "X-Private" not in answer.headers
        async with found.client.head(found.url("/")) as answer:
            assert (answer.status, await answer.read()) == (200, b"")
            assert int(answer.headers["Content-Length"]) > 0

    play(tmp_path, story)


@pytest.mark.parametrize("size", [0, 65_536, 65_537, 3_000_000])
def test_a_body_of_any_size_goes_through(tmp_path: Path, size: int) -> None:
    """Small bodies travel in one piece, large ones stream, with a length or in chunks."""

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, size, 100_000):
            yield b"x" * min(100_000, size - start)

    async def story(found: Scene) -> None:
        assert (await found.told("PUT", "/", data=io.BytesIO(b"x" * size)))["length"] == size
        assert (await found.told("PUT", "/", data=pieces()))["length"] == size

    play(tmp_path, story)


def test_an_answer_streams(tmp_path: Path) -> None:
    """The first part is not held back until the last is there."""

    async def story(found: Scene) -> None:
        began_s = time.monotonic()
        async with found.client.get(found.url("/stream")) as answer:
            assert await answer.content.readany() == b"first"
            first_s = time.monotonic() - began_s
            assert await answer.read() == b"second"
        assert first_s < 0.4

    play(tmp_path, story)


def test_the_ranges_own_switches_are_not_to_be_had(tmp_path: Path) -> None:
    """Nobody outside reaches the fault switches of a release, however the path is spelt; and it does not count as traffic."""

    async def story(found: Scene) -> None:
        for path in (
            "/__range__/faults",
            "/%5F_range__/faults",
            "/__range__",
            "//__range__/faults",
            "/x/__range__/faults",
        ):
            _, writer, text = await raw(found.port, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            writer.close()
            assert text.startswith("HTTP/1.1 404"), path
        assert found.edge.counts.as_mapping() == {}

    play(tmp_path, story)


async def raw(port: int, text: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, str]:
    """Send bytes and read until the other side closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(text.encode())
    return reader, writer, (await reader.read()).decode()


def test_traffic_moves_with_the_next_request_and_the_old_release_drains(tmp_path: Path) -> None:
    """A request that is on its way ends where it is; the next one goes to the new release, on the same connection, too."""

    async def story(found: Scene) -> None:
        stable, candidate = await found.fleet.start(STABLE), found.fleet.live
        slow = asyncio.create_task(found.told("GET", "/slow"))
        while candidate.in_flight == 0:  # noqa: ASYNC110  (a counter has no event)
            await asyncio.sleep(0.01)
        found.fleet.move_to(stable)
        assert (await found.told("GET", "/"))["release"] == "1.0.0"
        assert (candidate.in_flight, candidate.pid is None) == (1, False)
        assert (await slow)["release"] == "2.0.0"
        assert candidate.in_flight == 0
        await ended(candidate)

    play(tmp_path, story)


def test_traffic_stays_when_the_new_release_is_not_healthy(tmp_path: Path) -> None:
    """Nothing moves to a release that is down, and nothing of it stays."""

    async def story(found: Scene) -> None:
        await found.fleet.take_down("stable", "killed")
        with pytest.raises(RangeError, match="release stable: expected a healthy answer"):
            await found.fleet.start(STABLE)
        with pytest.raises(RangeError, match="expected stable or candidate, found 'stabel'"):
            await found.fleet.take_down("stabel", "killed")
        assert found.fleet.running("stable") == ()
        assert (await found.told("GET", "/"))["release"] == "2.0.0"

    play(tmp_path, story)


def test_the_second_address_has_its_own_release(tmp_path: Path) -> None:
    """The stable release answers there, started once by the first requests; users still get the candidate, and only theirs are counted."""

    async def story(found: Scene) -> None:
        second = SecondAddress(found.fleet, STABLE)
        runner = web.ServerRunner(web.Server(second.handle, access_log=None), shutdown_timeout=0.2)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            answers = await asyncio.gather(*(found.client.get(f"{url}/which") for _ in range(5)))
            assert [(await answer.json())["release"] for answer in answers] == ["1.0.0"] * 5
            assert len(found.fleet.running("stable")) == 1
            assert (await found.client.get(f"{url}/__range__/faults")).status == 404
            assert (await found.told("GET", "/which"))["release"] == "2.0.0"
            assert found.edge.counts.as_mapping() == {"GET /which": 1}
        finally:
            await runner.cleanup()

    play(tmp_path, story)


def test_a_dead_release_is_a_plain_502(tmp_path: Path) -> None:
    """The edge says which release does not answer, in JSON; and serves again when it is back."""

    async def story(found: Scene) -> None:
        release = found.fleet.live
        await release.kill()
        async with found.client.get(found.url("/")) as answer:
            assert (answer.status, (await answer.json())["detail"]) == (502, "bad gateway")
        await release.restart()
        assert (await found.told("GET", "/"))["release"] == "2.0.0"

    play(tmp_path, story)


def test_a_release_that_dies_in_the_middle_is_seen_as_such(tmp_path: Path) -> None:
    """Half an answer is not passed off as a whole one: a 502 when nothing was sent yet, else a cut connection."""

    async def story(found: Scene) -> None:
        async with found.client.get(found.url("/die?100")) as answer:
            assert answer.status == 502
        await found.fleet.live.restart()
        with pytest.raises(aiohttp.ClientError):
            async with found.client.get(found.url("/die?1000000")) as answer:
                await answer.read()

    play(tmp_path, story)


def test_a_client_that_leaves_frees_its_place(tmp_path: Path) -> None:
    """Clients with time-outs do not pile up in the count of requests on their way."""

    async def story(found: Scene) -> None:
        release = found.fleet.live
        release.freeze()
        with pytest.raises(TimeoutError):
            await found.told("GET", "/", timeout=aiohttp.ClientTimeout(total=0.3))
        end_s = time.monotonic() + 5
        while release.in_flight:
            assert time.monotonic() < end_s
            await asyncio.sleep(0.01)
        release.thaw()
        assert (await found.told("GET", "/"))["release"] == "2.0.0"

    play(tmp_path, story)


def test_requests_are_counted_by_method_and_path(tmp_path: Path) -> None:
    """A test can count how often an action was done; numbers and UUIDs do not make the table endless."""

    async def story(found: Scene) -> None:
        for path in ("/expenses/1", "/expenses/22", "/chats/9f1c0a52-6f1d-4a7e-8f36-0b7f3f5f9f11", "/expenses/1?x=2"):
            await found.told("DELETE", path)
        assert found.edge.counts.as_mapping() == {"DELETE /expenses/{id}": 3, "DELETE /chats/{id}": 1}

    play(tmp_path, story)


def test_a_release_that_does_not_start_says_its_last_words(tmp_path: Path) -> None:
    """A product that breaks on start is one message with what it printed."""

    async def start() -> None:
        children = Children()
        words = "import sys; sys.exit('no module named wheels')"
        release = Release(
            ReleaseSpec("candidate", "2.0.0", "c"),
            children=children,
            logs=tmp_path,
            command=(sys.executable, "-c", words),
        )
        try:
            release.spawn()
            await release.configure(PRODUCT)
        finally:
            await release.end()
            children.close()

    with pytest.raises(
        RangeError, match=r"(?s)release candidate: expected the line .* exit code 1\nno module named wheels"
    ):
        asyncio.run(start())


def test_the_stand_in_is_told_the_contract(tmp_path: Path) -> None:
    """A release gets everything it needs in one JSON line, so that no secret stands in an argument."""
    (tmp_path / "show.py").write_text(
        "import sys; print(sys.stdin.readline(), file=sys.stderr); print('listening 1')", encoding="utf-8"
    )

    async def start() -> None:
        children = Children()
        command = (sys.executable, str(tmp_path / "show.py"))
        release = Release(ReleaseSpec("stable", "1.0.0", "c"), children=children, logs=tmp_path, command=command)
        release.spawn()
        await release.configure(PRODUCT)
        await release.end()
        children.close()

    asyncio.run(start())
    line = json.loads((tmp_path / "stable.err.log").read_text(encoding="utf-8"))

    assert line == {"release": "stable", "version": "1.0.0", "commit": "c", "port": 0, **vars(PRODUCT)}


def test_only_loopback_listens(tmp_path: Path) -> None:
    """Another machine finds nothing."""

    async def story(found: Scene) -> None:
        hostname_addresses = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
        for address in hostname_addresses - {"127.0.0.1", "127.0.1.1"}:
            with pytest.raises(OSError, match="Connect"):
                await asyncio.open_connection(str(address), found.port)

    play(tmp_path, story)


def test_a_spoilt_answer_to_a_body_leaves_the_next_request_alone(tmp_path: Path) -> None:
    """The true answer is asked for without the body, so nobody waits for one and takes the next request for it."""

    async def story(found: Scene) -> None:
        found.faults.add(read_fault("answers-503-healthy", {"path": "/spoilt", "server": "api"}))
        async with found.client.post(found.url("/spoilt"), json={"message": "x" * 100}) as answer:
            body = await answer.json()
        assert (answer.status, body["path"], body["length"]) == (503, "/spoilt", 0)
        for _ in range(3):
            told = await found.told("GET", "/next")
            assert (told["method"], told["path"], told["length"]) == ("GET", "/next", 0)

    play(tmp_path, story)
