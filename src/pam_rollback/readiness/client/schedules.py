"""Who is on call: from a calendar (RFC 5545), or from PagerDuty's schedules. Everything here raises MeasurementFailed."""

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from pam_rollback.base.answer import Answer
from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.outside.http import fetch
from pam_rollback.readiness.rules.on_call import Shift

_SHIFTS_MAX = 10_000
"""More in so few days is no schedule of people."""


def of_calendar(text: str, *, since: datetime, until: datetime, source: str) -> list[Shift]:
    """The shifts of that time, with all repetitions. ``source`` names the calendar in messages, never its private address."""
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
        raise MeasurementFailed(f"the calendar of on_call_calendar_env: {_what(answer)}")
    return answer.text


def of_pagerduty(
    schedule: str, *, api_url: str, token: str, since: datetime, until: datetime, deadline_s: float
) -> list[Shift]:
    """The final schedule, overrides included (``GET /schedules/{id}``)."""
    span = f"since={_iso(since)}&until={_iso(until)}&time_zone=UTC"
    headers = {"Authorization": f"Token token={token}", "Accept": "application/vnd.pagerduty+json;version=2"}
    answer = fetch(f"{api_url}/schedules/{schedule}?{span}", headers=headers, deadline_s=deadline_s)
    where = f"PagerDuty's schedule {schedule}"
    if answer.problem or answer.http_status != HTTPStatus.OK:
        raise MeasurementFailed(f"{where}: {_what(answer)}")
    try:
        document: Mapping[str, Any] = answer.json
        entries = document["schedule"]["final_schedule"]["rendered_schedule_entries"]
        return [Shift(str(one["user"]["summary"]), _moment(one["start"]), _moment(one["end"])) for one in entries]
    except (KeyError, TypeError, ValueError) as problem:
        raise MeasurementFailed(f"{where}: expected its final schedule, found something else ({problem!r})") from None


def _moment(text: object) -> datetime:
    at = datetime.fromisoformat(str(text))
    if at.tzinfo is None:
        raise ValueError(f"{text} names no time zone")
    return at


def _iso(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _what(answer: Answer) -> str:
    hints = {
        401: "the token is not known",
        403: "the token may not read it",
        404: "there is none, or it may not be seen",
    }
    status = answer.http_status
    return answer.problem or f"HTTP {status}" + (f": {hints[status]}" if status in hints else "")
