"""What the back end really did, by seconds: answers by status, how long they took, and the memory of the live release's process."""

import asyncio
import os
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from pam_rollback.sandbox.fleet import Fleet

GIVEN_UP = 499
"""The status of a request whose client did not wait for the answer."""
_KEPT_S = 3600
_READ_EVERY_S = 0.5
_PROC = Path("/proc")


@dataclass
class Second:
    """One second, by the machine's clock."""

    statuses: Counter[int] = field(default_factory=Counter)
    durations_ms: list[float] = field(default_factory=list)
    memory_bytes: dict[str, int] = field(default_factory=dict)
    """By process; the most that was seen."""


class ServiceRecords:
    """The latest hour."""

    def __init__(self) -> None:
        self._seconds: dict[int, Second] = {}

    def note_answer(self, status: int, duration_ms: float) -> None:
        """Count one request at the moment of its end."""
        second = self._now()
        second.statuses[status] += 1
        second.durations_ms.append(duration_ms)

    def note_memory(self, process: str, held_bytes: int) -> None:
        """Remember what a process holds now."""
        memory = self._now().memory_bytes
        memory[process] = max(held_bytes, memory.get(process, 0))

    def steps(self, since: float, until: float, step_s: int) -> Iterator[tuple[int, list[Second]]]:
        """Give each step that something was noted in, by its first second; steps begin at multiples of their length since 1970."""
        by_step: dict[int, list[Second]] = {}
        for moment, second in self._seconds.items():
            begin = moment - moment % step_s
            if since <= begin <= until:
                by_step.setdefault(begin, []).append(second)
        yield from sorted(by_step.items())

    async def watch(self, fleet: Fleet) -> None:
        """Note the memory of the live release's process, again and again, until cancelled."""
        while True:
            pid = fleet.live.pid
            if pid is not None:
                # The process may end between the question and the answer: then there is nothing to note.
                with suppress(OSError, ValueError, IndexError, subprocess.SubprocessError):
                    self.note_memory(str(pid), await asyncio.to_thread(_resident_bytes, pid))
            await asyncio.sleep(_READ_EVERY_S)

    def _now(self) -> Second:
        moment = int(time.time())
        found = self._seconds.get(moment)
        if found is None:
            found = self._seconds[moment] = Second()
            for old in [known for known in self._seconds if known < moment - _KEPT_S]:
                del self._seconds[old]
        return found


def _resident_bytes(pid: int) -> int:
    if _PROC.is_dir():
        pages = (_PROC / str(pid) / "statm").read_text(encoding="ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")
    told = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, timeout=5, check=True)  # noqa: S603, S607 - our own child's number
    return int(told.stdout) * 1024
