"""The suite's own hooks: each is called when it says, and a listener that fails changes no verdict."""

import re
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pam_rollback.plugin import hookspecs, listeners
from pam_rollback.plugin.selection import LeftOut
from pam_rollback.report.run_record import read
from pam_rollback.report.watched_incident import IncidentNews, WatchedIncident
from tests.listening import listened_to
from tests.plugin.drilling import CONSENT, as_staging, runbook_with
from tests.sessions import ONLY_HEALTH, Finished, Project, RunningSandbox

ROOT = Path(__file__).parents[2]
HOOKS = sorted(name for name in vars(hookspecs) if name.startswith("pytest_"))
PAGE = ROOT / "docs" / "reference" / "extending.md"
LISTENER = """

def pytest_pam_notes(run_folder):
    assert not (run_folder / "run.json").exists()
    return [f"noted of {run_folder.name}"]


def pytest_pam_run_ended(run_folder, environment):
    (run_folder / "heard").write_text(f"{environment.name} {(run_folder / 'run.json').is_file()}")
    raise RuntimeError("heard too late")
"""


REFUSES = """

import pytest


def pytest_pam_begins(config):
    raise pytest.UsageError("--pace 60: not on Fridays")
"""
BRINGS = """

import json


def pytest_pam_begins(config, options, environment):
    folder = config.rootpath / "reports" / "out" / options.undo
    folder.mkdir(parents=True)
    begun = {"at": "", "event": "action", "environment": environment.name, "api": "https://elsewhere.example"}
    (folder / "journal.jsonl").write_text(json.dumps(begun) + "\\n")
"""
OF_ANY_SESSION = """

from pathlib import Path


def pytest_pam_why_left_out(item):
    return "the database is another team's" if item.name.startswith("test_database_is_healthy") else None


def pytest_pam_situation_begins(situation, request):
    with Path("begun").open("a", encoding="utf-8") as file:
        file.write(f"{situation} of {request.getfixturevalue('environment').name}\\n")


def pytest_pam_incomplete(config, left_out, answered):
    return [f"{len(left_out.tests)} was left out, and {sorted(answered)} do not answer for it"]


def pytest_pam_notes(run_folder):
    assert not (run_folder / "run.json").exists()
    return [f"seen in {run_folder.name}"]


def pytest_pam_planned(plan, environment, phases):
    from pam_rollback.report.run_record import ActionStep

    return [ActionStep("own", f"{len(phases)} phase of {environment.name}", "planned", 0.0, 0.0)]
"""


