"""The client of Render's metrics against the stand-in of the sandbox, and against answers that nobody would expect."""

import itertools
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.rollback.providers.render import RenderApi
from pam_rollback.rollback.providers.render_metrics import sources
from pam_rollback.stats.series import Answers, Point, Quantity, Series
from pam_rollback.target.hosts import Render
from tests.render_stand_in import KEY, SERVICE, StandIn, stand_in

ERRORS, LATENCY, MEMORY = Quantity.ERROR_RATE_PCT, Quantity.LATENCY_P95_MS, Quantity.MEMORY_MB
SINCE_S = 12.0


@pytest.fixture
def render() -> Iterator[StandIn]:
    """A stand-in without records."""
    with stand_in() as started:
        yield started


def read(render: StandIn, quantity: Quantity, *, key: str = KEY, deadline_s: float = 5, **settings: object) -> Series:
    """The latest seconds, up to now."""
    api = RenderApi(render.settings(**settings), key, deadline_s=deadline_s)
    now_s = time.monotonic()
    return sources(api)[quantity].read(now_s - SINCE_S, now_s)


def refusal(render: StandIn, quantity: Quantity = ERRORS, **settings: Any) -> str:
    """What was said instead."""
    with pytest.raises(MeasurementFailed) as caught:
        read(render, quantity, **settings)
    return str(caught.value)


def known(series: Series) -> list[Point]:
    """The points that say something."""
    return [point for point in series.points if point.known]


def test_answers_are_counted_by_status(render: StandIn) -> None:
    """Errors, and what clients gave up, which may be either; steps that are not wholly behind us are left out."""
    render.traffic(ok=18, errors=1, given_up=1)
    found = read(render, ERRORS)

    assert {point.evidence for point in found.points} == {Answers(20, 1, unsure=1)}
    assert found.step_s == 1
    assert len(found.points) in {10, 11}
    now_s = time.monotonic()
    assert all(now_s - SINCE_S - 1 <= point.at_s <= now_s for point in found.points)
    assert found.where == "Render, srv-tests"


def test_memory_is_that_of_the_largest_process_in_mb(render: StandIn) -> None:
    """Of 10^6 bytes, whatever the unit was called."""
    render.memory(60)
    render.memory(80, process="2")
    found = read(render, MEMORY)

    assert {point.value for point in found.points} == {80}
    assert (found.restarts, found.gone) == ((), ())


def test_a_new_process_is_a_restart_and_the_old_one_is_named(render: StandIn) -> None:
    """Memory that fell is no recovery then."""
    now_s = time.monotonic()
    render.memory(150, until_s=6)
    render.memory(60, seconds=5, process="2")
    found = read(render, MEMORY)

    assert len(found.restarts) == 1
    assert now_s - found.restarts[0] == pytest.approx(5.5, abs=1)
    assert found.gone == ("srv-tests-1",)
    assert [point.value for point in found.points][-1] == 60


def test_a_second_without_traffic_is_unknown_and_not_zero(render: StandIn) -> None:
    """It has no point at all: a hole, which the window judges."""
    render.traffic()
    render.second(6).statuses.clear()
    render.second(6).durations_ms.clear()
    moments = [point.at_s for point in known(read(render, ERRORS))]

    assert max(later - earlier for earlier, later in itertools.pairwise(moments)) == pytest.approx(2)


@pytest.mark.parametrize("quantity", list(Quantity))
def test_nothing_at_all_is_not_zero(render: StandIn, quantity: Quantity) -> None:
    """A service without records may be the wrong one."""
    assert "of srv-tests between" in refusal(render, quantity)
    assert "nothing is not zero" in refusal(render, quantity)


@pytest.mark.parametrize("quantity", list(Quantity))
@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("unauthorized", "the key of [secrets] render_api_key_env is not accepted: export another one"),
        ("garbage", "expected JSON, found HTTP 200 application/json"),
        ("empty", "nothing is not zero"),
    ],
)
def test_an_api_that_does_not_tell_is_unknown(render: StandIn, what: str, words: str, quantity: Quantity) -> None:
    """With the operation, the answer, the request and what to do."""
    render.traffic()
    render.memory(60)
    render.plant(what)
    said = refusal(render, quantity, deadline_s=0.5)

    assert words in said
    assert said.startswith(("Render, the service srv-tests (GET /services/srv-tests): ", "Render knows no "))


@pytest.mark.parametrize("quantity", list(Quantity))
def test_what_is_stale_ends_where_it_was_frozen(render: StandIn, quantity: Quantity) -> None:
    """Nothing is filled in."""
    render.traffic()
    render.memory(60)
    render.plant("stale")
    time.sleep(2.1)
    render.traffic(seconds=2)
    found = read(render, quantity)

    assert time.monotonic() - max(point.at_s for point in found.points) > 2


@pytest.mark.parametrize("quantity", list(Quantity))
def test_a_step_that_is_coarser_than_asked_is_noticed(render: StandIn, quantity: Quantity) -> None:
    """From the moments themselves: a minute's figure does not stand for a second."""
    render.traffic(seconds=200)
    render.memory(60, seconds=200)
    render.plant("coarse")
    api = RenderApi(render.settings(), KEY)
    now_s = time.monotonic()

    assert sources(api)[quantity].read(now_s - 180, now_s).step_s == 60


@pytest.mark.parametrize("quantity", list(Quantity))
def test_what_is_not_a_number_is_unknown(render: StandIn, quantity: Quantity) -> None:
    """Null is neither zero nor low."""
    render.traffic()
    render.memory(60)
    render.plant("not-a-number")
    found = read(render, quantity)

    assert found.points
    assert known(found) == []


