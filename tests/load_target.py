"""A loopback server for load tests: it keeps connections, remembers what it was asked, and hangs or misbehaves when it is told to."""

import asyncio
import json
import ssl
import threading
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    at_s: float
    method: str
    path: str
    query: str
    head: str
    body: bytes

    def header(self, name: str) -> str:
        """The header's value; empty when it was not sent."""
        lines = (line.partition(":") for line in self.head.split("\r\n")[1:])
        return next((value.strip() for found, _, value in lines if found.lower() == name), "")


class LoadTarget:
    """Answers ``{"status": "healthy"}`` and gives tokens at /login, in a thread of its own."""

    def __init__(self, host: str = "127.0.0.1", encrypted: ssl.SSLContext | None = None) -> None:
        self.requests: list[Asked] = []
        self.replies: dict[str, bytes] = {}
        """Exactly these bytes for a path; empty: the connection is closed. One without all that it promises is closed after it."""
        self.after_s = 0.0
        self.tokens = 1
        """Only the latest one is good: one more ends every session."""
        self.url = ""
        self.begun_s = 0.0
        """When the first request came that was no sign-in, by the monotonic clock."""
        self._host = host
        self._encrypted = encrypted
        self._hang = (0.0, 0.0)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def hang(self, *, from_s: float, until_s: float) -> None:
        """Answer nothing between these moments, counted from the first request; then answer all at once."""
        self._hang = (from_s, until_s)

    def __enter__(self) -> Self:
        """Listen on a free port."""
        self._thread.start()
        listening = asyncio.start_server(self._serve, self._host, 0, backlog=1024, ssl=self._encrypted)
        self._listener = asyncio.run_coroutine_threadsafe(listening, self._loop).result(5)
        port = self._listener.sockets[0].getsockname()[1]
        self.url = f"http://{self._host}:{port}" if self._encrypted is None else f"https://localhost:{port}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close everything."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _end(self) -> None:
        self._listener.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._answered(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client has gone, or the test is over
        finally:
            writer.close()

    async def _answered(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection is kept."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, target, _ = head.split("\r\n", 1)[0].split(" ")
        path, _, query = target.partition("?")
        asked = Asked(time.monotonic(), method, path, query, head, b"")
        body = await reader.readexactly(int(asked.header("content-length") or "0"))
        signs_in = path == "/login"
        if not signs_in and not self.begun_s:
            self.begun_s = asked.at_s
        self.requests.append(Asked(asked.at_s, method, path, query, head, body))
        hangs_from_s, hangs_until_s = self._hang
        if hangs_until_s and self.begun_s and hangs_from_s <= time.monotonic() - self.begun_s < hangs_until_s:
            await asyncio.sleep(self.begun_s + hangs_until_s - time.monotonic())
        await asyncio.sleep(self.after_s)
        if path in self.replies:
            writer.write(self.replies[path])
            await writer.drain()
            return bool(self.replies[path]) and path != "/broken"
        token = asked.header("authorization")
        status = b"401 Unauthorized" if token and token != f"Bearer token-{self.tokens}" else b"200 OK"
        content = json.dumps({"access_token": f"token-{self.tokens}"} if signs_in else {"status": "healthy"}).encode()
        before = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (status, len(content))
        writer.write(before + content)
        await writer.drain()
        return True
