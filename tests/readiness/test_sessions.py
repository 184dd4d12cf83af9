"""One whole session on the shared sandbox: what is configured is judged, what is not is named, and the page is there."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fault_rows.readiness import NOTICED
from tests.sessions import Project, RunningSandbox, runbook_in
from tests.summary import ROW

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


def test_on_call_reads_one_page(running_sandbox: RunningSandbox, tmp_path: Path) -> None:
    """Ada is on call; nobody watches, nothing was drilled where drills count, and of post-mortems nobody said where they are."""
    project: Project = runbook_in(tmp_path)
    (tmp_path / "on-call.ics").write_text(CALENDAR)
    (tmp_path / "docs").mkdir(exist_ok=True)
    (tmp_path / "docs" / "runbook.md").write_text("")
    file = running_sandbox.described(tmp_path / "sandbox.toml", TABLE, abilities=())

    found = project.run(
        "-m", "readiness", f"--env={file}", "--item=PM-8", "--item=PM-10", "--item=PM-11", "--item=PM-12"
    )

    assert found.rc == 10, found.out
    assert found.outcomes() == {
        "test_somebody_is_on_call": "passed",
        "test_somebody_watches": "broken criterion",
        "test_every_strategy_was_drilled": "broken criterion",
        "test_the_runbook_is_kept": "broken criterion",
    }
    page = found.out.partition("What on-call can rely on tonight")[2]
    assert "[x] on call now: Ada" in page
    assert "[!] PM-8" in page


@pytest.mark.parametrize(
    ("fault", "outcome"), [("", "passed"), pytest.param(NOTICED.fault, "broken criterion", marks=pytest.mark.nightly)]
)
def test_no_user_notices_an_exchange(
    running_sandbox: RunningSandbox,
    tmp_path: Path,
    fault: str,
    outcome: str,
    record_property: Callable[[str, object], None],
) -> None:
    """PM-4 on the sandbox: 0 bad answers of all; where requests fail meanwhile, that is seen."""
    project: Project = runbook_in(tmp_path)
    if fault:
        record_property(ROW, NOTICED.id)
        running_sandbox.remote.plant(fault, **NOTICED.parameters)

    found = project.run("-m", "readiness", "--item=PM-4", f"--env={running_sandbox.file}")

    assert found.outcomes() == {"test_no_user_notices_an_exchange": outcome}, found.out
    assert not fault or NOTICED.words in found.out
    [figure] = found.record["results"][0]["measured"]
    assert figure["what"] == "answers while a release was exchanged"