def test_errors_that_are_not_told_are_missed(render: StandIn) -> None:
    """All requests are more than those that are told by status: the rest may be anything."""
    render.traffic(ok=15, errors=5)
    render.plant("errors-untold")
    found = read(render, ERRORS)

    assert known(found) == []
    assert {point.why for point in found.points} == {"20 requests in all, and 15 when told by status: some are missing"}


@pytest.mark.parametrize(
    ("settings", "key", "words"),
    [
        ({"service_id": "srv-other"}, KEY, "HTTP 404, not found, request "),
        ({"owner_id": "tea-other"}, KEY, "expected it to belong to tea-other ([render] owner_id), found 'tea-tests'"),
        ({}, "rnd_wrong", "HTTP 401, unauthorized, request "),
    ],
)
def test_a_wrong_service_owner_or_key_is_named(render: StandIn, settings: dict[str, Any], key: str, words: str) -> None:
    """And the key itself is not."""
    render.traffic()
    said = refusal(render, key=key, **settings)

    assert words in said
    assert "rnd_" not in said


# ---------------------------------------------------------------- answers that the stand-in would not give

SAMPLE = {"timestamp": "2026-11-25T10:00:00Z", "value": 5}


def one(values: Any, unit: Any = "unitless", labels: Any = ()) -> list[dict[str, Any]]:
    """One series."""
    return [{"labels": list(labels) if isinstance(labels, tuple) else labels, "values": values, "unit": unit}]


@contextmanager
def answering(document: Any, headers: Mapping[str, str] | None = None, status: int = 200) -> Iterator[RenderApi]:
    """A Render that knows the service and answers so to everything else."""
    service = {"id": SERVICE, "ownerId": "tea-x", "suspended": "not_suspended"}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_service = "/services/" in self.path and not (isinstance(document, dict) and "suspended" in document)
            body = json.dumps(service if is_service else document).encode()
            self.send_response_only(200 if is_service else status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        yield RenderApi(Render.model_validate({"api_url": url, "service_id": SERVICE}), KEY)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize(
    "document",
    [
        pytest.param({"values": []}, id="no list"),
        pytest.param(["x"], id="no series"),
        pytest.param(one([SAMPLE], unit=None), id="no unit"),
        pytest.param(one([SAMPLE], unit="requests/s"), id="a rate, not a count"),
        pytest.param(one([SAMPLE], labels="x"), id="labels are a text"),
        pytest.param(one("x"), id="values are a text"),
        pytest.param(one([[1, 2]]), id="pairs"),
        pytest.param(one([{**SAMPLE, "timestamp": "2026-11-25T10:00:00"}]), id="no time zone"),
        pytest.param(one([{**SAMPLE, "timestamp": "yesterday"}]), id="no moment"),
        pytest.param(one([{**SAMPLE, "timestamp": 1764064800}]), id="seconds since 1970"),
        pytest.param(one([{**SAMPLE, "value": "5"}]), id="a text"),
        pytest.param(one([{**SAMPLE, "value": True}]), id="a truth value"),
        pytest.param(one([{**SAMPLE, "value": -1}]), id="less than nothing"),
        pytest.param(one([SAMPLE, SAMPLE]), id="a moment twice"),
        pytest.param(one([SAMPLE]) * 2, id="two series where one is expected"),
    ],
)
def test_what_does_not_follow_the_api_is_refused(document: Any) -> None:
    """A guess could be a false all-clear."""
    with answering(document) as api, pytest.raises(MeasurementFailed, match="does not follow its API"):
        sources(api)[ERRORS].read(time.monotonic() - 60, time.monotonic())


@pytest.mark.parametrize(
    ("unit", "mb"), [("bytes", 5e-6), ("KB", 0.00512), ("MB", 5.24288), ("MiB", 5.24288), ("GB", 5368.70912)]
)
def test_units_are_read(unit: str, mb: float) -> None:
    """The larger of both meanings."""
    moment = time.time() - 200
    values = [{"timestamp": time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(moment)), "value": 5}]
    with answering(one(values, unit)) as api:
        found = sources(api)[MEMORY].read(time.monotonic() - 600, time.monotonic())

    assert [point.value for point in found.points] == [pytest.approx(mb)]


@pytest.mark.parametrize("value", [None, 0])
def test_what_no_process_holds_is_unknown(value: float | None) -> None:
    """No process is that small."""
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 200))
    with answering(one([{"timestamp": moment, "value": value}], "MB")) as api:
        found = sources(api)[MEMORY].read(time.monotonic() - 600, time.monotonic())

    assert (len(found.points), known(found)) == (1, [])


def test_another_clock_is_translated() -> None:
    """Render is an hour ahead of this machine: what it names then happened just now."""
    there = time.time() + 3600
    date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(there))
    values = [{"timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(there - 200)), "value": 5}]
    with answering(one(values, "MB"), headers={"Date": date}) as api:
        before_s = time.monotonic()
        found = sources(api)[MEMORY].read(before_s - 600, before_s)
        after_s = time.monotonic()

    assert before_s - 202 < found.points[0].at_s < after_s - 198


@pytest.mark.parametrize(
    ("service", "words"),
    [
        ({"id": SERVICE, "suspended": "suspended"}, "it is suspended, so its metrics say nothing of users"),
        ({"id": "srv-y", "suspended": "not_suspended"}, "its answer is about something else"),
    ],
)
def test_a_service_that_serves_nobody_says_nothing(service: dict[str, str], words: str) -> None:
    """Its figures would be good, or somebody else's."""
    with answering(service) as api, pytest.raises(MeasurementFailed, match=words):
        sources(api)[MEMORY].read(time.monotonic() - 60, time.monotonic())
