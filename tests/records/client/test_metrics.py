"""Memory and requests from the product's metrics: read, or unknown with the reason; never a number that nobody sent."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from prometheus_client import parser

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.observation.memory_readings import read_memory

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
