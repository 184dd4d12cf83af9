"""Memory: low in every reading, not running away, and unknown where the readings cannot say."""

import math

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.probe.memory import (
    LOOKS_MAX,
    MemoryGrowth,
    MemoryLevel,
    MemoryReading,
    confirmed_growth,
    frozen,
)


def readings(*values: float, every_s: float = 0.5) -> tuple[MemoryReading, ...]:
    """One after the other."""
    return tuple(MemoryReading(at_s=100 + index * every_s, mb=value) for index, value in enumerate(values))


def growth(*values: float, every_s: float = 0.5) -> MemoryGrowth:
    """Towards the plan's 200 MB, a quarter of an hour ahead."""
    return MemoryGrowth(readings(*values, every_s=every_s), alarm_mb=200, horizon_s=900)


FLAT = [68.0] * 12


def test_low_is_below_the_limit_in_every_reading() -> None:
    """One reading at the limit is one too many."""
    assert MemoryLevel(readings(*FLAT), 100).highest_mb < 100
    assert MemoryLevel(readings(*FLAT[:-1], 100), 100).highest_mb == 100
    assert str(MemoryLevel(readings(*FLAT), 60)) == (
        "memory in use up to 68.0 MB, expected below 60 MB (n=12 over 5.5 s, MB of 10^6 bytes)"
    )


@pytest.mark.parametrize(
    "values", [[], FLAT[:9], [*FLAT, math.nan], [*FLAT, math.inf], [*FLAT, 0], [*FLAT, -1]], ids=str
)
def test_what_says_nothing_is_unknown(values: list[float]) -> None:
    """Too few, not a number, or an amount that no process holds: never low."""
    with pytest.raises(MeasurementFailed):
        MemoryLevel(readings(*values), 100)
    with pytest.raises(MeasurementFailed):
        growth(*values)


def test_too_short_a_time_says_nothing_of_growth() -> None:
    """Ten readings within a second."""
    with pytest.raises(MeasurementFailed, match="growth needs 4 s"):
        growth(*FLAT, every_s=0.1)


def test_flat_memory_is_settled() -> None:
    """With the smallest growth that could have been seen."""
    flat = growth(*FLAT)

    assert flat.settled
    assert (flat.mb_per_min, flat.expected_mb) == (0, 68)
    assert flat.smallest_visible_mb_per_min == pytest.approx(60 * 2 * 0.05 / 2.5)
    assert flat.measured.asked == "< 200 MB after 15 min"


def test_a_leak_is_seen() -> None:
    """Half a MB a second is 450 MB in a quarter of an hour."""
    leak = growth(*(68 + 0.25 * index for index in range(12)))

    assert leak.mb_per_min == pytest.approx(30)
    assert not leak.settled
    assert "memory grows by +30.00 MB a minute: 519 MB in 15 minutes, expected below 200 MB" in str(leak)


def test_a_slow_leak_is_not_seen_and_that_is_said() -> None:
    """One MB a minute does not reach the limit in time: SC-3 needs a longer look."""
    assert growth(*(68 + index / 120 for index in range(12))).settled


@pytest.mark.parametrize("step_at", range(1, 12))
def test_a_step_is_no_leak(step_at: int) -> None:
    """A cache that fills once does not bend the slope, wherever it happens."""
    assert growth(*(68 if index < step_at else 72 for index in range(12))).mb_per_min < 8.8


def test_memory_that_shrinks_is_settled() -> None:
    """It is not expected to fall below what it is now."""
    shrinking = growth(*(90 - index for index in range(12)))

    assert shrinking.settled
    assert shrinking.expected_mb == pytest.approx(84.5)


def test_readings_that_scatter_too_much_are_unknown() -> None:
    """Up and down by 5 MB within seconds: a growth that matters would not be seen."""
    restless = growth(*(68 + 10 * (index % 2) for index in range(12)))

    with pytest.raises(MeasurementFailed, match="scatter"):
        assert restless.settled


def test_already_above_the_alarm_is_not_settled() -> None:
    """Whether it grows or not."""
    assert not growth(*[210.0] * 12).settled


WARM_UP = growth(*(68 + 0.1 * index for index in range(12)))
"""A process that has just begun: 1.1 MB within 6 s."""


def test_growth_in_a_short_look_counts_when_the_next_ones_grow_too() -> None:
    """A leak does, and is as red as at the first look; a warm-up is over; what cannot tell is looked at again as well."""
    leak, flat = growth(*(68 + 0.25 * index for index in range(12))), growth(*FLAT)
    restless = growth(*(68 + 10 * (index % 2) for index in range(12)))
    assert not WARM_UP.settled

    for looks, found in [
        ([flat], flat),
        ([WARM_UP, flat], flat),
        ([restless, WARM_UP, flat], flat),
        ([leak] * LOOKS_MAX, leak),
        ([WARM_UP, WARM_UP, restless], restless),
    ]:
        left = iter(looks)
        assert confirmed_growth(lambda _, left=left: next(left)) is found  # type: ignore[misc]
        assert list(left) == []


def test_a_process_that_began_anew_does_not_clear_what_grew_before_it() -> None:
    """A leak that was killed for its memory looks flat at the second look; told by its start, or by a level that fell by half."""
    leak = growth(*(138 + 5.0 * index for index in range(12)))
    for killed in (growth(*[60.0] * 12), growth(*FLAT)):
        left = iter([leak, killed])
        assert not confirmed_growth(lambda _, left=left: next(left)).settled  # type: ignore[misc]


def paged(pages: str, every_s: float, *, counts: bool = True) -> list[MemoryReading]:
    """Readings of a page that says this, one after the other."""
    return [MemoryReading(at * every_s, 50.0, page=page, counts=counts) for at, page in enumerate(pages)]


@pytest.mark.parametrize(
    ("readings", "still"),
    [
        (paged("a" * 20, 1), True),
        (paged("ab" * 10, 1), False),
        (paged("a" * 20, 0.4), False),  # somebody may write it anew each half minute
        (paged("ab" * 50 + "c" * 62, 1), True),
        (paged("ab" * 50 + "c" * 30, 1), False),
        (paged("a" * 60, 2, counts=False), False),  # a level may rest
        (paged("a" * 160, 2, counts=False), True),
        ([MemoryReading(at, 50.0) for at in range(400)], False),
    ],
)
def test_a_page_that_stands_still_proves_nothing(readings: list[MemoryReading], *, still: bool) -> None:
    """As long as it is asked, a page with counters moves."""
    assert bool(frozen(readings)) is still
    if still:
        with pytest.raises(MeasurementFailed, match="it is frozen"):
            MemoryLevel(tuple(readings), 100)
