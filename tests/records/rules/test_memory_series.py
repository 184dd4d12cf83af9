"""Memory that somebody else read: the pace counts from the last restart on, and too little is unknown."""

from collections.abc import Sequence

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.probe.memory import MemoryGrowth
from pam_rollback.records.series_window import settled_readings
from pam_rollback.stats.series import Point, Quantity, Series, gauge

START_S, END_S = 1000.0, 1900.0
STEP_S = 60.0


def series(mb: Sequence[float | None], restarts: tuple[float, ...] = ()) -> Series:
    """One reading a minute."""
    points = [
        Point(START_S + STEP_S * number, None, why="not scraped")
        if value is None
        else gauge(START_S + STEP_S * number, value)
        for number, value in enumerate(mb, start=1)
    ]
    return Series(Quantity.MEMORY_MB, "a test", STEP_S, tuple(points), restarts)


def growth(told: Series) -> MemoryGrowth:
    """Where it leads."""
    return MemoryGrowth(settled_readings(told, start_s=START_S, end_s=END_S), alarm_mb=200, horizon_s=900)


def test_all_known_readings_of_the_window_count() -> None:
    """What is not known is no reading, and what came before or after belongs to others."""
    told = series([60, 61, None, 60, 61, 60, 61, 60, 61, 60, 61, 60, 61, 60, 61, 500])

    assert [reading.mb for reading in settled_readings(told, start_s=START_S, end_s=END_S)] == [60, 61] * 7
    assert growth(told).settled


def test_a_leak_is_seen_through_a_restart() -> None:
    """Over the whole window memory fell; since the restart it grows by 12 MB a minute."""
    told = series([180, 190, 195, *(50 + 12 * number for number in range(12))], restarts=(START_S + 4 * STEP_S,))

    assert not growth(told).settled
    assert growth(told).mb_per_min == pytest.approx(12)


def test_a_process_that_began_just_now_is_unknown() -> None:
    """The young process holds little: that is no sign of health."""
    told = series([150 + number for number in range(10)] + [50] * 5, restarts=(START_S + 11 * STEP_S,))

    with pytest.raises(
        MeasurementFailed, match=r"a test: 5 readings of memory over 240.0 s since .* at \+660 s \(1 such"
    ):
        settled_readings(told, start_s=START_S, end_s=END_S)


def test_too_few_are_unknown() -> None:
    """Nine readings are no pace, and none at all is not zero."""
    for told in (series([60] * 9), series([None] * 15), series([])):
        with pytest.raises(MeasurementFailed, match="a pace needs 10 over 4 s"):
            settled_readings(told, start_s=START_S, end_s=END_S)
