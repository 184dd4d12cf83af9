"""Counters into what was counted: restarts are seen, holes stay holes, the first error of all counts, and nothing is zero by silence."""

import math

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.stats.counters import (
    Counted,
    Labels,
    RawSeries,
    StatusRule,
    Step,
    count,
    error_rate_points,
    gauge_points,
    p95_points,
)
from pam_rollback.stats.series import Answers, Point, Times

NAN = math.nan
MISSING = None
RESTARTED = "pam/a: the process was restarted: what it counted last is lost"
NOT_SCRAPED = "pam/a: it was not scraped"


def scraped(values: "list[float | None]", first_s: float = 0, every_s: float = 1, **labels: str) -> RawSeries:
    """A series that was scraped regularly; None where it was not there."""
    samples = tuple((first_s + index * every_s, value) for index, value in enumerate(values) if value is not None)
    return RawSeries({"job": "pam", "instance": "a", **labels}, samples)


def counted(*raw: RawSeries, started: "list[RawSeries] | None" = None) -> Counted:
    """Count from 0 to 4 in steps of a second."""
    return count(raw, start_s=0, end_s=4, step_s=1, started=started or [])


def increases(found: Counted) -> "list[float | str]":
    """What each step counted in all, or why it is unknown."""
    return [step.why or sum(value for _, value in step.increases) for step in found.steps]


def test_growth_belongs_to_the_step_of_the_later_scrape() -> None:
    """Nothing is interpolated; the sum is exactly what the counter grew by."""
    found = counted(scraped([10, 12, 12, 15, 20]))

    assert increases(found) == [2, 0, 3, 5]
    assert (found.restarts, found.gone) == ((), ())


def test_a_restart_is_never_negative_and_never_zero() -> None:
    """The step with the restart is unknown, and what comes after it is counted from the new process' own scrapes."""
    found = counted(scraped([100, 105, 3, 5, 9]))

    assert increases(found) == [5, RESTARTED, 2, 4]
    assert found.restarts == (2,)


def test_one_counter_that_fell_tells_of_all_of_them() -> None:
    """A counter that has overtaken its old self hides the restart: its own difference would be 1, and wrong."""
    found = counted(scraped([3, 3, 4, 6, 6], status="500"), scraped([100, 105, 3, 5, 9], status="200"))

    assert increases(found) == [5, RESTARTED, 4, 4]


def test_a_restart_that_no_counter_shows_is_seen_by_its_start() -> None:
    """As when traffic moves to another process that has counted more; without that moment it would be 900 requests."""
    busy = scraped([100, 101, 1001, 1002, 1003])

    assert increases(counted(busy)) == [1, 900, 1, 1]
    assert increases(counted(busy, started=[scraped([50, 50, 99, 99, 99])])) == [1, RESTARTED, 1, 1]
    assert increases(counted(busy, started=[scraped([50, 50.2, 50, 50.1, 50])])) == [1, 900, 1, 1]


def test_counters_that_begin_after_a_restart_count_from_zero() -> None:
    """A process that was read before anybody asked it anything has no counters yet; its start shows that it was read."""
    requests = scraped([7, 9, MISSING, 4, 6])
    started = scraped([50, 50, 99, 99, 99])

    assert increases(counted(requests, started=[started])) == [2, RESTARTED, 4, 2]
    assert increases(counted(requests)) == [2, NOT_SCRAPED, RESTARTED, 2]


def test_the_first_error_of_all_counts() -> None:
    """Its series begins with it, at 1; ``rate()`` sees no growth there."""
    errors = scraped([MISSING, MISSING, 1, 1, 3], status="500")

    assert increases(counted(scraped([10, 20, 30, 40, 50], status="200"), errors)) == [10, 11, 10, 12]


