"""A run that was killed with kill -9 at any step: --resume finishes it, --undo returns to the state before."""

import signal
from pathlib import Path

import pytest

from pam_rollback.core.wait import Waiter
from pam_rollback.http.client import fetch
from tests.plugin.beginning import Begin, begin
from tests.plugin.drilling import NO_WINDOW, calm, journal, owed, switched_on
from tests.plugin.test_drill import ALL_AT_ONCE
from tests.sessions import ONLY_HEALTH, Project, RunningSandbox

__all__ = ["begin"]
RESUMED, UNDONE = "a killed run is resumed", "a killed run is undone"
"""The matrices: one case of each, unless all of them are asked for."""

KILLER = '''
"""Kills this process right after the journal's line that KILL_AT names: nothing gets a chance to clean up."""

import os
import signal

from pam_rollback.rollback.journal import Journal

written = Journal.append


def append(self, event, **facts):
    on_disk = written(self, event, **facts)
    if " ".join(filter(None, (event, facts.get("step") or facts.get("kind")))) == os.environ.get("KILL_AT"):
        os.kill(os.getpid(), signal.SIGKILL)
    return on_disk


Journal.append = append
'''
FEATURE_FLAG, GRADUAL, EMERGENCY = (f"drills/test_{name}.py" for name in ("feature_flag", "gradual", "emergency"))
KILLED = -9
SELECTED = ("-m", "rollback and not journey", NO_WINDOW)
"""The story alone: no browser, and no window of its own."""
CASES = [
    (FEATURE_FLAG, "step-done switch the features off"),
    (FEATURE_FLAG, "step-started read the flags"),
    (FEATURE_FLAG, "undo-owed set-flags"),
    (FEATURE_FLAG, "step-started read the flags back"),
    (FEATURE_FLAG, "step-started evaluate the flags as users get them"),
    (FEATURE_FLAG, "step-started tell the team"),
    (FEATURE_FLAG, "action-finished"),
    (GRADUAL, "step-done down to 50 %"),
    (GRADUAL, "undo-owed set-flags"),
    (GRADUAL, "step-started watch users at 25 %"),
    (GRADUAL, "step-done down to 0 %"),
    (EMERGENCY, "undo-owed set-flags"),
    (EMERGENCY, "step-done make the emergency call"),
]


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """These sessions are about stories."""
    return ONLY_HEALTH


def killed_run(project: Project, running_sandbox: RunningSandbox, story: str, at: str) -> Path:
    """The folder of a run that was killed there."""
    calm(project)
    project.write("killer.py", KILLER)
    project.environment["KILL_AT"] = at
    killed = project.run("-p", "killer", story, *SELECTED, "--env", str(running_sandbox.file))
    del project.environment["KILL_AT"]
    assert killed.rc == KILLED, killed.out
    return killed.folder


def as_before(running_sandbox: RunningSandbox) -> bool:
    """All features on, nothing planted."""
    return switched_on(running_sandbox) and running_sandbox.remote.faults() == []


def named(case: object) -> str:
    """Short, for the list of tests."""
    return str(case).removeprefix("drills/test_").removesuffix(".py")


@pytest.mark.long_matrix(RESUMED)
@pytest.mark.parametrize(("story", "at"), CASES, ids=named)
def test_resume_finishes_what_kill_9_left(
    running_sandbox: RunningSandbox, project: Project, begin: Begin, story: str, at: str
) -> None:
    """The same action in the same folder, with the first decision; nothing is claimed of the time that nobody watched."""
    folder = killed_run(project, running_sandbox, story, at)
    before = journal(folder)

    resumed = project.run(story, *SELECTED, "--env", str(running_sandbox.file), "--resume", str(folder))

    lines = journal(folder)
    outcomes = resumed.outcomes()
    assert resumed.folder == folder
    assert resumed.rc == 11, resumed.out
    assert lines[: len(before)] == before
    first, second = (line for line in lines if line["event"] == "action")
    assert second["decided_s"] == first["decided_s"]
    owed = [line["facts"]["flags"] for line in lines if line["event"] == "undo-owed" and line["kind"] == "set-flags"]
    assert [{flag["rollout_pct"] for flag in flags.values()} for flags in owed] == [{100}], owed
    assert any(line["event"] == "action-finished" for line in lines[len(before) :])
    assert outcomes["test_users_recover_in_time"] == "could not measure", resumed.out
    assert "nobody watched for" in " ".join(resumed.out.split())
    assert {outcomes[name] for name in outcomes if "flags_are_off" in name} == {"passed"}, resumed.out
    assert "broken criterion" not in outcomes.values(), resumed.out
    assert as_before(running_sandbox)
    again = begin(project.folder, story, "--env", str(running_sandbox.file), "--resume", str(folder))
    assert again.rc == 13, again.said
    assert "is complete: nothing is left to finish" in again.said


