"""What is told while a session runs."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from pam_rollback.report import wording
from pam_rollback.report.verdict import Outcome
from pam_rollback.session import as_it_runs

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
    groups = as_it_runs.Groups()
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
    groups = as_it_runs.Groups()
    groups.add("after-gradual", "health", Outcome.PASSED)
    groups.add("after-backend", "health", Outcome.PASSED)

    assert groups.add("after-gradual", "window", Outcome.PASSED) == "health         1 ok [after-gradual]"


def test_what_is_red_has_its_reason_and_the_way_on() -> None:
    """In one line, at once."""
    told = as_it_runs.bad(
        Outcome.BROKEN_CRITERION, "HC-2", "The back end is healthy.", "AssertionError: HTTP 503", "docs/runbook.md#api"
    )

    assert told == "! BROKEN HC-2 The back end is healthy: HTTP 503; docs/runbook.md#api"


def test_the_body_of_an_answer_is_left_to_the_screen() -> None:
    """It is in the end's "found", and would take two lines of each failure here."""
    message = (
        """AssertionError: PAM says unhealthy (GET http://a/health: HTTP 503 application/json '{"status": "un…')"""
    )

    told = as_it_runs.bad(Outcome.BROKEN_CRITERION, "HC-4", "not true: PAM works.", message, "docs/runbook.md#pam")

    assert told == (
        "! BROKEN HC-4 not true: PAM works: PAM says unhealthy (GET http://a/health: HTTP 503); docs/runbook.md#pam"
    )


def test_the_picture_says_phase_wait_and_criteria() -> None:
    """What goes on, what is waited for, how many are good, and which are not."""
    picture = as_it_runs.Picture(phase="window", since_s=100, waiting="  … window 3 of 15 s", asked=186)
    picture.found.update([Outcome.PASSED, Outcome.PASSED, Outcome.BROKEN_CRITERION, Outcome.NOT_RUN])
    picture.red += ["SC-1", "SC-1"]

    assert picture.lines(now_s=112) == [
        "phase          window, for 12 s",
        "waiting        window 3 of 15 s",
        "so far         2 ok, 1 not good, of 186: SC-1",
    ]
    assert as_it_runs.Picture().lines(0)[-1] == "so far         0 ok, 0 not good, of 0"


def test_the_picture_stays_small() -> None:
    """However much is red: no line of it is wider than a terminal."""
    picture = as_it_runs.Picture(asked=186, red=[f"POST-{number}" for number in range(40)])
    picture.found.update([Outcome.BROKEN_CRITERION] * 151)

    assert picture.lines(0)[-1].endswith("of 186: POST-0 POST-1 POST-2 and 37 more")
    assert max(map(len, picture.lines(0))) <= 80


def test_a_long_line_goes_on_below_its_text() -> None:
    """So that the names of the phases stay a column of their own."""
    phase = as_it_runs.wrapped(as_it_runs.line("users", "are well again " * 8), 60)
    red = as_it_runs.wrapped(as_it_runs.bad(Outcome.UNKNOWN, "HC-1", "It is well.", "no answer " * 12, ""), 60)

    assert [line[:17] for line in phase] == [
        "users          ar",
        *["               " + line[15:17] for line in phase[1:]],
    ]
    assert all(line.startswith("  ") for line in red[1:])
    assert as_it_runs.style(red[0]) == "bold yellow", "not known is not red"
    assert as_it_runs.style(as_it_runs.bad(Outcome.BROKEN_CRITERION, "HC-1", "It is.", "503", "")) == "bold red"
    assert as_it_runs.style(phase[0]) == ""
    assert max(map(len, [*phase, *red])) <= 60
    assert len(phase) > 1
