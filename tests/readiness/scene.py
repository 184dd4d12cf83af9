"""A team that is ready: its records, calendar and settings as texts, in which a row changes one.

``<iso -2 h>``, ``<day …>`` and ``<ics …>`` stand for that moment.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pam_rollback.core.run_files import FINISHED, ROOT_CAUSE_FOUND
from pam_rollback.plan.plan import Plan, load_plan
from pam_rollback.plan.stories import STORIES, ways_of
from pam_rollback.report.run_record import (
    ActionStep,
    ActionTaken,
    EnvironmentFacts,
    Moment,
    Result,
    RunRecord,
    to_json,
)
from pam_rollback.report.verdict import Outcome
from tests.fault_rows.readiness import ReadinessRow
from tests.sessions import ROOT, Project, RunningSandbox, runbook_in

_HEAD = 'name = "staging"\nkind = "staging"\npace = 1\nabilities = []'
"""The sandbox calls itself staging: there what is not configured is no GO."""
_OUT = "reports/out"
_PLACES = {
    "drills.json": f"{_OUT}/run-drills/run.json",
    "later-drill.json": f"{_OUT}/run-later-drill/run.json",
    **{f"real-{one}.json": f"{_OUT}/run-{one}/run.json" for one in "abc"},
    **{f"{one}.md": f"post-mortems/{one}.md" for one in "abc"},
    "runbook.md": "docs/runbook.md",
}
"""Where the files are below the project; the others are at its root."""
_UNITS = {"h": "hours", "d": "days"}
_WRITTEN: Mapping[str, Callable[[datetime], str]] = {
    "iso": lambda at: at.isoformat(timespec="seconds"),
    "day": lambda at: f"{at:%Y-%m-%d}",
    "ics": lambda at: f"{at:%Y%m%d}",
}
_SETTINGS = """
[readiness]
calendar = "on-call.ics"
absent = ""
drilled_in = ["staging"]
postmortems = "post-mortems"
"""
_CALENDAR = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//team//on call//EN
BEGIN:VEVENT
UID:1
DTSTAMP:20261101T000000Z
DTSTART;VALUE=DATE:<ics -2 d>
RRULE:FREQ=DAILY
SUMMARY:Ada
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n")


def healthy() -> dict[str, str]:
    """The scene's files by name."""
    plan = load_plan(ROOT / "plan.toml")
    text = (ROOT / "plan.toml").read_text(encoding="utf-8")
    return {
        "settings.toml": _SETTINGS,
        "on-call.ics": _CALENDAR,
        "plan.toml": text.replace("[about]\n", "[about]\nreviewed_on = <day -1 d>\n"),
        "runbook.md": (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8"),
        "drills.json": _drills(plan),
        "later-drill.json": _later_drill(),
        **{f"real-{one}.json": _real(one) for one in "abc"},
        **{f"{one}.md": _postmortem(one) for one in "abc"},
    }


def _postmortem(one: str) -> str:
    return f"Of run-{one}.\n\n{ROOT_CAUSE_FOUND}: <iso -479 h>\n{FINISHED}: <iso -19 d>\n"


def _record(run: str, when: str) -> RunRecord:
    at = Moment(f"<iso {when}>", 0.0)
    return RunRecord(
        run_id=run,
        started=at,
        finished=at,
        environment=EnvironmentFacts("staging", "127.0.0.1:1", "staging"),
        release="1.42.0",
        releases_seen=("1.42.0",),
        mode="drill",
        pace=60,
        situations=("as-is",),
        command_line=("pytest",),
        verdict="GO",
        exit_code=0,
        results=(),
    )


def _drills(plan: Plan) -> str:
    """Each way of each strategy, in one session."""
    ways = {story: situation for of_one in ways_of(plan).values() for story, situation in of_one.items()}
    results = (
        Result(f"drills/test_x.py::test_x[{one}]", "It is so", Outcome.PASSED, phase="rollback", situation=one)
        for one in ways.values()
    )
    steps = (ActionStep(story, "do it", "done", 1.0, 1.0) for story in ways)
    return _text(replace(_record("run-drills", "-1 d"), results=(*results,), steps=(*steps,)))


def _later_drill() -> str:
    """One that could not tell."""
    story = STORIES["feature-flag"]
    result = Result(
        "drills/test_x.py::test_x", "It is so", Outcome.UNKNOWN, phase="rollback", situation=story.situation
    )
    return _text(replace(_record("run-later-drill", "-1 h"), verdict="INCONCLUSIVE", exit_code=11, results=(result,)))


def _real(one: str) -> str:
    """A real rollback of twenty days ago."""
    action = ActionTaken("feature-flag", "ST-1", "Off", "errors", "Ada", "after-feature-flag", 1.0)
    return _text(replace(_record(f"run-{one}", "-20 d"), mode="real", actions=(action,)))


def _text(record: RunRecord) -> str:
    return json.dumps(to_json(record))


def changed_by(rows: Iterable[ReadinessRow]) -> dict[str, str]:
    """The scene under all of these rows. Raises AssertionError for one that would change nothing, or more than it says."""
    files = healthy()
    for row in rows:
        assert files[row.file_changed].count(row.old) == 1, row.id
        files[row.file_changed] = files[row.file_changed].replace(row.old, row.new)
    return files


def _written(text: str, now: datetime) -> str:
    def at(found: re.Match[str]) -> str:
        form, number, unit = found.groups()
        return _WRITTEN[form](now + timedelta(**{_UNITS[unit]: int(number)}))

    return re.sub(r"<(iso|day|ics) ([+-]\d+) (h|d)>", at, text)


def team(files: Mapping[str, str], folder: Path, range_: RunningSandbox) -> tuple[Project, Path]:
    """A project with these files, and the environment's file."""
    now = datetime.now(UTC).replace(microsecond=0)
    project = runbook_in(folder)
    project.environment.update(range_.variables)
    described = range_.file.read_text(encoding="utf-8").partition("[sandbox]")[0]
    described = described.replace('extends = "sandbox"\nname = "sandbox"\nkind = "sandbox"', _HEAD)
    texts = {name: _written(text, now) for name, text in files.items()}
    file = folder / "staging.toml"
    file.write_text(described + texts.pop("settings.toml"), encoding="utf-8")
    for name, text in texts.items():
        place = folder / _PLACES.get(name, name)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8", newline="")
    return project, file
