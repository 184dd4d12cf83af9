"""Reads the memory of the product's process over and over, beside the session, as long as it is watched."""

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.records.memory import MemoryReading
from pam_rollback.records.memory_window import MissedReading


class MemoryWatch:
    """A thread that reads every ``every_s`` seconds. Also a context manager that ends it.

    What could not be read is kept with its reason and is a hole, never a reading. Should the thread itself end, that is a hole too.
    """

    def __init__(self, read: Callable[[], MemoryReading], every_s: float) -> None:
        self._read = read
        self._every_s = every_s
        self._readings: list[MemoryReading] = []
        self._missed: list[MissedReading] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="memory watch", daemon=True)
        self._thread.start()

    @property
    def readings(self) -> tuple[MemoryReading, ...]:
        """Everything that was read so far."""
        return tuple(self._readings)

    @property
    def missed(self) -> tuple[MissedReading, ...]:
        """Every moment at which it could not be read, and why."""
        return tuple(self._missed)

    def stop(self) -> None:
        """End the reading. A request that is under way ends by its own deadline; nobody waits for it."""
        self._over.set()

    def _run(self) -> None:
        while not self._over.is_set():
            began_s = time.monotonic()
            try:
                self._readings.append(self._read())
            except MeasurementFailed as problem:
                self._missed.append(MissedReading(time.monotonic(), str(problem), problem.cause))
            except Exception as defect:  # noqa: BLE001 - a thread's defect would be seen by nobody: it is told as the reason of the hole
                self._missed.append(MissedReading(time.monotonic(), f"memory is not known: {defect!r}"))
            self._over.wait(max(0.0, self._every_s - (time.monotonic() - began_s)))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
