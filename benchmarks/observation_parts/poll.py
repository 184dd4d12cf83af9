"""The usual way to watch a service: ask every so many seconds. Ends when its stdin closes, prints every poll as ``[sent_s, ok]``.

Usage: python poll.py PORT EVERY_S SLOW_MS
"""

import http.client
import json
import sys
import threading
import time


def main(port: int, every_s: float, slow_ms: float) -> None:
    """Poll on fixed ticks; no answer within one tick is bad, and so is one later than ``slow_ms``."""
    over = threading.Event()

    def wait_for_end() -> None:
        sys.stdin.read()
        over.set()

    threading.Thread(target=wait_for_end, daemon=True).start()
    polls: list[tuple[float, bool]] = []
    due_s = time.monotonic()
    while not over.wait(max(0.0, due_s - time.monotonic())):
        sent_s = time.monotonic()
        polls.append((sent_s, _good(port, every_s) and (time.monotonic() - sent_s) * 1000 <= slow_ms))
        due_s += every_s
    print(json.dumps(polls), flush=True)


def _good(port: int, timeout_s: float) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    try:
        connection.request("GET", "/health")
        answer = connection.getresponse()
        return answer.status == http.HTTPStatus.OK and json.loads(answer.read())["status"] == "healthy"
    except (OSError, http.client.HTTPException, ValueError, KeyError):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]))
