"""Other people's requests: so many a second, open loop and bounded. Ends when its stdin closes, prints what became of them.

Usage: python load.py PORT RATE
"""

import asyncio
import contextlib
import json
import sys
import threading
import time
from collections import Counter

TIMEOUT_S = 1.0
OUTSTANDING_MAX = 400
LONGEST_S = 3600.0
_REQUEST = b"GET /load HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"


async def _one(port: int, counts: Counter[str]) -> None:
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(TIMEOUT_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(_REQUEST)
            answer = await reader.read()
            counts[answer[9:12].decode() or "closed"] += 1
    except TimeoutError:
        counts["no answer"] += 1
    except OSError:
        counts["refused"] += 1
    finally:
        if writer is not None:
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                await asyncio.wait_for(writer.wait_closed(), TIMEOUT_S)


async def main(port: int, rate_hz: float) -> None:
    """Send until stdin closes."""
    over, loop = asyncio.Event(), asyncio.get_running_loop()

    def wait_for_end() -> None:
        sys.stdin.read()
        loop.call_soon_threadsafe(over.set)

    threading.Thread(target=wait_for_end, daemon=True).start()
    counts: Counter[str] = Counter()
    outstanding: set[asyncio.Task[None]] = set()
    start_s = time.monotonic()
    number = 0
    while not over.is_set() and time.monotonic() - start_s < LONGEST_S:
        await asyncio.sleep(max(0.0, start_s + number / rate_hz - time.monotonic()))
        number += 1
        if len(outstanding) >= OUTSTANDING_MAX:
            counts["not sent"] += 1
            continue
        task = asyncio.create_task(_one(port, counts))
        outstanding.add(task)
        task.add_done_callback(outstanding.discard)
    took_s = time.monotonic() - start_s
    if outstanding:
        await asyncio.wait(outstanding, timeout=2 * TIMEOUT_S)
    print(json.dumps({"per_s": number / took_s, "answers": dict(counts)}), flush=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2])))
