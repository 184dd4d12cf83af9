"""The client of Prometheus against answers that nobody would expect: each is unknown, with what was found and what to do."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.records.prometheus import PrometheusApi, sources
from pam_rollback.stats.series import Answers, Quantity
from pam_rollback.target.service_settings import Prometheus
from tests.scripted_provider import Reply as ScriptedReply
from tests.scripted_provider import Request, says, scripted

TOKEN = "s3cr3t-token-0815"
AHEAD_S = 5000.0
"""How far the clock of this Prometheus is ahead of ours."""
UP = {"__name__": "up", "job": "pam", "instance": "a"}

Reply = Callable[[str, dict[str, str]], ScriptedReply]
Seen = list[tuple[str, dict[str, str], str]]


def success(kind: str, result: Any, **more: Any) -> dict[str, Any]:
    """An answer in the shape that the API documents."""
    return {"status": "success", "data": {"resultType": kind, "result": result}, **more}


def matrix(*series: tuple[Mapping[str, str], list[tuple[float, str]]], **more: Any) -> dict[str, Any]:
    """Series with their samples."""
    return success("matrix", [{"metric": labels, "values": values} for labels, values in series], **more)


@contextmanager
def answering(reply: Reply, seen: "Seen | None" = None) -> Iterator[str]:
    """A server whose API answers so; its clock is asked and answers rightly."""

    def by(request: Request) -> ScriptedReply:
        path, query = f"/api/v1{request.path}", dict(request.query)
        if seen is not None:
            seen.append((path, query, request.headers.get("authorization", "")))
        if query.get("query") == "time()":
            there_s = time.monotonic() + AHEAD_S
            return says(success("scalar", [there_s, f"{there_s:.3f}"]))
        return reply(path, query)

    with scripted(by=by) as server:
        yield server.url.removesuffix("/api/v1")


def always(document: Any, status: int = 200) -> Reply:
    """The same answer to everything."""
    return lambda _path, _parameters: (
        says(text=document.decode(), status=status) if isinstance(document, bytes) else says(document, status)
    )


def ask(url: str, token: str = "") -> Any:
    """One question."""
    return PrometheusApi(url, token=token).scraped("up", since_s=0, until_s=60)


@pytest.mark.parametrize(
    ("document", "status", "words"),
    [
        pytest.param(b"<html>Wheels</html>", 200, "expected the JSON of its API, found HTTP 200", id="no JSON"),
        pytest.param(b"404 page not found", 404, "the base address, without /api/v1", id="another path"),
        pytest.param([1, 2], 200, "expected the JSON of its API", id="a list"),
        pytest.param({"status": "ok"}, 200, "expected the JSON of its API", id="another status"),
        pytest.param(
            {"status": "error", "errorType": "bad_data", "error": "parse error: oops"},
            400,
            "HTTP 400, bad_data: parse error: oops; correct the query",
            id="bad query",
        ),
        pytest.param(
            {"status": "error", "errorType": "execution", "error": "too many samples"},
            422,
            "HTTP 422, execution: too many samples; name fewer series",
            id="too much",
        ),
        pytest.param(
            {"status": "error", "errorType": "timeout", "error": "query timed out"}, 503, "timeout: query", id="timeout"
        ),
        pytest.param({"status": "error"}, 500, "no errorType: no error; look at Prometheus' own log", id="bare error"),
        pytest.param({"status": "success"}, 200, "does not follow its API", id="no data"),
        pytest.param({"status": "success", "data": []}, 200, "does not follow its API", id="data is a list"),
        pytest.param(matrix((UP, [(1.0, "1")])), 500, "HTTP 500 with status success", id="success with 500"),
        pytest.param(success("vector", []), 200, "gives a vector, expected a matrix", id="a vector"),
        pytest.param(success("matrix", {}), 200, "does not follow its API", id="result is an object"),
        pytest.param(success("matrix", [3]), 200, "does not follow its API", id="series is a number"),
        pytest.param(success("matrix", [{"metric": UP}]), 200, "does not follow its API", id="no values"),
        pytest.param(success("matrix", [{"metric": {"a": 1}, "values": []}]), 200, "does not follow", id="label"),
        pytest.param(matrix((UP, [(1.0, "one")])), 200, "does not follow its API", id="a word for a number"),
        pytest.param(success("matrix", [{"metric": UP, "values": [[1, 1]]}]), 200, "does not follow", id="no text"),
        pytest.param(matrix((UP, [(2.0, "1"), (1.0, "1")])), 200, "does not follow its API", id="back in time"),
        pytest.param(
            success("matrix", [{"metric": UP, "histograms": [[1, {}]]}]), 200, "is a native histogram", id="native"
        ),
        pytest.param(matrix(), 200, r"knows no series up of the last 60 s: .* Nothing is not zero", id="no series"),
        pytest.param(
            matrix((UP, [(1.0, "1")]), warnings=["remote read failed: 503"]),
            200,
            "may not be whole: remote read failed: 503",
            id="a warning",
        ),
    ],
)
def test_an_answer_that_makes_no_sense_is_unknown(document: Any, status: int, words: str) -> None:
    """Never a number, and never an error of Python; the place is named."""
    with answering(always(document, status)) as url, pytest.raises(MeasurementFailed, match=words) as caught:
        ask(url)

    assert url in str(caught.value)


@pytest.mark.parametrize(
    ("token", "words"),
    [("", "it asks who we are; name the token's variable"), (TOKEN, "is not accepted; export another one")],
)
@pytest.mark.parametrize("status", [401, 403])
def test_a_missing_or_wrong_token_is_told(status: int, token: str, words: str) -> None:
    """By the name of its variable; its value is in no message."""
    reply = always(b"Unauthorized", status)
    with answering(reply) as url, pytest.raises(MeasurementFailed, match=words) as caught:
        ask(url, token)

    assert TOKEN not in str(caught.value)


def test_what_is_asked_is_what_was_scraped() -> None:
    """A range selector in an instant query, with the token."""
    seen: Seen = []
    with answering(always(matrix((UP, [(1.0, "1")]))), seen) as url:
        PrometheusApi(url, token=TOKEN).scraped('up{job="pam"}', since_s=1000, until_s=1060.5)

    assert seen == [("/api/v1/query", {"query": 'up{job="pam"}[60500ms]', "time": "1060.500"}, f"Bearer {TOKEN}")]


def test_values_that_are_not_numbers_stay_so() -> None:
    """NaN and infinities are texts there; they are judged by whoever knows what they mean."""
    with answering(always(matrix((UP, [(1.0, "NaN"), (2.0, "+Inf"), (3.0, "-Inf"), (4.0, "1.5e3")])))) as url:
        values = [value for _, value in ask(url)[0].samples]

    assert math.isnan(values[0])
    assert values[1:] == [math.inf, -math.inf, 1500]


# ---------------------------------------------------------------- sources


def settings(**declared: Any) -> Prometheus:
    """A table as an environment would have it."""
    return Prometheus.model_validate({"url": "http://127.0.0.1", "step_s": 10, "gap_max_s": 30, **declared})


def told_since(start_s: float, values: list[float], **labels: str) -> tuple[dict[str, str], list[tuple[float, str]]]:
    """A series that has been scraped every ten seconds since a moment of ours."""
    return {**UP, **labels}, [(start_s + AHEAD_S + index * 10, str(value)) for index, value in enumerate(values)]


def test_counts_are_read_on_our_own_clock() -> None:
    """Two steps of ten seconds since a moment of ours, although that clock is far ahead."""
    start_s = time.monotonic() - 25
    scraped = matrix(
        told_since(start_s - 5, [100, 200, 300], status="200"), told_since(start_s - 5, [0, 0, 1], status="500")
    )
    with answering(always(scraped)) as url:
        source = sources(PrometheusApi(url), settings(requests="pam_requests_total"))[Quantity.ERROR_RATE_PCT]
        found = source.read(start_s, time.monotonic() + 100)

    assert [point.evidence for point in found.points] == [Answers(100, 0), Answers(101, 1)]
    assert found.points[0].at_s == pytest.approx(start_s + 10)
    assert found.where == f"Prometheus at {url}"


def evaluated(values: list[tuple[int, str]], *more: Any) -> "list[float | str | None]":
    """What an expression gave at steps 1, 2, … since a moment of ours."""
    start_s = time.monotonic() - 45

    def reply(path: str, parameters: dict[str, str]) -> ScriptedReply:
        assert path == "/api/v1/query_range"
        assert parameters["lookback_delta"] == parameters["step"] == "10"
        first_s = float(parameters["start"])
        return always(matrix(({}, [(first_s + (index - 1) * 10, value) for index, value in values]), *more))("", {})

    with answering(reply) as url:
        source = sources(PrometheusApi(url), settings(error_rate_pct="an expression"))[Quantity.ERROR_RATE_PCT]
        points = source.read(start_s, start_s + 45).points
    return [point.value if point.known else point.why for point in points]


def test_an_expression_that_is_silent_or_no_number_is_unknown() -> None:
    """At each step by itself."""
    assert evaluated([(1, "0.5"), (2, "NaN"), (4, "1")]) == [0.5, "the source says nan", "no value at this moment", 1]


def test_an_expression_has_one_result() -> None:
    """Nobody knows which of several is the error rate."""
    with pytest.raises(MeasurementFailed, match=r'has 2 results for an expression: expected one.*\{"instance": "b"\}'):
        evaluated([(1, "0.5")], ({"instance": "b"}, []))


def test_an_expression_without_result_is_not_zero() -> None:
    """The usual cause is told."""
    with answering(always(matrix())) as url, pytest.raises(MeasurementFailed, match=r"or vector\(0\)"):
        PrometheusApi(url).evaluated("errors / all", start_s=0, end_s=10, step_s=10)


def test_memory_is_read_with_its_moments_and_the_start_of_its_process() -> None:
    """As whoever judges it needs it: MB, our clock, and what shows a restart."""
    since_s = time.monotonic() - 60

    def reply(_path: str, parameters: dict[str, str]) -> ScriptedReply:
        values = [70e6, 80e6, 20e6] if "memory" in parameters["query"] else [50.0, 50.0, 99.0]
        return always(matrix(told_since(since_s + 1, values)))("", {})

    declared = settings(memory_bytes="memory", process_start="process_start_time_seconds")
    with answering(reply) as url:
        series = sources(PrometheusApi(url), declared)[Quantity.MEMORY_MB].read(since_s, time.monotonic())

    assert [point.value for point in series.points[:3]] == [70, 80, 20]
    assert [moment - since_s for moment in series.restarts] == pytest.approx([21], abs=0.05)


def test_of_several_processes_the_one_that_holds_most_is_read() -> None:
    """In each step; without a word about their start there is none."""
    since_s = time.monotonic() - 35
    both = matrix(told_since(since_s + 1, [70e6] * 3), told_since(since_s + 2, [80e6, 60e6, 90e6], instance="b"))
    with answering(always(both)) as url:
        declared = settings(memory_bytes="memory")
        series = sources(PrometheusApi(url), declared)[Quantity.MEMORY_MB].read(since_s, time.monotonic())

    assert ([point.value for point in series.points], series.restarts) == ([80, 70, 90], ())
