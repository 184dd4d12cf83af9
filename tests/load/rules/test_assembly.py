"""From what the processes wrote to one record: complete, or an error that says what is missing."""

import math
from collections.abc import Mapping
from typing import Any

import pytest

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.load.assembly import assemble
from pam_rollback.load.order import LoadOrder
from pam_rollback.load.record import LoadRecord

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
            "workers": workers,
        }
    )


def rows(*due_s: float, worker: int = 0, heard_s: float = BEGAN_S + 2) -> dict[str, Any]:
    """Requests that were answered 10 ms after they were due, and left after 1 ms."""
    answered = [[0, 0, at_s, at_s + 0.001, at_s + 0.01, 200, ""] for at_s in due_s]
    return {"worker": worker, "heard_s": heard_s, "rows": answered}


def begun(served: str = "release 1.42.0") -> dict[str, Any]:
    """The beginning, with the release that answered then."""
    return {"began_s": BEGAN_S, "served": {"": served} if served else {}}


def ended(
    *workers: Mapping[str, Any], at_s: float = BEGAN_S + 2.1, cut_short: str = "", served: str = "release 1.42.0"
) -> dict[str, Any]:
    """The end as the master writes it."""
    told = {str(number): worker for number, worker in enumerate(workers)}
    return {"ended_s": at_s, "cut_short": cut_short, "workers": told, "served": {"": served} if served else {}}


def done(requests: int) -> dict[str, Any]:
    """A worker that says it is done."""
    return {"requests": requests, "lost_s": None}


def assembled(*lines: dict[str, Any], workers: int = 1) -> LoadRecord:
    """The record of these lines."""
    return assemble(order(workers=workers), lines, died=DIED)


def test_a_whole_run_is_one_record() -> None:
    """Every request by its time, and what was asked for."""
    record = assembled(begun(), rows(0, 0.5), rows(1, 1.5), ended(done(4)))

    assert [request.due_s for request in record.requests] == [1000, 1000.5, 1001, 1001.5]
    assert {(request.journey, request.status, request.ok, request.worker) for request in record.requests} == {
        ("health", 200, True, "generator 1")
    }
    assert record.requests[0].latency_ms == pytest.approx(10)
    assert record.requests[0].lag_ms == pytest.approx(1)
    assert (record.began_s, record.ended_s, record.cut_short, record.served) == (1000, 1002, "", "release 1.42.0")
    assert [(one.from_s, one.rate_hz) for one in record.asked] == [(1000, 2)]


def test_a_worker_that_says_more_than_was_written_is_an_error() -> None:
    """A record with a hole is not a record of a good run."""
    with pytest.raises(MeasurementFailed, match="says it made 4 requests, 3 were written"):
        assembled(begun(), rows(0, 0.5, 1), ended(done(4)))


def test_a_due_time_that_nobody_tells_of_is_an_error() -> None:
    """Also where the counts agree."""
    with pytest.raises(MeasurementFailed, match="1 due times of generator 1 are missing"):
        assembled(begun(), rows(0, 0.5, 1), ended(done(3)))


def test_a_generator_that_died_cuts_the_run_short() -> None:
    """The record ends where it was heard for the last time; what was due until then and is not told of never left."""
    record = assembled(begun(), rows(0, heard_s=BEGAN_S + 1.2))

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
        begun(),
        rows(0, 1, worker=0),
        rows(0.5, worker=1, heard_s=BEGAN_S + 0.9),
        ended(done(2), {"requests": 0, "lost_s": BEGAN_S + 1.1}),
        workers=2,
    )

    assert record.cut_short == ""
    assert [(worker.name, worker.requests, worker.lost_s) for worker in record.workers] == [
        ("generator 1", 2, None),
        ("generator 2", 1, BEGAN_S + 1.1),
    ]
    owed = record.requests[-1]
    assert (owed.due_s, owed.worker, owed.why) == (1001.5, "generator 2", "generator 2 went away")
    assert math.isnan(owed.sent_s)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("release 1.42.0", "release 1.42.0", ""),
        ("release 1.42.0", "release 1.41.3", "the API was release 1.42.0 when the load began and release 1.41.3"),
        ("release 1.42.0", "", "which release answered at the end of the load is not known"),
        ("", "", ""),
    ],
)
def test_a_release_that_changed_meanwhile_is_told(before: str, after: str, words: str) -> None:
    """What was asked is not one release's then."""
    record = assembled(begun(before), rows(0, 0.5, 1, 1.5), ended(done(4), served=after))

    assert record.not_one.startswith(words)
    assert bool(record.not_one) == bool(words)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        pytest.param([], "did not begin: the engine ended", id="nothing was written"),
        pytest.param([{"failed": "sign-in: HTTP 401"}], "did not begin: sign-in: HTTP 401", id="it cannot sign in"),
    ],
)
def test_a_run_that_never_began_says_why(lines: list[dict[str, Any]], words: str) -> None:
    """There is nothing to judge, and that is not zero requests."""
    with pytest.raises(MeasurementFailed, match=words):
        assembled(*lines)


def test_a_run_that_was_cut_short_misses_nothing() -> None:
    """What was not due before its end was not asked for."""
    record = assembled(begun(), rows(0, 0.5), ended(done(2), at_s=BEGAN_S + 0.8, cut_short="told to end"))

    assert (record.cut_short, record.ended_s, len(record.requests)) == ("told to end", BEGAN_S + 0.8, 2)
