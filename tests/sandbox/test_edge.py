"""The proxy in front of the releases passes on what it gets, and only that."""

import asyncio
import io
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from pam_rollback.sandbox.faults import read_fault
from tests.sandbox.edge_scene import Scene, play


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
        async with found.client.get(found.url("/stream")) as answer:
            assert await answer.content.readany() == b"first"
            found.go_on()
            assert await answer.read() == b"second"

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


async def raw(port: int, text: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, str]:
    """Send bytes and read until the other side closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(text.encode())
    return reader, writer, (await reader.read()).decode()
