"""What is outside, against small stand-ins: each read as it is, and one clear line where it cannot be read."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import pytest

from pam_rollback.base.answer import Answer
from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.readiness import service
from pam_rollback.readiness.client import doors, records, schedules
from pam_rollback.readiness.client.doors import Door
from pam_rollback.readiness.rules.on_call import Shift
from pam_rollback.rollback.rules.deploys import Deploy

SINCE = datetime(2026, 11, 27, tzinfo=UTC)
UNTIL = SINCE + timedelta(days=2)
SHARES = {"RA-1": 10.0, "RA-2": 25.0}
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


def answer(status: int | None = 200, document: object = None, *, text: str = "", **headers: str) -> Answer:
    """An answer as a stand-in gives it; None for one that never came."""
    body = (text or json.dumps(document)).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    problem = "" if status else "silent: connected, but no answer within 5 s"
    return Answer("GET", "https://x", status, "application/json", body, 1.0, problem, named, sent=True)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[[Answer], list[str]]:
    """Let everybody be given that answer; gives the addresses that are asked."""

    def give(one: Answer) -> list[str]:
        asked: list[str] = []

        def fetch(url: str, **_: object) -> Answer:
            asked.append(url)
            return one

        monkeypatch.setattr(doors, "fetch", fetch)
        monkeypatch.setattr(schedules, "fetch", fetch)
        return asked

    return give


def test_a_calendar_is_read_with_its_repetitions() -> None:
    """In its own time zone, across the change of the clocks; neither what was taken out nor what was cancelled."""
    [shift] = schedules.of_calendar(CALENDAR, since=SINCE, until=UNTIL, source="on-call.ics")

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
        schedules.of_calendar(text, since=SINCE, until=UNTIL, source="on-call.ics")


def pagerduty() -> list[Shift]:
    """The schedule PI7DH85."""
    return schedules.of_pagerduty(
        "PI7DH85", api_url="https://pagerduty", token="secret", since=SINCE, until=UNTIL, deadline_s=5
    )


def test_pagerduty_tells_its_final_schedule(answers: Callable[[Answer], list[str]]) -> None:
    """With overrides, and moments of any zone."""
    entry = {"start": "2026-11-27T01:00:00+01:00", "end": "2026-11-28T00:00:00Z", "user": {"summary": "Ada"}}
    asked = answers(answer(document={"schedule": {"final_schedule": {"rendered_schedule_entries": [entry]}}}))

    [shift] = pagerduty()

    assert (shift.who, shift.start) == ("Ada", SINCE)
    assert asked == [
        "https://pagerduty/schedules/PI7DH85?since=2026-11-27T00:00:00Z&until=2026-11-29T00:00:00Z&time_zone=UTC"
    ]


BAD: dict[str, Answer] = {
    "401": answer(401, {}),
    "403": answer(403, {}),
    "404": answer(404, {}),
    "429": answer(429, {}),
    "503": answer(503, {}),
    "silent": answer(None),
    "garbage": answer(text="<html>"),
    "another document": answer(document={"schedule": [], "workflows": {"a": 1}}),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
@pytest.mark.parametrize(
    "ask",
    [pagerduty, lambda: doors.workflow_states("https://github", "o/n", "secret", deadline_s=5)],
    ids=["pagerduty", "workflows"],
)
def test_what_nobody_tells_is_not_known(
    answers: Callable[[Answer], list[str]], ask: Callable[[], object], bad: Answer
) -> None:
    """One line, without the token."""
    answers(bad)

    with pytest.raises(MeasurementFailed) as problem:
        ask()
    assert "secret" not in str(problem.value)
    assert "\n" not in str(problem.value)


def test_a_private_calendar_is_not_named(answers: Callable[[Answer], list[str]]) -> None:
    """Its address is what opens it."""
    answers(answer(404))

    with pytest.raises(MeasurementFailed, match="on_call_calendar_env") as problem:
        schedules.fetched("https://calendar/private-abc/basic.ics", deadline_s=5)
    assert "private-abc" not in str(problem.value)


def test_workflows_are_told_by_file_and_state(answers: Callable[[Answer], list[str]]) -> None:
    """As GitHub lists them."""
    one = {"path": ".github/workflows/watch.yml", "state": "disabled_inactivity"}
    answers(answer(document={"total_count": 1, "workflows": [one]}))

    assert doors.workflow_states("https://github", "o/n", "", deadline_s=5) == {"watch.yml": "disabled_inactivity"}


@pytest.mark.parametrize(
    ("given", "valid", "ends"),
    [
        (answer(200, {}), True, None),
        (answer(200, {}, github_authentication_token_expiration="2026-12-24 08:00:00 UTC"), True, "2026-12-24"),
        (answer(200, {}, github_authentication_token_expiration="soon"), None, None),
        (answer(401, {}), False, None),
        (answer(403, {}), False, None),
        (answer(403, {}, x_ratelimit_remaining="0"), None, None),
        (answer(503, {}), None, None),
        (answer(None), None, None),
    ],
    ids=["no end", "an end", "an odd end", "not known", "may not", "limited", "ill", "silent"],
)
def test_a_token_is_shown_at_its_door(
    answers: Callable[[Answer], list[str]], given: Answer, *, valid: bool | None, ends: str | None
) -> None:
    """A service that is ill, or limits us, has not said no."""
    answers(given)

    token = doors.token_at(Door("git_token", "https://x", "Bearer secret"), deadline_s=5)

    assert token.valid is valid
    assert (f"{token.ends:%Y-%m-%d}" if token.ends else None) == ends


def test_a_key_names_its_own_end() -> None:
    """As Supabase's do; what is no such key has none."""
    claims = "eyJleHAiOjE3OTgwNzA0MDB9"  # {"exp":1798070400}

    assert doors.end_in(f"head.{claims}.signature") == datetime(2026, 12, 24, tzinfo=UTC)
    assert doors.end_in("sb_publishable_x") is None
    assert doors.end_in("a.b.c") is None


