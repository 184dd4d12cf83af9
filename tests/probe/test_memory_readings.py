"""Memory and requests from the product's metrics: read, or unknown with the reason; never a number that nobody sent."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import parser

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.probe import memory_readings
from pam_rollback.probe.memory import MemoryReading
from pam_rollback.probe.memory_readings import MemoryWatch, memory_reader, read_memory
from pam_rollback.target.contract import Mark

METRICS = b"""# HELP pam_memory_usage_bytes Resident memory.
# TYPE pam_memory_usage_bytes gauge
pam_memory_usage_bytes 6.7690496e+07
# TYPE pam_requests_total counter
pam_requests_total{status="200"} 3
"""


@contextmanager
def serving(status: int, body: bytes) -> Iterator[str]:
    """A server that answers this to everything."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/metrics"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_the_start_of_the_process_is_read_where_it_is_told() -> None:
    """Of several processes the youngest, so that any restart moves it; nothing where nobody tells it."""
    told = METRICS + b"process_start_time_seconds 1700000000.5\n" + b'process_start_time_seconds{pid="2"} 1700000300\n'
    with serving(200, told) as url:
        assert read_memory(url, deadline_s=5).started_s == 1700000300
    with serving(200, METRICS) as url:
        assert read_memory(url, deadline_s=5).started_s is None


def test_of_several_processes_the_largest_counts() -> None:
    """The limit is for each of them."""
    with serving(200, b'pam_memory_usage_bytes{pid="1"} 5e7\npam_memory_usage_bytes{pid="2"} 9e7\n') as url:
        assert read_memory(url, deadline_s=5).mb == 90


