"""A loopback server to load. It ends when its stdin closes; at its end it prints its own record of each request, as JSON.

Takes how it answers: ``plain``; ``latency`` adds 50 to 400 ms, another time for each request; ``outage`` answers 503 between two moments,
counted from the first request. Prints its port first.
"""

import asyncio
import json
import random
import sys
import threading
import time

_SEED = 6
_LATENCY_S = (0.05, 0.4)
OUTAGE_S = (30.0, 33.0)
_HEAD_END = b"\r\n\r\n"


def _answer(status: str, body: bytes) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


GOOD, DOWN = _answer("200 OK", b'{"status":"healthy"}'), _answer("503 Service Unavailable", b'{"status":"down"}')


class Record:
    """How it answers, and what it has answered."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.latencies_ms: list[float] = []
        self.bad = 0
        self._chance = random.Random(_SEED)  # noqa: S311 - no secret
        self._first_s = 0.0

    def delay_s(self) -> float:
        """What it adds to this request."""
        return self._chance.uniform(*_LATENCY_S) if self.kind == "latency" else 0.0

    def down(self) -> bool:
        """Whether it is, at this moment."""
        self._first_s = self._first_s or time.monotonic()
        return self.kind == "outage" and OUTAGE_S[0] <= time.monotonic() - self._first_s < OUTAGE_S[1]


class Connection(asyncio.Protocol):
    """Requests without bodies, one after the other."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer once the head is whole."""
        arrived_s = time.monotonic()
        self._received += data
        if not self._received.endswith(_HEAD_END):
            return
        self._received = b""
        if self._record.kind == "plain":
            assert self._transport is not None
            self._transport.write(GOOD)
        else:
            down = self._record.down()
            self._record.bad += down
            asyncio.get_running_loop().call_later(self._record.delay_s(), self._send, DOWN if down else GOOD, arrived_s)

    def _send(self, answer: bytes, arrived_s: float) -> None:
        assert self._transport is not None
        self._transport.write(answer)
        self._record.latencies_ms.append((time.monotonic() - arrived_s) * 1000)


async def _main(kind: str) -> None:
    record, loop, over = Record(kind), asyncio.get_running_loop(), asyncio.Event()
    server = await loop.create_server(lambda: Connection(record), "127.0.0.1", 0, backlog=1024)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()

    def wait_for_end_of_stdin() -> None:
        sys.stdin.read()
        loop.call_soon_threadsafe(over.set)

    threading.Thread(target=wait_for_end_of_stdin, daemon=True).start()
    await over.wait()
    server.close()
    sys.stdout.write(json.dumps({"latencies_ms": record.latencies_ms, "bad": record.bad}) + "\n")


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1]))