def journal(folder: Path, *events: dict[str, Any], end: str = "\n") -> Path:
    """A ramp's journal."""
    file = folder / "ramp.jsonl"
    file.write_text("\n".join(map(json.dumps, events)) + end)
    return file


def test_the_ramps_journal_is_read(tmp_path: Path) -> None:
    """Stages with what was watched of them, each second once; a line that a kill cut short is not read."""
    file = journal(
        tmp_path,
        {"at_s": 1, "event": "started", "release": "1.42.0", "terms": "t"},
        {"at_s": 10, "event": "entered", "stage": "RA-1"},
        {"at_s": 20, "event": "watched", "state": "good", "from_s": 5, "until_s": 20, "stage": "RA-1"},
        {"at_s": 25, "event": "watched", "state": "unknown", "from_s": 20, "until_s": 25, "stage": "RA-1"},
        {"at_s": 30, "event": "watched", "state": "good", "from_s": 15, "until_s": 30, "stage": "RA-1"},
        {"at_s": 40, "event": "entered", "stage": "RA-2"},
        {"at_s": 50, "event": "adopted", "release": "1.43.0", "terms": "t", "stage": "RA-2"},
        end='\n{"at_s": 60, "ev',
    )

    first, second = records.ramps(file, SHARES.__getitem__)

    assert [(one.share_pct, one.watched_s) for one in first.stages] == [(10, 20), (25, 0)]
    assert (second.release, second.adopted, second.stages) == ("1.43.0", True, ())
    assert records.ramps(tmp_path / "none.jsonl", SHARES.__getitem__) == []


@pytest.mark.parametrize(
    "line", ["garbage", "[]", '{"event": "entered"}', '{"event":"entered","at_s":1,"stage":"RA-9"}']
)
def test_half_a_journal_is_not_known(tmp_path: Path, line: str) -> None:
    """Nothing is guessed from it, and it is named by its line."""
    file = tmp_path / "ramp.jsonl"
    file.write_text(f"{line}\n")

    with pytest.raises(MeasurementFailed, match="line 1"):
        records.ramps(file, SHARES.__getitem__)


