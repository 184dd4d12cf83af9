"""What ties an observing process to its parent: its configuration comes on stdin, and the end of stdin ends it.

The kernel closes the pipe however the parent dies, also by SIGKILL, and on every platform. It ends, too, when the machine has slept:
the clock that it counts by stood still meanwhile, so a record that went on would hide that nobody watched.
"""

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from functools import partial

_CONFIG_BYTES_MAX = 1 << 20
_STDIN = 0
SLEPT_MAX_S = 5.0
"""As a window tolerates a hole."""


def asleep_s() -> float:
    """How long this machine slept since it started, where its system counts that."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return 0.0 if boot is None else time.clock_gettime(boot) - time.monotonic()


def read_config_line() -> str:
    """Give the first line of stdin. Unbuffered, so that a thread may wait for the end of stdin afterwards."""
    line = bytearray()
    while b"\n" not in line:
        part = os.read(_STDIN, 65536)
        if not part or len(line) > _CONFIG_BYTES_MAX:
            sys.exit("expected the configuration as one line of JSON on stdin")
        line += part
    return line.partition(b"\n")[0].decode()


class Lifeline:
    """Says when this process has to end, and why. Create it inside the running event loop."""

    def __init__(self, *, max_run_s: float) -> None:
        self.reason = ""
        self.over = asyncio.Event()
        self._asleep_s = asleep_s()
        loop = asyncio.get_running_loop()
        # A terminal sends Ctrl-C and hang-ups to every process of the session; what they mean is the parent's decision.
        for ignored in (signal.SIGINT, signal.SIGHUP):
            signal.signal(ignored, signal.SIG_IGN)
        loop.add_signal_handler(signal.SIGTERM, self.end, "SIGTERM")
        loop.call_later(max_run_s, self.end, f"longest run of {max_run_s:g} s reached")
        end_soon = partial(loop.call_soon_threadsafe, self.end, "stdin closed")
        threading.Thread(target=_wait_for_end_of_stdin, args=(end_soon,), daemon=True).start()

    def end(self, reason: str) -> None:
        """Ask this process to end; the first reason stays."""
        self.reason = self.reason or reason
        self.over.set()

    async def over_before(self, moment_s: float) -> bool:
        """Sleep until the monotonic moment; true as soon as this process has to end."""
        slept_s = asleep_s() - self._asleep_s
        if slept_s > SLEPT_MAX_S and not self.over.is_set():
            self.end(f"this machine slept for {slept_s:.0f} s: what was then nobody knows")
            sys.stderr.write(f"{self.reason}\n")
        wait_s = moment_s - time.monotonic()
        if wait_s <= 0:
            # What is in flight gets its turn also when the ticks are behind.
            await asyncio.sleep(0)
            return self.over.is_set()
        try:
            async with asyncio.timeout(wait_s):
                await self.over.wait()
        except TimeoutError:
            return False
        return True


def _wait_for_end_of_stdin(end: Callable[[], object]) -> None:
    while os.read(_STDIN, 4096):
        pass
    end()