def test_a_hole_is_unknown_and_what_it_hid_is_counted_when_it_ends() -> None:
    """The counter went on while nobody looked: errors in the hole are evidence still."""
    assert increases(counted(scraped([10, 11, MISSING, MISSING, 50]))) == [1, NOT_SCRAPED, NOT_SCRAPED, 39]


def test_a_target_that_does_not_come_back_leaves_nothing() -> None:
    """Down or not: not zero."""
    assert increases(counted(scraped([10, 11, 12]))) == [1, 1, "nothing was scraped", "nothing was scraped"]


def test_a_target_that_others_outlive_is_named() -> None:
    """Replaced by a deploy or down: the others are told, and who is gone is told with them."""
    found = counted(
        scraped([10, 11]), scraped([100, 105, 110, 115, 120], instance="b"), scraped([7, 9], first_s=3, instance="c")
    )

    assert increases(found) == [6, 5, 5, 7]
    assert found.gone == ("pam/a",)


def test_a_hole_of_one_of_two_is_a_hole() -> None:
    """What the other says is not all."""
    found = counted(scraped([10, 11, MISSING, 13, 14]), scraped([1, 2, 3, 4, 5], instance="b"))

    assert increases(found) == [2, NOT_SCRAPED, 3, 2]


def test_the_first_scrape_is_only_what_the_next_is_held_against() -> None:
    """A target that has just been found may have counted for weeks."""
    first = "pam/a: the first scrape: there is nothing to hold it against"

    assert increases(counted(scraped([MISSING, 5000, 5001, 5001, 5002]))) == [first, 1, 0, 1]


@pytest.mark.parametrize("value", [NAN, math.inf, -math.inf, -1.0])
def test_what_is_not_a_number_is_unknown(value: float) -> None:
    """And the growth over it is not lost."""
    assert increases(counted(scraped([10, 11, value, 14, 15]))) == [1, "pam/a: a counter is not a number", 3, 1]


def test_a_counter_that_vanishes_makes_its_step_unknown() -> None:
    """Counters do not vanish while a process lives."""
    found = counted(scraped([10, 11, 12, 13, 14], status="200"), scraped([5, 6, MISSING, 7, 7], status="500"))

    assert increases(found) == [2, "pam/a: counters that were there are missing", 2, 1]


def test_no_series_at_all_is_unknown() -> None:
    """An empty result is not zero."""
    assert increases(counted()) == ["there is no such series"] * 4


def test_a_step_that_is_not_over_is_left_out() -> None:
    """Half a step would be a wrong share."""
    found = count([scraped([1, 2, 3])], start_s=0, end_s=1.9, step_s=1)

    assert [step.end_s for step in found.steps] == [1]


# ---------------------------------------------------------------- error rate


def rated(*pairs: tuple[Labels, float], rule: StatusRule | None = None) -> list[Point]:
    """The error rate of one step."""
    return list(error_rate_points([Step(1, pairs)], rule or StatusRule()))


def test_errors_are_a_share_of_all_requests() -> None:
    """Counts go with it, so that windows add counts up and no shares."""
    (point,) = rated(({"status": "200"}, 97), ({"status": "404"}, 1), ({"status": "503"}, 2))

    assert point.value == 2
    assert point.evidence == Answers(100, 2)


def test_no_traffic_is_unknown() -> None:
    """Nought of nought is not 0 %."""
    (point,) = rated(({"status": "200"}, 0), ({"status": "500"}, 0))

    assert (point.known, point.value, point.why) == (False, None, "no request came")


def test_an_unknown_step_stays_unknown() -> None:
    """With its reason."""
    (point,) = error_rate_points([Step(1, why="it was not scraped")], StatusRule())

    assert (point.known, point.why) == (False, "it was not scraped")


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ({"code": "200"}, "no label 'status', it has code"),
        ({}, "it has none"),
        ({"status": "failed"}, "status='failed', which is neither an error"),
        ({"status": "5000"}, "status='5000', which is neither"),
    ],
)
def test_a_status_that_nobody_explained_is_not_guessed(labels: Labels, words: str) -> None:
    """Taken for good, it could hide every error."""
    with pytest.raises(MeasurementFailed, match=words):
        rated((labels, 1))