def watch_line(at_s: float, event: str, looks: int = 0, unknown: int = 0) -> str:
    """As a watch writes it."""
    return json.dumps({"at_s": at_s, "event": event, "looks": looks, "unknown": unknown}) + "\n"


def test_the_newest_look_that_saw_counts(tmp_path: Path) -> None:
    """A watch that only began, or has seen nothing since, is as good as none; a line without a moment is not known."""
    file = tmp_path / "watch.jsonl"
    assert records.last_look_s(file) is None
    file.write_text(watch_line(5, "turn-began") + watch_line(6, "looked", 10, 10))
    assert records.last_look_s(file) is None
    saw = watch_line(5, "turn-began") + watch_line(9, "looked", 10, 2)
    file.write_text(saw + watch_line(12, "looked", 20, 12) + watch_line(13, "turn-ended", 21, 13) + '{"at_s": 99')
    assert records.last_look_s(file) == 9
    file.write_text(saw + watch_line(12, "turn-began") + watch_line(13, "looked", 1, 0))
    assert records.last_look_s(file) == 13
    file.write_text('{"event": "looked"}\n')
    with pytest.raises(MeasurementFailed, match="line 1"):
        records.last_look_s(file)


def test_no_run_on_record_is_not_no_rollback(tmp_path: Path) -> None:
    """Nor is a host without a single deploy one that released nothing."""
    with pytest.raises(MeasurementFailed, match="has no run of staging"):
        records.real_runs(tmp_path, "staging")
    with pytest.raises(MeasurementFailed, match="no host tells of any deploy"):
        service.released([], since_s=0)


def test_a_folder_of_postmortems_that_is_not_there_is_not_known(tmp_path: Path) -> None:
    """It was named, so it is expected."""
    (tmp_path / "a.md").write_text("run-1")

    assert [one.name for one in records.documents(tmp_path)] == ["a.md"]
    with pytest.raises(MeasurementFailed, match="postmortems"):
        records.documents(tmp_path / "none")


def test_each_commit_is_released_once() -> None:
    """When it first went live: neither a rollback, a redeploy, nor what never went live is something new."""

    def deploy(identifier: str, state: str, day: int, commit: str, trigger: str = "new_commit") -> Deploy:
        return Deploy(identifier, state, commit, finished_at=SINCE + timedelta(days=day), trigger=trigger)

    deploys = [
        deploy("5", "live", 5, "aaa", "rollback"),
        deploy("4", "deactivated", 4, "bbb"),
        deploy("3", "build_failed", 3, "ccc"),
        deploy("2", "deactivated", 2, "bbb"),
        deploy("1", "deactivated", 1, "aaa"),
    ]

    found = service.released(deploys, since_s=SINCE.timestamp() + 1.5 * 86_400)

    assert [(one.what, one.at_s) for one in found] == [("bbb", (SINCE + timedelta(days=2)).timestamp())]


class Mailbox:
    """A mail server that knows some."""

    def __init__(self, known: str = "ada@example.com") -> None:
        self.known = known

    def __call__(self, *_: object, **__: object) -> Self:
        """Somebody connects."""
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Say goodbye."""

    def __getattr__(self, name: str) -> Callable[..., tuple[int, bytes]]:
        return lambda *said: (550, b"no such user") if name == "rcpt" and said[0] != self.known else (250, b"ok")


def test_a_mailbox_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is sent; a server that cannot be reached says nothing of mailboxes."""
    server = doors.MailServer("mail.example.com", 25, "suite@example.com", starttls=False)
    monkeypatch.setattr("smtplib.SMTP", Mailbox())
    assert [*server.refused(["ada@example.com", "x@example.com"], deadline_s=1)] == ["x@example.com"]

    def nobody(*_: object, **__: object) -> SimpleNamespace:
        raise OSError("no route")

    monkeypatch.setattr("smtplib.SMTP", nobody)
    with pytest.raises(MeasurementFailed, match="no route"):
        server.refused(["ada@example.com"], deadline_s=1)
