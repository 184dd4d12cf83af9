"""Answers to the questions of readiness, each from the record or the calendar that it is about."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.http.client import fetch
from pam_rollback.ops.readiness import rules
from pam_rollback.ops.readiness.rules import Document, Finding, RealRun, Shift
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.stories import ways_of
from pam_rollback.report.earlier_runs import DrillAges, last_drills, recorded
from pam_rollback.target.environment import Environment
from pam_rollback.target.service_settings import Preparedness

_LARGEST_BYTES = 1_000_000
_SHIFTS_MAX = 10_000
"""More in so few days is no schedule of people."""


def real_runs(out: Path, environment: str) -> list[RealRun]:
    """The real rollbacks of that environment that are on record. Half a folder is nobody's record.

    Raises MeasurementFailed where no run of it is, of whatever kind: then its rollbacks may be on record elsewhere, too.
    """
    here = [record for _, record in recorded(out) if record.environment.name == environment][::-1]
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


RUNBOOK = Path("docs", "runbook.md")


@dataclass(frozen=True)
class Sources:
    """Where the records are, and the moment for which they are read."""

    environment: Environment
    plan: Plan
    at: datetime
    root: Path

    @property
    def settings(self) -> Preparedness:
        """What the environment says of its people; the usual figures where it says nothing."""
        return self.environment.readiness or Preparedness()

    @property
    def out(self) -> Path:
        """The folder of the runs."""
        return self.root / "reports" / "out"


def drills(sources: Sources) -> DrillAges:
    """PM-10: when each strategy was drilled, in the environments that count here."""
    found = last_drills(sources.out, ways_of(sources.plan), environments=sources.settings.drilled_in)
    return DrillAges(found, sources.plan.about.review_after_d)


def runbook(sources: Sources) -> Finding:
    """PM-11: whether the runbook is whole and was reviewed."""
    return rules.runbook_kept(
        text_of(sources.root / RUNBOOK),
        {item.id: item.anchor for item in sources.plan.items()},
        reviewed_on=sources.plan.about.reviewed_on,
        review_after_d=sources.plan.about.review_after_d,
        today=sources.at.date(),
    )


def on_call(sources: Sources) -> Finding:
    """PM-12: whether a person is on call at any hour, by all calendars together."""
    settings, environment = sources.settings, sources.environment
    until = sources.at + timedelta(days=settings.on_call_d)
    shifts: list[Shift] = []
    if settings.calendar:
        text = text_of(sources.root / settings.calendar)
        shifts += of_calendar(text, since=sources.at, until=until, source=settings.calendar)
    if environment.has_secret("on_call_calendar"):
        text = fetched(environment.secret("on_call_calendar"), deadline_s=environment.probing.request_deadline_s)
        source = "the calendar of on_call_calendar_env"
        shifts += of_calendar(text, since=sources.at, until=until, source=source)
    return rules.covered(shifts, since=sources.at, until=until, absent=settings.absent)


def postmortems(sources: Sources) -> Finding:
    """PM-13: whether each real rollback has its post-mortem."""
    within = timedelta(days=sources.settings.postmortem_within_d)
    return rules.finished(*_real_rollbacks(sources), now=sources.at, within=within)


def causes(sources: Sources) -> Finding:
    """RP-1: whether the root cause of each real rollback was found in time."""
    within = timedelta(seconds=sources.plan.recovery[rules.ROOT_CAUSE].max_s or 0.0)
    return rules.cause_found(*_real_rollbacks(sources), now=sources.at, within=within)


def _real_rollbacks(sources: Sources) -> tuple[list[RealRun], list[Document]]:
    runs = real_runs(sources.out, sources.environment.name)
    return runs, documents(sources.root / sources.settings.postmortems)


ANSWERS: Mapping[str, Callable[[Sources], DrillAges | Finding]] = {
    "PM-10": drills,
    "PM-11": runbook,
    "PM-12": on_call,
    "PM-13": postmortems,
    rules.ROOT_CAUSE: causes,
}
"""By plan item."""
