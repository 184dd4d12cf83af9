"""The servers' record beside the generator's: what a balancer, a cache or a dying process would hide."""

from collections.abc import Mapping

import pytest

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.load.rules.generator import Doubts
from pam_rollback.load.rules.servers import RecordsOfLoad
from pam_rollback.records.rules.servers_count import ServersCount
from pam_rollback.stats.histogram import Histogram
from tests.load.records import LIMITS, Answer, as_usual, failed, steady

EDGES_MS = (25.0, 100.0, 500.0, 1000.0)


def counted(n: int, errors: int = 0, *, bucket: int = 1) -> ServersCount:
    """So many answers, all in one bucket of time."""
    counts = [0] * (len(EDGES_MS) + 1)
    counts[bucket] = n
    return ServersCount("the product's own metrics", n, errors, Histogram(EDGES_MS, tuple(counts)))


def records(servers: ServersCount, answer: Answer = as_usual) -> RecordsOfLoad:
    """Beside 1,200 requests of the generator."""
    return RecordsOfLoad.of(servers, steady(answer).requests, LIMITS["LG-9"])


def test_the_same_requests_agree() -> None:
    """Both counted them, and both figures stand in one sentence."""
    found = records(counted(1202))

    assert found.agree
    assert "the generator had 1200 answers to 1200 requests, 0 of them errors, p95 50 ms" in str(found)
    assert "counted 1202, 0 of them errors, p95 between 25 and 100 ms" in str(found)


def test_answers_of_something_else_are_found() -> None:
    """A balancer that answers 400 of 1,200 requests itself, well and fast, was tested in the service's place."""
    found = records(counted(800))

    assert not found.agree
    assert str(found).startswith("400 of 1200 good answers were counted by no server: something else answered")


def test_errors_on_the_way_are_named() -> None:
    """60 error answers that no server made: a gateway's, or those of a process that died."""
    found = records(counted(1140), lambda at_s: failed() if round(at_s * 20) % 20 == 0 else {})

    assert not found.agree
    assert "60 of 60 error answers were counted by no server" in str(found)


def test_hidden_errors_are_named() -> None:
    """The servers failed 120 times and the generator saw none of it: something repeats, or replaces."""
    found = records(counted(1320, errors=120))

    assert not found.agree
    assert "the servers counted 120 errors that the generator did not see" in str(found)


def test_errors_that_nobody_waited_for_are_no_disagreement() -> None:
    """Requests that were given up may have ended as errors for the server."""

    def gave_up(at_s: float) -> Mapping[str, object]:
        return {"ok": False, "status": None, "why": "timeout", "ms": 5000.0} if round(at_s * 20) % 20 == 0 else {}

    assert records(counted(1200, errors=60), gave_up).agree


def test_time_that_is_lost_on_the_way_is_named() -> None:
    """The servers took less than 100 ms, the generator waited for 700."""
    found = records(counted(1200), lambda _: {"ms": 700.0})

    assert not found.agree
    assert "the rest is lost on the way, or in a queue before them" in str(found)


def test_time_of_an_unfit_generator_is_not_known() -> None:
    """A generator that stood still reads its answers late: that is no time on the way."""
    sent = steady(lambda _: {"ms": 700.0}).requests
    found = RecordsOfLoad.of(counted(1200), sent, LIMITS["LG-9"], Doubts(unfit=("the generator was late",)))

    with pytest.raises(MeasurementFailed, match="not known: the generator was late"):
        assert found.agree


def test_answers_before_they_were_made_are_named() -> None:
    """The servers took more than a second, the generator had its answers after 50 ms."""
    found = records(counted(1200, bucket=4))

    assert not found.agree
    assert "no answer is there before it is made" in str(found)


def test_other_peoples_requests_excuse_errors_and_times_only() -> None:
    """Ten times the requests: their errors and times are others', and the count still holds ours."""
    found = records(counted(12_000, errors=500, bucket=3))

    assert found.agree
    assert "others asked too" in found.figures.definition


def test_no_times_is_not_known() -> None:
    """A source that counts requests only: the counts agree, the times are not known."""
    found = records(ServersCount("Prometheus", 1200, 0, None, "no histogram is named in [prometheus]"))

    with pytest.raises(MeasurementFailed, match="no histogram is named"):
        assert found.agree


def test_nothing_sent_is_nothing_to_compare() -> None:
    """Without requests there is no agreement."""
    with pytest.raises(MeasurementFailed, match="no request was sent to what the servers count"):
        RecordsOfLoad.of(counted(5), (), LIMITS["LG-9"])
