"""One whole session on the shared sandbox: what is configured is judged, and a person answers for the rest."""

from pathlib import Path

from tests.sessions import Project, RunningSandbox, runbook_in

TABLE = """
[readiness]
calendar = "on-call.ics"
absent = "Ben"
drilled_in = ["staging"]
"""
CALENDAR = """BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//team//on call//EN\r
BEGIN:VEVENT\r
UID:1\r
DTSTAMP:20261101T000000Z\r
DTSTART;VALUE=DATE:20261101\r
RRULE:FREQ=DAILY\r
SUMMARY:Ada\r
END:VEVENT\r
END:VCALENDAR\r
"""


def test_what_is_configured_is_judged(running_sandbox: RunningSandbox, tmp_path: Path) -> None:
    """Ada is on call, nothing was drilled where drills count, and a person answers for one of two items."""
    project: Project = runbook_in(tmp_path)
    (tmp_path / "on-call.ics").write_text(CALENDAR)
    (tmp_path / "docs").mkdir(exist_ok=True)
    (tmp_path / "docs" / "runbook.md").write_text("")
    file = running_sandbox.described(tmp_path / "sandbox.toml", TABLE, abilities=())
    items = [f"--item={item}" for item in ("PM-2", "PM-4", "PM-10", "PM-11", "PM-12")]

    found = project.run("-m", "readiness", f"--env={file}", *items, '--ack=PM-2="kim: the ramp of Monday"')

    assert found.rc == 10, found.out
    assert found.outcomes_by_case() == {
        "test_question_has_no_gap[PM-12]": "passed",
        "test_question_has_no_gap[PM-10]": "broken criterion",
        "test_question_has_no_gap[PM-11]": "broken criterion",
        "test_a_person_answers_for_it[PM-2]": "passed",
        "test_a_person_answers_for_it[PM-4]": "could not measure",
    }
