"""Memory is read over and over; what could not be read is a hole with its reason, and nothing is read after the end."""

import time
from collections.abc import Callable

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.observation.memory import MemoryReading
from pam_rollback.observation.memory_readings import MemoryWatch

_WITHIN_S = 10.0


def until(holds: Callable[[], bool]) -> None:
    """Wait for it."""
    end_s = time.monotonic() + _WITHIN_S
    while not holds():
        assert time.monotonic() < end_s
        time.sleep(0.005)


def test_what_is_read_and_what_is_not() -> None:
    """Every third reading fails, one of them by a defect: the others go on."""
    asked = 0

    def read() -> MemoryReading:
        nonlocal asked
        asked += 1
        if asked == 3:
            raise MeasurementFailed("memory is not known: HTTP 503")
        if asked == 6:
            raise ZeroDivisionError("a defect")
        return MemoryReading(time.monotonic(), 60.0 + asked)

    with MemoryWatch(read, every_s=0.01) as watch:
        until(lambda: len(watch.readings) >= 8)
    told = [one.why for one in watch.missed]

    assert told == ["memory is not known: HTTP 503", "memory is not known: ZeroDivisionError('a defect')"]
    assert [reading.mb for reading in watch.readings[:3]] == [61, 62, 64]


def test_nothing_is_read_after_the_end() -> None:
    """A session that goes on to its report does not keep asking."""
    asked: list[float] = []

    def read() -> MemoryReading:
        asked.append(time.monotonic())
        return MemoryReading(asked[-1], 60.0)

    watch = MemoryWatch(read, every_s=0.01)
    until(lambda: len(asked) >= 2)
    watch.stop()
    time.sleep(0.05)
    seen = len(asked)
    time.sleep(0.1)

    assert len(asked) == seen