@pytest.fixture(scope="module")
def listening(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A runbook whose own conftest.py listens, and that is otherwise about how sessions end."""
    project = runbook_with(tmp_path_factory.mktemp("listening"), *ONLY_HEALTH)
    with (project.folder / "conftest.py").open("a", encoding="utf-8") as conftest:
        conftest.write(LISTENER)
    return project


@pytest.fixture(scope="module")
def any_session(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A runbook whose own conftest.py listens to all that is not about real runs."""
    project = runbook_with(tmp_path_factory.mktemp("any"), *ONLY_HEALTH)
    with (project.folder / "conftest.py").open("a", encoding="utf-8") as conftest:
        conftest.write(OF_ANY_SESSION)
    return project


@pytest.fixture(scope="module")
def heard(shared_range: RunningSandbox, any_session: Project) -> Finished:
    """A session of health checks with it."""
    shared_range.as_it_was()
    return any_session.run("-m", "health", f"--env={shared_range.file}")


def test_each_hook_is_on_the_page() -> None:
    """Somebody outside builds on it."""
    assert sorted(re.findall(r"^\| `(pytest_\w+)`", PAGE.read_text(encoding="utf-8"), re.MULTILINE)) == HOOKS


def test_pytest_pam_run_ended(shared_range: RunningSandbox, listening: Project) -> None:
    """After verdict and record. It fails here: that is said below the verdict, which stays; notes stand in the record."""
    shared_range.as_it_was()
    as_staging(shared_range, listening)
    real = listening.run("drills/test_feature_flag.py", "--env=staging.toml", *CONSENT, "-k", "test_flags_are_off")
    shared_range.as_it_was()
    lines = real.out.splitlines()
    [verdict] = [number for number, line in enumerate(lines) if line.startswith("INCONCLUSIVE for feature-flag")]

    assert (real.folder / "heard").read_text("utf-8") == "staging True"
    assert any("a hook failed: RuntimeError: heard too late" in line for line in lines[verdict:]), real.out
    assert real.rc == real.record["exit_code"]
    assert f"noted of {real.folder.name}" in real.record["notes"]
    assert not any("hook" in note for note in real.record["notes"])


def test_a_session_without_an_action_is_no_real_run(running_sandbox: RunningSandbox, listening: Project) -> None:
    """There is nothing to collect."""
    session = listening.run("-m", "health", f"--env={running_sandbox.file}")

    assert session.rc == 0, session.out
    assert not (session.folder / "heard").exists()


def test_pytest_pam_incident() -> None:
    """One listener at a time is told, and gives its reference; whoever answers nothing keeps it. What fails is nobody else's."""

    class Tracker:
        def __init__(self, answer: str | None) -> None:
            self.answer, self.heard = answer, 0

        def pytest_pam_incident(self, incident: WatchedIncident, what: IncidentNews) -> str | None:
            self.heard += 1
            if self.answer is None:
                raise RuntimeError("401")
            return None if what == "updated" else f"{self.answer}{incident.key}"

    well, broken, config = Tracker("https://tracker.example/"), Tracker(None), listened_to()
    config.pluginmanager.register(well, "well")
    config.pluginmanager.register(broken, "broken")
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    incident = WatchedIncident("pam-1", "e", "ROLL BACK NOW", (), "ST-5", "All", "", "pytest", moment, moment, "run")

    def tell(what: IncidentNews, listener: str = "well") -> str:
        return listeners.tell_one(config, what, listener, incident)

    assert listeners.of_incidents(config) == {"broken": "broken", "well": "well"}
    broken.listener = lambda _config: ""  # type: ignore[attr-defined] # it has nobody to tell here
    well.listener = lambda _config: "the pager"  # type: ignore[attr-defined]
    assert listeners.of_incidents(config) == {"well": "the pager"}
    with pytest.raises(RuntimeError, match="401"):
        tell("opened", "broken")
    assert [tell("opened"), tell("updated"), tell("closed")] == [
        "https://tracker.example/pam-1",
        "",
        "https://tracker.example/pam-1",
    ]
    assert [well.heard, broken.heard] == [3, 1]


def test_pytest_pam_begins(tmp_path: Path) -> None:
    """Refused in one line, before there is a folder of the run."""
    project = runbook_with(tmp_path, *ONLY_HEALTH)
    with (project.folder / "conftest.py").open("a", encoding="utf-8") as conftest:
        conftest.write(REFUSES)
    session = project.run("-m", "health")

    assert session.rc == 4
    assert "ERROR: --pace 60: not on Fridays" in session.out
    assert not session.folder.exists()


def test_runs_may_be_brought_before_anybody_looks(tmp_path: Path) -> None:
    """Before anybody looks for the run that is to be undone; nothing was written."""
    project = runbook_with(tmp_path, *ONLY_HEALTH)
    with (tmp_path / "conftest.py").open("a", encoding="utf-8") as conftest:
        conftest.write(BRINGS)
    session = project.run(
        "--undo", "brought", "--env=environments/examples/production.toml", "--execute", "--confirm=production"
    )

    assert "undoing needs --reason and --initiated-by" in session.out
    assert "the run changed production at https://elsewhere.example" in session.out
    assert not session.folder.exists()


def test_pytest_pam_why_left_out(heard: Finished) -> None:
    """Not run, and named with its reason."""
    record = heard.record

    assert [(one["nodeid"].rpartition("::")[2].partition("[")[0], one["reason"]) for one in record["deselected"]] == [
        ("test_database_is_healthy", "the database is another team's")
    ]
    assert record["results"]


def test_pytest_pam_situation_begins(heard: Finished) -> None:
    """Once for its only situation, with the fixtures of the session."""
    assert (heard.folder.parent / "begun").read_text("utf-8") == "as-is of sandbox\n"


def test_pytest_pam_incomplete(heard: Finished) -> None:
    """All that ran is green, and it is no GO."""
    assert heard.rc == 11, heard.out
    assert "PARTIAL: 1 was left out, and [] do not answer for it" in " ".join(heard.out.split())


def test_pytest_pam_notes(heard: Finished) -> None:
    """In the record, of a session that changed nothing."""
    assert f"seen in {heard.folder.name}" in heard.record["notes"]


def test_pytest_pam_planned(any_session: Project, shared_range: RunningSandbox) -> None:
    """What would be done, beside what nobody asked for."""
    session = any_session.run("-m", "health", "--dry-run", f"--env={shared_range.file}")

    assert [(step["action"], step["step"], step["outcome"]) for step in session.record["steps"]] == [
        ("own", "1 phase of sandbox", "planned")
    ]


def test_who_fails_makes_no_go(heard: Finished) -> None:
    """Whether all was asked is then not known; what a report would have said is named. It takes nobody else's answer along."""

    def fail(self: object) -> list[str]:
        raise RuntimeError("broken")

    def note(self: object) -> list[str]:
        return ["well"]

    hooks = ("incomplete", "notes", "planned")
    broken = type("Broken", (), {f"pytest_pam_{name}": fail for name in hooks})
    well = type("Well", (), {"pytest_pam_notes": note})
    config = listened_to(broken(), well())
    runbook: Any = SimpleNamespace(plan=None, environment=None, folder=heard.folder)

    assert listeners.incomplete(config, LeftOut(), ()) == [
        "whether all was asked is not known: a hook failed: RuntimeError: broken"
    ]
    assert listeners.notes(config, runbook) == ["well", "a hook failed: RuntimeError: broken"]
    [step] = listeners.planned(config, runbook, (), ())
    assert step.step == "a hook failed: RuntimeError: broken"
    config.stash = pytest.Stash()
    config.stash[listeners.PARAGRAPHS] = fail
    assert listeners.report(config, read(heard.folder / "run.json")) == [
        ("Not told", ("a hook failed: RuntimeError: broken",))
    ]
