"""Memory and requests from the product's metrics: read, or unknown with the reason; never a number that nobody sent."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from prometheus_client import parser

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.records.client.metrics import RequestCounters, counted_between, read_memory, read_requests

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


def test_memory_is_read_in_megabytes_of_ten_to_the_sixth() -> None:
    """As the plan's figures are."""
    with serving(200, METRICS) as url:
        assert read_memory(url, deadline_s=5).mb == pytest.approx(67.690496)


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

    assert (round(reading.mb), reading.requests) == (68, 3)
    assert parsed[0].splitlines() == ["pam_memory_usage_bytes 6.7690496e+07", 'pam_requests_total{status="200"} 3']


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


# ---------------------------------------------------------------- requests

COUNTED = """# TYPE pam_requests_total counter
pam_requests_total{{method="GET",path="/a",status="200"}} {fine}
pam_requests_total{{method="GET",path="/a",status="500"}} {bad}
# TYPE pam_request_duration_seconds histogram
pam_request_duration_seconds_bucket{{path="/a",le="0.1"}} {fast}
pam_request_duration_seconds_bucket{{path="/a",le="0.5"}} {fine}
pam_request_duration_seconds_bucket{{path="/a",le="+Inf"}} {all}
process_start_time_seconds {started}
"""


def counters(fine: int, bad: int, fast: int, *, started: float = 1700000000) -> RequestCounters:
    """What the product says of so many requests."""
    text = COUNTED.format(fine=fine, bad=bad, fast=fast, all=fine + bad, started=started)
    with serving(200, text.encode()) as url:
        return read_requests(url, deadline_s=5)


def test_requests_between_two_readings_are_counted() -> None:
    """Errors by their status, times by the buckets; what was there before does not count."""
    found = counted_between(counters(1000, 10, 900), counters(1100, 12, 990))

    assert (found.n, found.errors) == (102, 2)
    assert found.times is not None
    assert found.times.bounds == "between 100 and 500 ms"
    assert found.times.n == 102


def test_counters_that_begin_between_the_readings_count_from_zero() -> None:
    """The first error of all makes its series."""
    with serving(200, b'pam_requests_total{status="200"} 5\n') as url:
        before = read_requests(url, deadline_s=5)
    with serving(200, b'pam_requests_total{status="200"} 9\npam_requests_total{status="503"} 2\n') as url:
        after = read_requests(url, deadline_s=5)
    found = counted_between(before, after)

    assert (found.n, found.errors) == (6, 2)
    assert found.times is None
    assert found.why_no_times == "there is no pam_request_duration_seconds_bucket"


def test_a_restart_between_the_readings_is_unknown() -> None:
    """What the old process counted last is lost: never zero, also where the new one has counted more."""
    before = counters(1000, 10, 900)

    for later in (counters(20, 0, 20), counters(5000, 0, 5000, started=1700000300)):
        with pytest.raises(MeasurementFailed, match="the process was restarted: what it counted last is lost"):
            counted_between(before, later)


def test_no_request_is_counted_as_none() -> None:
    """Nothing came: the count is zero, which is what a load test that went elsewhere looks like."""
    found = counted_between(counters(1000, 10, 900), counters(1000, 10, 900))

    assert (found.n, found.errors, found.times) == (0, 0, None)


def test_metrics_without_requests_are_unknown() -> None:
    """The page is there and counts none."""
    with (
        serving(200, b"pam_memory_usage_bytes 5\n") as url,
        pytest.raises(MeasurementFailed, match="has no pam_requests_total"),
    ):
        read_requests(url, deadline_s=5)
