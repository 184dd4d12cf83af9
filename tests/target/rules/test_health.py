"""A health answer is judged on body, status, content type and release, never on one of them alone."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pam_rollback.core.answer import Answer
from pam_rollback.target.health import HealthAround, HealthReport, is_healthy
from tests.contracts import usual


def report(
    body: bytes,
    *,
    content_type: str = "application/json",
    http_status: int | None = 200,
    problem: str = "",
    headers: Mapping[str, str] | None = None,
    now: datetime | None = None,
    **options: Any,
) -> HealthReport:
    """A report of an answer with this body."""
    url = "http://pam.test/health/db"
    answer = Answer("GET", url, http_status, content_type, body, 12.0, problem, headers=dict(headers or {}))
    return HealthReport.of(usual(**options), answer, now=now)


@pytest.mark.parametrize(
    ("found", "status"),
    [
        (report(b'{"status":"healthy","release":"1.41.3"}'), "healthy"),
        (report(b'{"status":"unhealthy"}'), "unhealthy"),
        (
            report(b"<!doctype html>", content_type="text/html"),
            "not JSON but text/html (the single-page fallback answers 200 for any path)",
        ),
        (
            report(b"<!doctype html>"),
            "not JSON although its content type says so (expecting value at character 1)",
        ),
        (
            report(b'{"status":"unhealthy","status":"healthy"}'),
            "not JSON although its content type says so (the key 'status' stands twice in one object)",
        ),
        (
            report(b'{"status":"healthy","checks":{"database":{"status":"unhealthy"},"redis":"down"}}'),
            "healthy at its top only: checks.database.status is 'unhealthy', checks.redis is 'down'",
        ),
        (
            report(b"", http_status=302, content_type="text/html", headers={"location": "/login"}),
            "a redirect to /login",
        ),
        (report(b'{"ok":true}'), "JSON without a status"),
        (report(b'{"status":1}'), "JSON without a status"),
        (report(b"[1]"), "JSON without a status"),
        (report(b"", http_status=None, problem="refused the connection"), "refused the connection"),
    ],
)
def test_the_status_is_the_bodys_word_or_what_was_found(found: HealthReport, status: str) -> None:
    """Nothing but the word healthy reads as healthy."""
    assert found.status == status
    assert found.status in str(found)


@pytest.mark.parametrize(
    ("found", "shared"),
    [
        (report(b'{"detail": "bad gateway"}', http_status=502), True),
        (report(b"<h1>not now</h1>", content_type="text/html", http_status=503), True),
        (report(b'{"status":"unhealthy"}', http_status=503), False),
        (report(b'{"status":null}', http_status=503), False),
        (report(b'{"status":"healthy"}'), False),
    ],
    ids=["a gateway", "a page", "its own word", "no word", "well"],
)
def test_what_a_component_says_of_itself_is_no_cause_of_others(found: HealthReport, shared: object) -> None:
    """Two that are unhealthy may each be so by itself, however alike they say it; what a gateway says in their place concerns both."""
    assert found.cause == (found.answer.cause if shared else "")
    assert bool(found.cause) is shared


def test_health_before_and_after() -> None:
    """Healthy both times, by word and status; nothing asked is not well."""
    well, ill = report(b'{"status":"healthy"}'), report(b'{"status":"degraded"}')
    lying = report(b'{"status":"healthy"}', http_status=503)

    assert HealthAround((well, well), (well, well)).well
    assert str(HealthAround((well,), (well,))) == "all 1 health endpoints were healthy before and after"
    for around in (HealthAround((ill,), (well,)), HealthAround((well,), (lying,)), HealthAround((well,), ())):
        assert not around.well
    released = HealthAround(
        (report(b'{"status":"healthy","release":"1.42.0"}'),), (report(b'{"status":"healthy","release":"1.43.0"}'),)
    )
    assert not released.well
    assert str(released) == "the database ran release 1.42.0 before and 1.43.0 after"
    first, second = (
        report(f'{{"status":"healthy","release":"1.42.0","commit":"{one}"}}'.encode()) for one in ("a" * 40, "b" * 40)
    )
    rebuilt = HealthAround((first,), (second,))
    assert not rebuilt.one_release
    assert str(rebuilt) == (
        f"the database ran release 1.42.0 of commit {'a' * 12} before and 1.42.0 of commit {'b' * 12} after"
    )
    assert HealthAround((first,), (first,)).well
    assert str(HealthAround((well,), (ill,))).startswith("after: the database says degraded")
    assert HealthAround((ill,), (ill, well)).measured.value == "2 not healthy"


_DATE = {"date": "Fri, 27 Nov 2026 12:00:00 GMT"}


@pytest.mark.parametrize(
    ("timestamp", "headers", "why"),
    [
        ('"2026-11-27T11:59:59Z"', _DATE, ""),
        ('"2026-11-27T02:00:00"', _DATE, ""),
        ('"2026-11-28T12:00:00+02:00"', _DATE, ""),
        ('"2023-01-01T00:00:00Z"', _DATE, "1426 days old"),
        ("1672531200", _DATE, "1426 days old"),
        ("1672531200000", _DATE, "1426 days old"),
        ('"2023-01-01T00:00:00Z"', {}, "1426 days old"),
        ('"yesterday"', _DATE, ""),
        ("12.5", _DATE, ""),
        ("null", _DATE, ""),
        ("1e300", _DATE, ""),
        ("null", {"age": "86400", "x-cache": "HIT"}, "what it has kept for 86400 s"),
        ("null", {"age": "60"}, ""),
        ("null", {"age": "soon"}, ""),
        ("null", {"warning": '110 - "Response is Stale"'}, "may be stale"),
        ("null", {"warning": '199 - "Miscellaneous"'}, ""),
    ],
)
def test_an_answer_that_was_kept_tells_nothing_of_now(timestamp: str, headers: Mapping[str, str], why: str) -> None:
    """Neither healthy nor ill: not known. A host of files may keep what it publishes."""
    body = f'{{"status":"healthy","timestamp":{timestamp}}}'.encode()
    now = datetime(2026, 11, 27, 12, tzinfo=UTC)
    found = report(body, headers=headers, now=now)

    assert why in found.not_known
    assert bool(found.not_known) == bool(why)
    assert is_healthy(found) == (not why)
    assert found.not_known in str(found)
    assert not report(body, headers=headers, now=now, site="frontend").not_known
    assert not report(b'{"status":"unhealthy"}', headers=headers, now=now).not_known, "bad is bad, whoever kept it"


@given(st.binary(), st.text(), st.text())
def test_no_answer_raises(timestamp: bytes, age: str, date: str) -> None:
    """Whatever the headers and the body are."""
    for body in (timestamp, b'{"status":"healthy","timestamp":"' + timestamp + b'"}'):
        found = report(body, headers={"age": age, "date": date, "location": age, "retry-after": date, "warning": age})
        assert str(found)


@given(st.datetimes(timezones=st.timezones()).map(datetime.isoformat) | st.integers() | st.floats())
def test_no_timestamp_raises(timestamp: object) -> None:
    """Nor the first and the last moment of all."""
    body = json.dumps({"status": "healthy", "timestamp": timestamp}).encode()

    assert report(body, headers=_DATE, now=datetime.now(UTC)).status


@pytest.mark.parametrize(
    ("encoding", "status"), [("identity", "healthy"), ("gzip", "packed as gzip, which nobody asked for")]
)
def test_an_answer_in_an_encoding_that_nobody_asked_for_is_not_read(encoding: str, status: str) -> None:
    """Whoever honours the header, as every browser does, could not read the body."""
    body = b'{"status": "healthy", "version": "1.42.0"}'
    answer = Answer(
        "GET", "http://x/health", 200, "application/json", body, 1.0, headers={"content-encoding": encoding}
    )
    report = HealthReport.of(usual(), answer)

    assert status in report.status
    assert is_healthy(report) == (encoding == "identity")