def test_of_a_long_page_only_its_own_series_are_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read up to ten times a second. A page that is something else as well is read whole, and refused."""
    parsed: list[str] = []
    parse = parser.text_string_to_metric_families

    def noted(text: str) -> Iterable[object]:
        parsed.append(text)
        return parse(text)

    monkeypatch.setattr(parser, "text_string_to_metric_families", noted)
    buckets = b"".join(b'pam_request_duration_seconds_bucket{le="%d"} 7\n' % number for number in range(500))
    with serving(200, METRICS + buckets) as url:
        reading = read_memory(url, deadline_s=5)
    with serving(200, METRICS + b' pam_memory_usage_bytes{pid="2"} 9e7\n') as url:
        assert read_memory(url, deadline_s=5).mb == 90, "a reading that is indented counts, too"
    with (
        serving(200, METRICS + b"<html>") as url,
        pytest.raises(MeasurementFailed, match="not Prometheus' text format"),
    ):
        read_memory(url, deadline_s=5)

    assert round(reading.mb) == 68
    assert parsed[0].splitlines() == ["pam_memory_usage_bytes 6.7690496e+07"]


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (200, b"", "has no pam_memory_usage_bytes"),
        (200, b"pam_requests_total 3\n", "has no pam_memory_usage_bytes"),
        (200, b"pam_memory_usage_bytes NaN\n", "is \\[nan\\]"),
        (200, b"pam_memory_usage_bytes +Inf\n", "is \\[inf\\]"),
        (200, b"pam_memory_usage_bytes lots\n", "not Prometheus' text format"),
        (200, b"<!doctype html><title>Wheels</title>", "not Prometheus' text format|has no"),
        (200, b"\xff\xfe\x00", "not Prometheus' text format"),
        (404, METRICS, "HTTP 404"),
        (503, METRICS, "HTTP 503"),
    ],
)
def test_what_does_not_say_is_unknown(status: int, body: bytes, words: str) -> None:
    """Absent, empty, not a number, no metrics at all, or an error that has some: never low."""
    with serving(status, body) as url, pytest.raises(MeasurementFailed, match=words):
        read_memory(url, deadline_s=5)


def test_nobody_there_is_unknown() -> None:
    """Down or not: memory is not known."""
    with serving(200, METRICS) as url:
        pass
    with pytest.raises(MeasurementFailed, match="refused the connection"):
        read_memory(url, deadline_s=5)


_WITHIN_S = 10.0


def until(holds: Callable[[], bool]) -> None:
    """Wait for it."""
    end_s = time.monotonic() + _WITHIN_S
    while not holds():
        assert time.monotonic() < end_s
        time.sleep(0.005)


def test_what_is_read_and_what_is_not() -> None:
    """Every third reading fails, one of them by a defect: the others go on."""
    asked = 0

    def read() -> MemoryReading:
        nonlocal asked
        asked += 1
        if asked == 3:
            raise MeasurementFailed("memory is not known: HTTP 503")
        if asked == 6:
            raise ZeroDivisionError("a defect")
        return MemoryReading(time.monotonic(), 60.0 + asked)

    with MemoryWatch(read, every_s=0.01) as watch:
        until(lambda: len(watch.readings) >= 8)
    told = [one.why for one in watch.missed]

    assert told == ["memory is not known: HTTP 503", "memory is not known: ZeroDivisionError('a defect')"]
    assert [reading.mb for reading in watch.readings[:3]] == [61, 62, 64]


def test_nothing_is_read_after_the_end() -> None:
    """A session that goes on to its report does not keep asking."""
    asked: list[float] = []

    def read() -> MemoryReading:
        asked.append(time.monotonic())
        return MemoryReading(asked[-1], 60.0)

    watch = MemoryWatch(read, every_s=0.01)
    until(lambda: len(asked) >= 2)
    watch.stop()
    time.sleep(0.05)
    seen = len(asked)
    time.sleep(0.1)

    assert len(asked) == seen


MARK = Mark.model_validate({"path": "/health", "json": "/uptime", "tells": "uptime_s"})


def reader(
    monkeypatch: pytest.MonkeyPatch, *bodies: Any, started: float | None = 100.0, marks: tuple[Mark, ...] = (MARK,)
) -> tuple[Callable[[], MemoryReading], list[str]]:
    """Of a process that began so long ago, beside health answers with these bodies; and what was asked."""
    asked: list[str] = []

    def fetch(url: str, **_: object) -> Any:
        asked.append(url)
        return SimpleNamespace(json=bodies[min(len(asked), len(bodies)) - 1])

    def read(*_: object, **__: object) -> MemoryReading:
        return MemoryReading(0, 50.0, None if started is None else time.time() - started)

    monkeypatch.setattr(memory_readings, "fetch", fetch)
    monkeypatch.setattr(memory_readings, "read_memory", read)
    environment: Any = SimpleNamespace(
        url_of=lambda _: "http://m/metrics",
        urls=SimpleNamespace(api="http://m"),
        probing=SimpleNamespace(request_deadline_s=1),
        contract=SimpleNamespace(marks=marks),
    )
    return memory_reader(environment), asked


@pytest.mark.parametrize("body", [{"uptime": 100}, {"uptime": 120}, {}, None, {"uptime": "long"}])
def test_what_agrees_or_does_not_tell_is_taken(monkeypatch: pytest.MonkeyPatch, body: Any) -> None:
    """Asked once a minute, and not at each reading."""
    read, asked = reader(monkeypatch, body)

    assert {read().mb for _ in range(5)} == {50.0}
    assert len(asked) == 1


def test_one_of_several_processes_may_answer_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one is the one whose figures they are."""
    read, asked = reader(monkeypatch, {"uptime": 5000}, {"uptime": 101})

    assert read().mb == 50.0
    assert asked == ["http://m/health"] * 2


def test_figures_of_another_process_are_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it is read."""
    read, _ = reader(monkeypatch, {"uptime": 5000})

    for _ in range(2):
        with pytest.raises(
            MeasurementFailed, match="tells of a process that began 4900 s after the one that answers users"
        ):
            read()


@pytest.mark.parametrize(("started", "marks"), [(None, (MARK,)), (100.0, ())])
def test_without_a_start_or_a_mark_nothing_is_asked(
    monkeypatch: pytest.MonkeyPatch, started: float | None, marks: tuple[Mark, ...]
) -> None:
    """Then nothing can be held against each other."""
    read, asked = reader(monkeypatch, {}, started=started, marks=marks)

    assert read().mb == 50.0
    assert asked == []
