"""A loopback server with known outages, by its own monotonic clock. It ends when its stdin closes.

Prints its port; takes one line of JSON, a list of acts ``[kind, start_s, end_s]``; at its end prints how late its own clock was read. What
becomes of a request is decided by the moment at which it has arrived whole:

error   503 at once
hole    accepted, never answered
slow    the good answer, SLOW_S later
"""

import asyncio
import json
import sys
import threading
import time
from functools import partial

SLOW_S = 0.7
_TICK_S = 0.01
_GOOD = b'{"status":"healthy","release":"1.42.0"}'


def _answer(status: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


GOOD, ERROR = _answer("200 OK", _GOOD), _answer("503 Service Unavailable", b'{"status":"down"}')


class Script:
    """What the server does, and when."""

    def __init__(self) -> None:
        self.acts: list[tuple[str, float, float]] = []

    def kind(self, now_s: float) -> str:
        """The act at this moment; empty when the service is good."""
        return next((kind for kind, start_s, end_s in self.acts if start_s <= now_s < end_s), "")


class Connection(asyncio.Protocol):
    """One request, one answer."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer once the head is whole; nobody here sends a body."""
        self._received += data
        if not self._received.endswith(b"\r\n\r\n"):
            return
        kind = self._script.kind(time.monotonic())
        if kind == "slow":
            asyncio.get_running_loop().call_later(SLOW_S, self._send, GOOD)
        elif kind != "hole":
            self._send(ERROR if kind == "error" else GOOD)

    def _send(self, answer: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(answer)
            self._transport.close()


async def main() -> None:
    """Serve until stdin closes."""
    script, over, loop = Script(), asyncio.Event(), asyncio.get_running_loop()
    listener = await loop.create_server(partial(Connection, script), "127.0.0.1", 0, backlog=1024)
    print(listener.sockets[0].getsockname()[1], flush=True)

    def listen() -> None:
        for line in sys.stdin:
            script.acts = [(kind, start_s, end_s) for kind, start_s, end_s in json.loads(line)]
        loop.call_soon_threadsafe(over.set)

    threading.Thread(target=listen, daemon=True).start()
    lags = []
    while not over.is_set():
        due_s = time.monotonic() + _TICK_S
        await asyncio.sleep(_TICK_S)
        lags.append(time.monotonic() - due_s)
    listener.close()
    lags.sort()
    print(json.dumps({"lag_p99_ms": lags[len(lags) * 99 // 100] * 1000, "lag_max_ms": lags[-1] * 1000}), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