def test_words_can_be_errors() -> None:
    """Some products count success and failure."""
    rule = StatusRule("outcome", errors="error|timeout", fine="success")
    (point,) = rated(({"outcome": "success"}, 3), ({"outcome": "timeout"}, 1), rule=rule)

    assert point.value == 25


# ---------------------------------------------------------------- buckets


def buckets(
    *counts: float, edges: tuple[str, ...] = ("0.1", "0.5", "+Inf"), **labels: str
) -> list[tuple[Labels, float]]:
    """Cumulative counts, as they are kept."""
    return [({"le": edge, **labels}, value) for edge, value in zip(edges, counts, strict=True)]


def test_buckets_of_all_series_are_added_up() -> None:
    """Seconds become milliseconds; a path without traffic says nothing."""
    moved = (*buckets(90, 100, 100, path="/a"), *buckets(0, 0, 1, path="/b"), *buckets(0, 0, 0, path="/c"))
    (point,) = p95_points([Step(1, moved)])

    assert point.evidence == Times({(0, 100): 90, (100, 500): 10, (500, math.inf): 1})


@pytest.mark.parametrize(
    ("moved", "words"),
    [
        (buckets(0, 0, 0), "no request came"),
        (buckets(3, 4, edges=("0.1", "0.5")), 'no le="+Inf"'),
        (buckets(4, 3, 5), "contradict each other"),
        ([({"path": "/a"}, 3.0)], 'le=""'),
    ],
)
def test_buckets_that_say_nothing_are_unknown(moved: list[tuple[Labels, float]], words: str) -> None:
    """Empty, without a total, at odds with themselves, or no buckets at all."""
    (point,) = p95_points([Step(1, tuple(moved))])

    assert not point.known
    assert words in point.why


def test_all_scrapes_of_a_step_count() -> None:
    """Two a step, of three answers each."""
    raw = [scraped([0, 3, 5, 7, 9], le="0.1"), scraped([0, 3, 6, 9, 12], le="+Inf")]
    points = p95_points(count(raw, start_s=0, end_s=4, step_s=2).steps)

    assert [point.evidence for point in points] == [
        Times({(0, 100): 5, (100, math.inf): 1}),
        Times({(0, 100): 4, (100, math.inf): 2}),
    ]


def test_a_restart_of_a_histogram_is_a_restart() -> None:
    """Each bucket is a counter."""
    raw = [scraped([10, 20, 1, 3], le="0.1"), scraped([10, 20, 2, 4], le="+Inf")]
    points = list(p95_points(count(raw, start_s=0, end_s=3, step_s=1).steps))

    assert [point.evidence for point in points] == [Times({(0, 100): 10}), None, Times({(0, 100): 2})]
    assert points[1].why == RESTARTED


# ---------------------------------------------------------------- gauges


def gauges(*raw: RawSeries) -> "list[float | str | None]":
    """Values, or why there is none."""
    points = gauge_points(raw, start_s=0, end_s=4, step_s=1, scale=1e-6)
    return [point.value if point.known else point.why for point in points]


def test_of_several_processes_the_largest_counts() -> None:
    """The limit is for each."""
    found = gauges(scraped([1e6, 2e6, 2e6, 2e6, 2e6]), scraped([3e6, 1e6, 3e6, 1e6, 9e6], instance="b"))

    assert found == [2, 3, 2, 9]


def test_a_gauge_is_unknown_where_nobody_looked_or_nothing_was_said() -> None:
    """A hole, not a number, and the time after the last scrape."""
    assert gauges(scraped([1e6, NAN, MISSING, 4e6])) == ["the source says nan", NOT_SCRAPED, 4, "nothing was scraped"]
    assert gauges() == ["there is no such series"] * 4
