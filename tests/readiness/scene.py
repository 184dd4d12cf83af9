"""A team that is ready: its records, schedules and settings as texts, in which a row changes one.

``<s -2 min>`` stands for that moment in seconds since 1970, ``<iso …>``, ``<day …>`` and ``<ics …>`` for it as it is written elsewhere;
``<url>`` for a small stand-in for GitHub.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from pam_rollback.plan.plan import Plan, load_plan
from pam_rollback.plan.postmortem_lines import FINISHED, ROOT_CAUSE_FOUND
from pam_rollback.plan.stories import STORIES, ways_of
from pam_rollback.readiness.rules.upkeep import EXCHANGE
from pam_rollback.report.run_record import (
    ActionStep,
    ActionTaken,
    EnvironmentFacts,
    Measured,
    Moment,
    Result,
    RunRecord,
    to_json,
)
from pam_rollback.report.verdict import Outcome
from tests.fault_rows.readiness import ReadinessRow
from tests.sessions import ROOT, Project, RunningSandbox, runbook_in

TOKEN = "ghp_only-for-these-tests"
_HEAD = 'name = "staging"\nkind = "staging"\npace = 1\nabilities = ["render"]'
"""The sandbox calls itself staging: a sandbox has no stand-in for GitHub, and may ask nobody else."""
_STATE, _OUT = "reports/state/staging", "reports/out"
_PLACES = {
    "watch.jsonl": f"{_STATE}/watch.jsonl",
    "ramp.jsonl": f"{_STATE}/ramp.jsonl",
    "drills.json": f"{_OUT}/run-drills/run.json",
    "later-drill.json": f"{_OUT}/run-later-drill/run.json",
    "exchange.json": f"{_OUT}/run-exchange/run.json",
    **{f"real-{one}.json": f"{_OUT}/run-{one}/run.json" for one in "abc"},
    **{f"{one}.md": f"post-mortems/{one}.md" for one in "abc"},
    "runbook.md": "docs/runbook.md",
}
"""Where the files are below the project; the others are at its root."""
_UNITS = {"min": "minutes", "h": "hours", "d": "days"}
_WRITTEN: Mapping[str, Callable[[datetime], str]] = {
    "s": lambda at: f"{at.timestamp():.3f}",
    "iso": lambda at: at.isoformat(timespec="seconds"),
    "day": lambda at: f"{at:%Y-%m-%d}",
    "ics": lambda at: f"{at:%Y%m%d}",
}
_SETTINGS = """
[secrets]
git_token_env = "GIT_TOKEN"
netlify_auth_token_env = "NETLIFY_AUTH_TOKEN"
render_api_key_env = "RENDER_API_KEY"
statuspage_api_key_env = "STATUSPAGE_API_KEY"

[github]
repository = "wheels/wins"
api_url = "<url>"

[readiness]
calendar = "on-call.ics"
absent = ""
drilled_in = ["staging"]
links = ["<url>/dashboard"]
postmortems = "post-mortems"

[readiness.people]
EC-1 = ["Cleo"]
EC-2 = ["Ben"]
EC-3 = ["Ada", "Cleo"]
EC-4 = ["Ada"]

[[waivers]]
item = "CR-4"
until = <day +20 d>
reason = "known"
approved_by = "Ada"
"""
_GITHUB = """{
"/rate_limit": [200, {}, {"github-authentication-token-expiration": "<iso +60 d>"}],
"/repos/wheels/wins/actions/workflows": [200, {"workflows": [{"path": ".github/workflows/w.yml", "state": "active"}]}, {}],
"/dashboard": [200, {}, {}]
}"""
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
        "github.json": _GITHUB,
        "on-call.ics": _CALENDAR,
        "plan.toml": text.replace("[about]\n", "[about]\nreviewed_on = <day -1 d>\n"),
        "runbook.md": (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8"),
        "watch.jsonl": '{"at_s": <s -2 min>, "event": "looked", "looks": 5, "unknown": 1}\n',
        # The sandbox's releases are three days and two hours old: the second one is still with its first users.
        "ramp.jsonl": "".join((*_ramp("stable", 70 * 60), *list(_ramp("candidate", 100))[:3])),
        "drills.json": _drills(plan),
        "later-drill.json": _later_drill(),
        "exchange.json": _exchange(),
        **{f"real-{one}.json": _real(one) for one in "abc"},
        **{f"{one}.md": _postmortem(one) for one in "abc"},
    }


def _ramp(release: str, began_min: int) -> Iterator[str]:
    """All of it, its first users for the plan's two hours."""

    def line(event: str, after_min: int, **more: object) -> str:
        return f'{{"at_s": {_before(after_min)}, ' + json.dumps({"event": event, **more})[1:] + "\n"

    def _before(after_min: int) -> str:
        return f"<s -{began_min - after_min} min>"

    yield line("started", 0, release=release, terms="t")
    yield line("entered", 1, stage="RA-1", of=release)
    until = _before(min(began_min - 1, 125))
    yield f'{{"at_s": {until}, "event": "watched", "state": "good", "from_s": {_before(1)}, "until_s": {until}}}\n'
    yield from (line("entered", 130 + i, stage=stage) for i, stage in enumerate(("RA-2", "RA-3", "RA-4")))
    yield line("finished", 200)


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


def _exchange() -> str:
    figure = Measured(EXCHANGE, "all of them", 1, n=1)
    result = Result("checks/test_x.py::test_x", "It is so", Outcome.PASSED, ("PM-4",), measured=(figure,))
    return _text(replace(_record("run-exchange", "-1 d"), results=(result,)))


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


def _written(text: str, now: datetime, url: str) -> str:
    def at(found: re.Match[str]) -> str:
        form, number, unit = found.groups()
        return _WRITTEN[form](now + timedelta(**{_UNITS[unit]: int(number)}))

    return re.sub(r"<(s|iso|day|ics) ([+-]\d+) (min|h|d)>", at, text).replace("<url>", url)


@contextmanager
def team(files: Mapping[str, str], folder: Path, range_: RunningSandbox) -> Iterator[tuple[Project, Path]]:
    """A project with these files, and the environment's file; a stand-in answers while it lasts."""
    now = datetime.now(UTC).replace(microsecond=0)
    project = runbook_in(folder)
    project.environment.update({**range_.variables, "GIT_TOKEN": TOKEN})
    described = range_.file.read_text(encoding="utf-8").partition("[sandbox]")[0]
    described = described.replace('extends = "sandbox"\nname = "sandbox"\nkind = "sandbox"', _HEAD)
    with _answering() as (url, answers):
        texts = {name: _written(text, now, url) for name, text in files.items()}
        answers.update(json.loads(texts.pop("github.json")))
        file = folder / "staging.toml"
        file.write_text(described + texts.pop("settings.toml"), encoding="utf-8")
        for name, text in texts.items():
            place = folder / _PLACES.get(name, name)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8", newline="")
        yield project, file


@contextmanager
def _answering() -> Iterator[tuple[str, dict[str, tuple[int, object, Mapping[str, str]]]]]:
    """Its address, and what it answers by path: a status, JSON and headers."""
    answers: dict[str, tuple[int, object, Mapping[str, str]]] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body, headers = answers[self.path.partition("?")[0]]
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", answers
        finally:
            server.shutdown()
            thread.join()
