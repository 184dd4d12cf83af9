"""From what the processes wrote to one record: complete, or an error that says what is missing."""

import math
from collections.abc import Mapping
from typing import Any

import pytest

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.load.rules.assembly import assemble
from pam_rollback.load.rules.order import LoadOrder
from pam_rollback.load.rules.record import LoadRecord

BEGAN_S = 1000.0
DIED = "the engine ended before its time: Killed"


def order(*, workers: int = 1) -> LoadOrder:
    """Four requests: at 0, 0.5, 1 and 1.5 s."""
    return LoadOrder.model_validate(
        {
            "targets": [{"addresses": {"api": "http://127.0.0.1:1"}}],
            "journeys": [{"name": "health", "path": "/health"}],
            "shape": {"name": "arrivals", "rate_hz": 2},
            "duration_s": 2,
            "workers": {"count": workers},
        }
    )


def rows(*due_s: float, worker: str = "local", heard_s: float = BEGAN_S + 2) -> dict[str, Any]:
    """Requests that were answered 10 ms after they were due, and left after 1 ms."""
    answered = [[0, 0, at_s, at_s + 0.001, at_s + 0.01, 200, ""] for at_s in due_s]
    return {"worker": worker, "heard_s": heard_s, "rows": answered}


def begun(**offsets: float) -> dict[str, Any]:
    """The beginning, with each worker's clock."""
    return {"began_s": BEGAN_S, "workers_expected": len(offsets), "workers": offsets}


def ended(at_s: float = BEGAN_S + 2.1, cut_short: str = "", **workers: Mapping[str, Any]) -> dict[str, Any]:
    """The end as the master writes it."""
    return {"ended_s": at_s, "cut_short": cut_short, "workers": workers}


def done(requests: int) -> dict[str, Any]:
    """A worker that says it is done."""
    return {"requests": requests, "lost_s": None}


def assembled(*lines: dict[str, Any], workers: int = 1) -> LoadRecord:
    """The record of these lines."""
    return assemble(order(workers=workers), lines, died=DIED)


def test_a_whole_run_is_one_record() -> None:
    """Every request by its time, and what was asked for."""
    record = assembled(begun(local=0), rows(0, 0.5), rows(1, 1.5), ended(local=done(4)))

    assert [request.due_s for request in record.requests] == [1000, 1000.5, 1001, 1001.5]
    assert {(request.journey, request.status, request.ok, request.worker) for request in record.requests} == {
        ("health", 200, True, "local")
    }
    assert record.requests[0].latency_ms == pytest.approx(10)
    assert record.requests[0].lag_ms == pytest.approx(1)
    assert (record.began_s, record.ended_s, record.cut_short, record.open_model) == (1000, 1002, "", True)
    assert [(one.from_s, one.rate_hz) for one in record.asked] == [(1000, 2)]


def test_a_worker_that_says_more_than_was_written_is_an_error() -> None:
    """A record with a hole is not a record of a good run."""
    with pytest.raises(MeasurementFailed, match="says it made 4 requests, 3 were written"):
        assembled(begun(local=0), rows(0, 0.5, 1), ended(local=done(4)))


def test_a_due_time_that_nobody_tells_of_is_an_error() -> None:
    """Also where the counts agree."""
    with pytest.raises(MeasurementFailed, match="1 due times of local are missing"):
        assembled(begun(local=0), rows(0, 0.5, 1), ended(local=done(3)))


def test_a_generator_that_died_cuts_the_run_short() -> None:
    """The record ends where it was heard for the last time; what was due until then and is not told of never left."""
    record = assembled(begun(local=0), rows(0, heard_s=BEGAN_S + 1.2))

    assert (record.cut_short, record.ended_s) == (DIED, BEGAN_S + 1.2)
    assert [(request.due_s, request.left, request.ok) for request in record.requests] == [
        (1000, True, True),
        (1000.5, False, False),
        (1001, False, False),
    ]
    assert record.workers[0].lost_s == BEGAN_S + 1.2


def test_what_a_lost_worker_owes_never_left() -> None:
    """The other one goes on to the end; each due time of the lost one is there, as a request of the generator's failure."""
    record = assembled(
        begun(a=0, b=0),
        rows(0, 1, worker="a"),
        rows(0.5, worker="b", heard_s=BEGAN_S + 0.9),
        ended(a=done(2), b={"requests": 0, "lost_s": BEGAN_S + 1.1}),
        workers=2,
    )

    assert record.cut_short == ""
    assert [(worker.name, worker.requests, worker.lost_s) for worker in record.workers] == [
        ("a", 2, None),
        ("b", 1, BEGAN_S + 1.1),
    ]
    owed = record.requests[-1]
    assert (owed.due_s, owed.worker, owed.why) == (1001.5, "b", "its generator b went away")
    assert math.isnan(owed.sent_s)


def test_moments_are_by_the_workers_own_clock() -> None:
    """As the record's form says; how far that is ahead stands with the worker."""
    record = assembled(begun(far=30), rows(0, 0.5, 1, 1.5, worker="far"), ended(far=done(4)))

    assert [request.due_s for request in record.requests] == [1030, 1030.5, 1031, 1031.5]
    assert (record.began_s, record.workers[0].clock_offset_s) == (1000, 30)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        pytest.param([], "0 of 1 generators signed on; the engine ended", id="nothing was written"),
        pytest.param(
            [{"signed_on": "far-1", "at_s": 1.0}, {"failed": "far-1: TEST_USER_PASSWORD is not set on that machine"}],
            "1 of 1 generators signed on; far-1: TEST_USER_PASSWORD is not set",
            id="one cannot begin",
        ),
    ],
)
def test_a_run_that_never_began_says_why(lines: list[dict[str, Any]], words: str) -> None:
    """There is nothing to judge, and that is not zero requests."""
    with pytest.raises(MeasurementFailed, match=words):
        assembled(*lines)


def test_a_run_that_was_cut_short_misses_nothing() -> None:
    """What was not due before its end was not asked for."""
    record = assembled(begun(local=0), rows(0, 0.5), ended(at_s=BEGAN_S + 0.8, cut_short="told to end", local=done(2)))

    assert (record.cut_short, record.ended_s, len(record.requests)) == ("told to end", BEGAN_S + 0.8, 2)
