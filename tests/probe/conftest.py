"""A real loopback server that misbehaves by a script on the monotonic clock, so that the truth is known exactly."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qs, urlsplit

import pytest


@dataclass(frozen=True)
class Request:
    """One request as it arrived."""

    at_s: float
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """What the server sends, and how badly."""

    status: int = 200
    content_type: str = "application/json"
    body: bytes = b'{"status":"healthy","release":"1.42.0"}'
    after_s: float = 0.0
    """Wait before answering."""
    promised_bytes: int | None = None
    """A Content-Length that is not kept: the connection is closed after ``body``."""
    drip: bool = False
    """Headers, then one byte after the other, without end."""
    raw: bytes | None = None
    """Exactly these bytes instead of an answer."""


HEALTHY = Reply()


@dataclass
class Server:
    """Answers by ``respond``, in a thread of its own."""

    respond: Callable[[Request], Reply] = lambda _: HEALTHY
    requests: list[Request] = field(default_factory=list)
    url: str = ""
    _port: int = 0
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _listener: asyncio.Server | None = None

    def healthy(self) -> Reply:
        """Give the good answer, from which bad ones are made."""
        return HEALTHY

    def json(self, document: object, status: int = 200) -> Reply:
        """Give an answer of this JSON document."""
        return replace(HEALTHY, status=status, body=json.dumps(document).encode())

    def script(self, *acts: tuple[float, float, Callable[[float], Reply]]) -> None:
        """Healthy, but between two monotonic moments what the act says; it is told when the act ends."""

        def respond(request: Request) -> Reply:
            for start_s, end_s, act in acts:
                if start_s <= request.at_s < end_s:
                    return act(end_s)
            return HEALTHY

        self.respond = respond

    def listen(self) -> None:
        """Accept connections (again)."""

        async def listen() -> asyncio.Server:
            return await asyncio.start_server(self._serve, "127.0.0.1", self._port)

        self._listener = asyncio.run_coroutine_threadsafe(listen(), self._loop).result(5)
        self._port = self._listener.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"

    def refuse(self) -> None:
        """Close the listening socket: connections are refused."""
        assert self._listener is not None
        self._loop.call_soon_threadsafe(self._listener.close)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await _parsed(reader)
            self.requests.append(request)
            await _send(self.respond(request), writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client has gone, or the test is over
        finally:
            writer.close()


async def _parsed(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    at_s = time.monotonic()
    method, target, _ = head[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    address = urlsplit(target)
    return Request(at_s, method, address.path, parse_qs(address.query), headers, body)


async def _send(reply: Reply, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(reply.after_s)
    if reply.raw is not None:
        writer.write(reply.raw)
    else:
        length = len(reply.body) if reply.promised_bytes is None else reply.promised_bytes
        framing = "" if reply.drip else f"Content-Length: {length}\r\n"
        head = f"HTTP/1.1 {reply.status} X\r\nContent-Type: {reply.content_type}\r\n{framing}Connection: close\r\n\r\n"
        writer.write(head.encode() + reply.body)
    while reply.drip:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.05)
    await writer.drain()


@pytest.fixture
def server() -> Iterator[Server]:
    """Give a healthy server on a free loopback port; tests script its troubles."""
    made = Server()
    thread = threading.Thread(target=made._loop.run_forever)
    thread.start()
    made.listen()
    yield made

    async def end() -> None:
        assert made._listener is not None
        made._listener.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    asyncio.run_coroutine_threadsafe(end(), made._loop).result(5)
    made._loop.call_soon_threadsafe(made._loop.stop)
    thread.join(5)
    made._loop.close()
