"""Records of earlier runs, post-mortems and calendars. Everything here raises MeasurementFailed."""

from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.outside.http import fetch
from pam_rollback.readiness.rules import Document, RealRun, Shift
from pam_rollback.report.earlier_runs import read_or_none

_LARGEST_BYTES = 1_000_000
_SHIFTS_MAX = 10_000
"""More in so few days is no schedule of people."""


def real_runs(out: Path, environment: str) -> list[RealRun]:
    """The real rollbacks of that environment that are on record. Half a folder is nobody's record.

    Raises MeasurementFailed where no run of it is, of whatever kind: then its rollbacks may be on record elsewhere, too.
    """
    records = (read_or_none(path) for path in sorted(out.glob("*/run.json")))
    here = [record for record in records if record is not None and record.environment.name == environment]
    if not here:
        raise MeasurementFailed(f"{out} has no run of {environment}: are its records on another machine? See --state")
    return [
        RealRun(record.run_id, datetime.fromisoformat(record.finished.iso))
        for record in here
        if record.mode == "real" and record.actions
    ]


def documents(folder: Path) -> list[Document]:
    """The post-mortems of a folder. Raises MeasurementFailed when it cannot be read."""
    if not folder.is_dir():
        raise MeasurementFailed(f"{folder}: expected the folder of post-mortems, found none ([readiness] postmortems)")
    try:
        return [Document(file.name, file.read_text(encoding="utf-8")) for file in sorted(folder.glob("**/*.md"))]
    except (OSError, UnicodeDecodeError) as problem:
        raise MeasurementFailed(f"{folder}: a post-mortem cannot be read: {problem}") from None


def text_of(file: Path) -> str:
    """A file of the project. Raises MeasurementFailed when it cannot be read, or is too large to be one."""
    try:
        if file.stat().st_size > _LARGEST_BYTES:
            raise MeasurementFailed(f"{file}: larger than {_LARGEST_BYTES} bytes")
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise MeasurementFailed(f"{file} cannot be read: {problem}") from None


def of_calendar(text: str, *, since: datetime, until: datetime, source: str) -> list[Shift]:
    """The shifts of that time (RFC 5545), with all repetitions. ``source`` names the calendar in messages, never its private address."""
    # Loaded here: no other phase needs it, and it takes a while.
    from ical.calendar_stream import IcsCalendarStream  # noqa: PLC0415
    from ical.event import EventStatus  # noqa: PLC0415
    from ical.exceptions import CalendarError  # noqa: PLC0415

    if "BEGIN:VCALENDAR" not in text:
        raise MeasurementFailed(f"{source}: expected an iCalendar file, found something else ({len(text)} characters)")
    found = []
    try:
        timeline = IcsCalendarStream.calendar_from_ics(text).timeline_tz(UTC)
        for event in timeline.overlapping(since, until):
            if event.status != EventStatus.CANCELLED:
                who = str(event.summary or "somebody")
                found.append(Shift(who, event.start_datetime, event.end_datetime))
            if len(found) > _SHIFTS_MAX:
                raise MeasurementFailed(f"{source}: more than {_SHIFTS_MAX} shifts, which is no schedule of people")
    except (CalendarError, ValueError, TypeError, OverflowError) as problem:
        raise MeasurementFailed(f"{source}: the calendar cannot be read: {problem}") from None
    return found


def fetched(url: str, *, deadline_s: float) -> str:
    """A calendar at a private address, which no message names."""
    answer = fetch(url, deadline_s=deadline_s)
    if answer.problem or answer.http_status != HTTPStatus.OK:
        what = answer.problem or f"HTTP {answer.http_status}"
        raise MeasurementFailed(f"the calendar of on_call_calendar_env: {what}")
    return answer.text
