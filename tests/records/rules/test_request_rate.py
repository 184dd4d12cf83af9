"""The busiest seconds of a service, from what its process counted: histories written out."""

from pam_rollback.records.rules.memory import MemoryReading
from pam_rollback.records.rules.request_rate import busiest_hz


def readings(*counts: float | None, started_s: float | None = 1.0, from_s: float = 0.0) -> list[MemoryReading]:
    """One a second."""
    return [
        MemoryReading(from_s + index, 70.0, started_s, None if count is None else count)
        for index, count in enumerate(counts)
    ]


def test_the_busiest_seconds_count() -> None:
    """Ten a second for a while, then twenty, then none: an average over all of it would be less."""
    quiet = [10.0 * second for second in range(10)]
    busy = [quiet[-1] + 20.0 * second for second in range(1, 10)]
    over = [busy[-1]] * 10

    assert busiest_hz(readings(*quiet, *busy, *over)) == 20


def test_a_single_second_is_no_load() -> None:
    """Hundred requests at once are twenty a second over five."""
    assert busiest_hz(readings(0, 0, 0, 100, 100, 100, 100, 100)) == 20


def test_a_process_that_began_anew_counts_by_itself() -> None:
    """Whether it tells when it started or not; neither what fell nor what is missing makes a rate."""
    first, second = readings(*range(500, 560, 10)), readings(*range(0, 30, 5), started_s=7.0, from_s=6.0)

    assert busiest_hz([*first, *second]) == 10
    assert busiest_hz(readings(500, 510, 520, 0, 5, 10, 15, 20, 25, started_s=None)) == 5
    assert busiest_hz(readings(0, 10, 20, None, 300, 310, 320, 330, 340, 350)) == 10


def test_what_nobody_counted_long_enough_is_not_known() -> None:
    """Never 0: that nothing was asked then is what nobody knows."""
    assert busiest_hz([]) is None
    assert busiest_hz(readings(0, 100, 200)) is None
    assert busiest_hz(readings(None, None, None, None, None, None, None)) is None


def test_nobody_asking_is_zero() -> None:
    """That was counted."""
    assert busiest_hz(readings(7, 7, 7, 7, 7, 7, 7)) == 0
