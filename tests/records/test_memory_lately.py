"""What memory did lately: one reading at each call, or those of the servers' records, and never those of a process that is gone."""

import time

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.probe.memory import MemoryReading
from pam_rollback.records.memory_lately import KEPT, Kept, recorded
from pam_rollback.stats.series import Point, Quantity, Series


def test_a_day_of_readings_holds_twenty() -> None:
    """The latest, in order of time."""
    taken = iter(MemoryReading(60.0 * number, 50.0) for number in range(1440))
    lately = Kept(lambda: next(taken))
    for _ in range(1439):
        lately()

    assert [one.at_s for one in lately()] == [60.0 * number for number in range(1440 - KEPT, 1440)]


def test_a_process_that_began_anew_begins_anew() -> None:
    """By its start, or by a level that fell by half: the fall of a restart would hide the leak before and after it."""
    told = [(90.0, 1.0), (91.0, 1.0), (92.0, 7.0), (40.0, 7.0)]
    taken = iter(MemoryReading(float(place), mb, started_s=start) for place, (mb, start) in enumerate(told))
    lately = Kept(lambda: next(taken))

    assert [len(lately()) for _ in told] == [1, 2, 1, 2]
    fell = iter((MemoryReading(0, 300.0), MemoryReading(1, 100.0)))
    lately = Kept(lambda: next(fell))
    assert [len(lately()) for _ in range(2)] == [1, 1]


def test_what_cannot_be_read_is_said_and_forgets_nothing() -> None:
    """The next call goes on."""
    told: list[MemoryReading | None] = [MemoryReading(0, 50.0), None, MemoryReading(2, 50.0)]

    def read() -> MemoryReading:
        one = told.pop(0)
        if one is None:
            raise MeasurementFailed("memory is not known")
        return one

    lately = Kept(read)
    lately()
    with pytest.raises(MeasurementFailed, match="not known"):
        lately()
    assert [one.at_s for one in lately()] == [0, 2]


class Host:
    """A source of a minute a step."""

    quantity = Quantity.MEMORY_MB

    def __init__(self, *restarts: float) -> None:
        self.now_s = time.monotonic()
        self.restarts = tuple(self.now_s + one for one in restarts)

    def read(self, since_s: float, until_s: float) -> Series:
        """A point a minute; one of them is not known."""
        moments = [self.now_s - 60.0 * place for place in range(60, 0, -1)]
        points = [Point(at, None, "lost") if place == 55 else Point(at, 100.0) for place, at in enumerate(moments)]
        shown = tuple(point for point in points if since_s <= point.at_s <= until_s)
        return Series(self.quantity, "the host", 60.0, shown, restarts=self.restarts)


def test_records_are_those_since_the_last_restart() -> None:
    """What is not known is a hole."""
    assert len(recorded(Host(), 60.0)()) == KEPT
    assert len(recorded(Host(-330.0, -900.0), 60.0)()) == 4
