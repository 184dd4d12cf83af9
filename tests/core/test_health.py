"""A health answer is judged on body, status, content type and release, never on one of them alone."""

import pytest

from pam_rollback.core.answer import Answer
from pam_rollback.core.health import HealthAround, HealthReport


def report(
    body: bytes, *, content_type: str = "application/json", http_status: int | None = 200, problem: str = ""
) -> HealthReport:
    """A report of an answer with this body."""
    return HealthReport.of(
        "the database", Answer("GET", "http://pam.test/health/db", http_status, content_type, body, 12.0, problem)
    )


@pytest.mark.parametrize(
    ("found", "status"),
    [
        (report(b'{"status":"healthy","release":"1.41.3"}'), "healthy"),
        (report(b'{"status":"unhealthy"}'), "unhealthy"),
        (
            report(b"<!doctype html>", content_type="text/html"),
            "not JSON but text/html (the single-page fallback answers 200 for any path)",
        ),
        (report(b"<!doctype html>"), "not JSON although its content type says so"),
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


def test_another_release_is_named() -> None:
    """Healthy is not enough: the release that was rolled back to must be the one that answers."""
    found = report(b'{"status":"healthy","release":"1.42.0"}')

    assert not found.runs("1.41.3")
    assert "runs 1.42.0, expected 1.41.3" in found.release_problem("1.41.3")


def test_without_an_expected_release_one_must_still_be_named() -> None:
    """An answer that hides its release can never be shown to be the right one."""
    assert report(b'{"status":"healthy","release":"1.42.0"}').runs("")
    assert not report(b'{"status":"healthy"}').runs("")


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
    assert str(HealthAround((well,), (ill,))).startswith("after: the database says degraded")
    assert HealthAround((ill,), (ill, well)).figures.measured == "2 not healthy"
