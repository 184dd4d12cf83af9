"""From what the processes wrote to one record: complete, or an error that says what is missing."""

from collections.abc import Mapping
from typing import Any

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.redeploy.load.locust import assemble
from pam_rollback.redeploy.load.order import LoadOrder
from pam_rollback.redeploy.load.record import LoadRecord

BEGAN_S = 1000.0
DIED = "the engine ended before its time: Killed"


def order(*, workers: int = 1) -> LoadOrder:
    """Four requests: at 0, 0.5, 1 and 1.5 s."""
    return LoadOrder.model_validate(
        {
            "targets": [{"addresses": {"api": "http://127.0.0.1:1"}}],
            "journeys": [{"name": "health", "path": "/health"}],
            "rate_hz": 2,
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


def test_a_worker_that_says_more_than_was_written_is_an_error() -> None:
    """A record with a hole is not a record of a good run."""
    with pytest.raises(MeasurementFailed, match="says it made 4 requests, 3 were written"):
        assembled(begun(), rows(0, 0.5, 1), ended(done(4)))


def test_a_due_time_that_nobody_tells_of_is_an_error() -> None:
    """Also where the counts agree."""
    with pytest.raises(MeasurementFailed, match="1 due times of generator 1 are missing"):
        assembled(begun(), rows(0, 0.5, 1), ended(done(3)))


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