def assert_undone_once(
    running_sandbox: RunningSandbox, project: Project, begin: Begin, story: str, folder: Path
) -> None:
    """What was killed is refused to others, put back once, and not resumed afterwards."""
    env = ("--env", str(running_sandbox.file))
    consent = ("--execute", "--confirm", "production", "--reason", "r", "--initiated-by", "i")
    refused = {
        "was performing": begin(project.folder, "drills", *env, "--resume", str(folder)),
        "name the file of that sandbox with --env": begin(project.folder, story, "--resume", str(folder)),
        "the run changed sandbox at": begin(
            project.folder, "--undo", str(folder), "--env", "environments/examples/production.toml", *consent
        ),
    }
    assert {words: (ended.rc, words in ended.said) for words, ended in refused.items()} == dict.fromkeys(
        refused, (13, True)
    ), refused

    undone = begin(project.folder, "--undo", str(folder), *env)
    assert undone.rc == 0, undone.said
    assert as_before(running_sandbox)
    assert "UNDONE: 0 changes" in begin(project.folder, "--undo", str(folder), *env).said
    again = begin(project.folder, story, *env, "--resume", str(folder))
    assert (again.rc, "was undone: start again instead" in again.said) == (13, True), again.said


@pytest.mark.long_matrix(UNDONE)
@pytest.mark.parametrize("kind", ["resolve-status-page-incident"])
def test_undo_takes_down_what_customers_see(
    running_sandbox: RunningSandbox, project: Project, begin: Begin, kind: str
) -> None:
    """Killed while customers read of it: the incident is owed before it goes up, and --undo takes it down."""
    urls = running_sandbox.state["urls"]

    def customers_see() -> bool:
        page = fetch(urls["status_page"] + "/api/v2/summary.json").json
        return bool(page["incidents"])

    calm(project)
    project.write("hurried.toml", running_sandbox.file.read_text(encoding="utf-8") + ALL_AT_ONCE)
    (project.folder / "hurried.toml").chmod(0o600)
    # Many users are evaluated, each answer takes its time: the rollback waits, and customers are told in the meantime.
    running_sandbox.remote.plant("answers-slowly", path="/ofrep/*", server="api", ms=2000)
    with project.start(FEATURE_FLAG, *SELECTED, "--env=hurried.toml") as session:
        folder = project.run_folder
        Waiter().until(customers_see, holds=bool, within_s=90, what="customers are told")
        session.send_signal(signal.SIGKILL)
        session.communicate()
    running_sandbox.remote.clear_all()

    assert {kind, "set-flags"} <= owed(folder)
    assert_undone_once(running_sandbox, project, begin, FEATURE_FLAG, folder)
    assert not customers_see()


@pytest.mark.long_matrix(UNDONE)
@pytest.mark.parametrize(("story", "at"), CASES, ids=named)
def test_undo_returns_to_the_state_before(
    running_sandbox: RunningSandbox, project: Project, begin: Begin, story: str, at: str
) -> None:
    """Whatever the killed run had changed by then; a run that was undone cannot be resumed."""
    folder = killed_run(project, running_sandbox, story, at)

    assert_undone_once(running_sandbox, project, begin, story, folder)
