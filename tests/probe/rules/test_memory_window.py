"""Memory over a window: broken at once, met late, and unknown where a restart, a hole or too few readings hide what it held."""

import math
from dataclasses import replace

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.probe.measure import WindowState
from pam_rollback.probe.memory import MemoryReading, MemoryWindow, MemoryWindowSpec, MissedReading, judge_memory

SPEC = MemoryWindowSpec(limit=100, alarm_mb=200, duration_s=60, asked_s=900, n_min=30, gap_max_s=5)
FLAT = [68.0] * 60


def readings(values: list[float], *, started_s: float | None = 1000.0) -> list[MemoryReading]:
    """One a second, from the start of the window on; NaN stands for a second without a reading."""
    return [MemoryReading(index + 0.5, mb, started_s) for index, mb in enumerate(values) if not math.isnan(mb)]


def judged(values: list[float], *, now_s: float = 60, started_s: float | None = 1000.0) -> MemoryWindow:
    """The window that begins at 0."""
    return judge_memory(readings(values, started_s=started_s), [], SPEC, start_s=0, now_s=now_s)


def test_low_for_the_whole_time_is_met() -> None:
    """With the highest reading, its n, and how long was observed."""
    window = judged(FLAT)

    assert window.met
    assert window.trend.settled
    assert (
        str(window) == "memory 68.00 MB, asked below 100 MB (n=60, the highest reading), observed 60 s of 900 s asked"
    )
    assert (window.measured.asked, window.measured.margin) == ("< 100 MB for 900 s", 32)


def test_before_its_end_it_only_holds() -> None:
    """It passes late: what holds is neither met nor broken."""
    window = judged(FLAT[:30], now_s=30)

    assert window.state is WindowState.HOLDING
    with pytest.raises(MeasurementFailed, match=r"memory 68\.00 MB so far, asked below"):
        assert window.met
    with pytest.raises(MeasurementFailed, match="complete window"):
        _ = window.trend


@pytest.mark.parametrize("at", [0, 17, 59])
def test_one_reading_at_the_limit_breaks_it(at: int) -> None:
    """At once, wherever it is."""
    window = judged([*FLAT[:at], 100.0], now_s=at + 1)

    assert not window.met
    assert window.reason == f"100.0 MB at +{at + 0.5:.1f} s"


def test_what_lies_outside_does_not_count() -> None:
    """Neither what was held before the window nor what came after it."""
    outside = [MemoryReading(-0.5, 150, 1000.0), *readings(FLAT), MemoryReading(60.5, 150, 1000.0)]

    assert judge_memory(outside, [], SPEC, start_s=0, now_s=70).met


def test_a_leak_that_is_still_low_is_not_stable() -> None:
    """Half a MB a second from 60 MB: below 100 MB for now, and beyond it in another minute."""
    window = judged([60 + 0.5 * second for second in range(60)])

    assert window.met
    assert not window.trend.settled
    assert "memory grows by +30.00 MB a minute" in str(window.trend)


def test_a_slow_leak_towards_the_alarm_is_not_stable() -> None:
    """0.16 MB a second stays below the limit for another minute, and is 200 MB within the plan's quarter of an hour."""
    window = judged([60 + 0.16 * second for second in range(60)])

    assert not window.trend.settled
    assert "expected below 200 MB" in str(window.trend)


def test_a_step_is_stable() -> None:
    """A cache that filled once."""
    assert judged([*FLAT[:20], *[80.0] * 40]).trend.settled


def test_a_restart_makes_it_unknown() -> None:
    """Seen by the moment of the process' start, although the new process holds as much as the old one."""
    two = [*readings(FLAT)[:30], *(replace(one, started_s=1030.0) for one in readings(FLAT)[30:])]
    window = judge_memory(two, [], SPEC, start_s=0, now_s=60)

    assert window.state is WindowState.UNKNOWN
    assert window.reason == ("restarted before +30.5 s (the process began anew): what it held before that is not known")


def test_a_level_that_fell_is_a_restart_where_nobody_tells_the_start() -> None:
    """From 90 to 40 MB within a second; a collection of garbage by a third is none."""
    assert judged([*[90.0] * 30, *[40.0] * 30], started_s=None).state is WindowState.UNKNOWN
    assert judged([*[90.0] * 30, *[60.0] * 30], started_s=None).met


def test_broken_comes_before_unknown() -> None:
    """A process that was restarted because it held too much did hold too much."""
    window = judged([*FLAT[:10], 120.0, *[40.0] * 49], started_s=None)

    assert window.state is WindowState.BROKEN


def test_a_hole_makes_it_unknown_and_says_why() -> None:
    """With what was answered instead."""
    with_hole = [*FLAT[:20], *[math.nan] * 7, *FLAT[27:]]
    missed = [MissedReading(22.0, "HTTP 503")]
    window = judge_memory(readings(with_hole), missed, SPEC, start_s=0, now_s=60)

    assert window.state is WindowState.UNKNOWN
    assert (
        window.reason
        == "no usable reading for 8.0 s from +19.5 s of the watch on (tolerated 5 s): HTTP 503; a hole hides a peak"
    )
    assert window.measured.proviso == "no usable reading for 8.0 s"
    assert judged(FLAT, now_s=60).measured.proviso == ""


def test_what_kept_all_readings_away_is_told() -> None:
    """Where nothing was read, and for one reason; else the window has a story of its own."""
    down = [MissedReading(float(second), "memory is not known", "the API answers HTTP 502") for second in range(60)]
    unknown = judge_memory([], down, SPEC, start_s=0, now_s=60)
    other = judge_memory([], [*down, MissedReading(3.0, "no number")], SPEC, start_s=0, now_s=60)
    some = judge_memory(readings(FLAT[:20]), down[30:], SPEC, start_s=0, now_s=60)

    for look in (lambda: unknown.met, lambda: unknown.trend):
        with pytest.raises(MeasurementFailed) as failed:
            look()
        assert failed.value.cause == "the API answers HTTP 502"
    assert (other.state, other.cause) == (some.state, some.cause) == (WindowState.UNKNOWN, "")


def test_a_source_that_ended_is_a_hole() -> None:
    """Nothing more comes: not known, long before the window's end."""
    assert judged(FLAT[:20], now_s=24).state is WindowState.HOLDING
    assert judged(FLAT[:20], now_s=26).state is WindowState.UNKNOWN


@pytest.mark.parametrize("values", [[], [math.inf] * 60, [-1.0] * 60, [0.0] * 60], ids=["none", "inf", "below 0", "0"])
def test_what_is_no_amount_is_no_reading(values: list[float]) -> None:
    """Never met, and never broken."""
    assert judged(values).state is WindowState.UNKNOWN


def test_too_few_readings_are_unknown() -> None:
    """One every three seconds leaves no hole, and 20 of them are less than 30."""
    sparse = readings([68.0 if second % 3 == 0 else math.nan for second in range(60)])
    window = judge_memory(sparse, [], SPEC, start_s=0, now_s=60)

    assert window.reason == "20 usable readings, 30 are needed"
