"""Calendars, records and post-mortems: each read as it is, and one clear line where it cannot be read."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pam_rollback.core.answer import Answer
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.ops.readiness import answers as client

SINCE = datetime(2026, 11, 27, tzinfo=UTC)
UNTIL = SINCE + timedelta(days=2)
CALENDAR = """BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//team//on call//EN\r
BEGIN:VEVENT\r
UID:1\r
DTSTAMP:20261101T000000Z\r
DTSTART;TZID=Europe/Berlin:20261020T080000\r
DTEND;TZID=Europe/Berlin:20261020T200000\r
RRULE:FREQ=DAILY\r
EXDATE;TZID=Europe/Berlin:20261128T080000\r
SUMMARY:On call: Ada\r
END:VEVENT\r
BEGIN:VEVENT\r
UID:2\r
DTSTAMP:20261101T000000Z\r
DTSTART:20261128T070000Z\r
DTEND:20261128T190000Z\r
STATUS:CANCELLED\r
SUMMARY:Ben\r
END:VEVENT\r
END:VCALENDAR\r
"""


def test_a_calendar_is_read_with_its_repetitions() -> None:
    """In its own time zone, across the change of the clocks; neither what was taken out nor what was cancelled."""
    [shift] = client.of_calendar(CALENDAR, since=SINCE, until=UNTIL, source="on-call.ics")

    assert (shift.who, shift.start, shift.end) == (
        "On call: Ada",
        SINCE.replace(hour=7),
        SINCE.replace(hour=19),
    )


@pytest.mark.parametrize(
    "text", ["", "<html>Sign in</html>", CALENDAR.replace("20261020T080000", "xx")], ids=["empty", "a page", "garbage"]
)
def test_what_is_no_calendar_is_not_known(text: str) -> None:
    """Never an empty schedule, and never a full one."""
    with pytest.raises(MeasurementFailed, match=r"on-call\.ics"):
        client.of_calendar(text, since=SINCE, until=UNTIL, source="on-call.ics")


@pytest.mark.parametrize("status", [404, None], ids=["404", "silent"])
def test_a_private_calendar_is_not_named(monkeypatch: pytest.MonkeyPatch, status: int | None) -> None:
    """Its address is what opens it."""
    problem = "" if status else "silent: connected, but no answer within 5 s"
    answer = Answer("GET", "https://x", status, "text/html", b"", 1.0, problem, {}, sent=True)
    monkeypatch.setattr(client, "fetch", lambda *_, **__: answer)

    with pytest.raises(MeasurementFailed, match="on_call_calendar_env") as told:
        client.fetched("https://calendar/private-abc/basic.ics", deadline_s=5)
    assert "private-abc" not in str(told.value)


def test_no_run_on_record_is_not_no_rollback(tmp_path: Path) -> None:
    """Its records may be on another machine."""
    with pytest.raises(MeasurementFailed, match="has no run of staging"):
        client.real_runs(tmp_path, "staging")


def test_a_folder_of_postmortems_that_is_not_there_is_not_known(tmp_path: Path) -> None:
    """It was named, so it is expected."""
    (tmp_path / "a.md").write_text("run-1")

    assert [one.name for one in client.documents(tmp_path)] == ["a.md"]
    with pytest.raises(MeasurementFailed, match="postmortems"):
        client.documents(tmp_path / "none")
