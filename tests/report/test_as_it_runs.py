"""What is told while a session runs."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from pam_rollback.report import wording
from pam_rollback.report.verdict import Outcome
from pam_rollback.session.phases import Groups, bad

CET = timezone(timedelta(hours=1), "CET")


def at(moment_s: float) -> datetime:
    """What the clock showed."""
    return datetime(2026, 11, 27, 14, 0, tzinfo=UTC) + timedelta(seconds=moment_s)


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        (None, "14:00:00 to 14:00:05 UTC"),
        (UTC, "14:00:00 to 14:00:05 UTC"),
        (CET, "14:00:00 to 14:00:05 UTC (15:00:00 to 15:00:05 CET)"),
    ],
)
def test_times_of_day(zone: timezone | None, words: str) -> None:
    """In UTC, and as the clock on the wall shows it where that is another time."""
    assert wording.times_of_day((at(0), at(5)), zone) == words


def test_tests_of_a_kind_are_one_line() -> None:
    """Told when the next kind begins; what is not good first."""
    groups = Groups()
    outcomes = [
        ("health", Outcome.PASSED),
        ("health", Outcome.BROKEN_CRITERION),
        ("health", Outcome.PASSED),
        ("integrity", Outcome.UNKNOWN),
    ]
    told = [groups.add("after-gradual", kind, outcome) for kind, outcome in outcomes]

    assert told == ["", "", "", "health         1 BROKEN, 2 ok"]
    assert groups.rest() == ["integrity      1 could not be measured"]
    assert groups.rest() == []


def test_situations_are_told_apart() -> None:
    """Where workers of several situations report in turn."""
    groups = Groups()
    groups.add("after-gradual", "health", Outcome.PASSED)
    groups.add("after-backend", "health", Outcome.PASSED)

    assert groups.add("after-gradual", "window", Outcome.PASSED) == "health         1 ok [after-gradual]"


def test_what_is_red_has_its_reason_and_the_way_on() -> None:
    """In one line, at once."""
    told = bad(
        Outcome.BROKEN_CRITERION, "HC-2", "The back end is healthy.", "AssertionError: HTTP 503", "docs/runbook.md#api"
    )

    assert told == "! BROKEN HC-2 The back end is healthy: HTTP 503; docs/runbook.md#api"


def test_the_body_of_an_answer_is_left_to_the_screen() -> None:
    """It is in the end's "found", and would take two lines of each failure here."""
    message = (
        """AssertionError: PAM says unhealthy (GET http://a/health: HTTP 503 application/json '{"status": "un…')"""
    )

    told = bad(Outcome.BROKEN_CRITERION, "HC-4", "not true: PAM works.", message, "docs/runbook.md#pam")

    assert told == (
        "! BROKEN HC-4 not true: PAM works: PAM says unhealthy (GET http://a/health: HTTP 503); docs/runbook.md#pam"
    )
