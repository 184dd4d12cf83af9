"""A run that was killed with kill -9 at any step: --resume finishes it, --undo returns to the state before."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.sessions import FLAGS, ON, ONLY_HEALTH, Finished, Project, Range

KILLER = '''
"""Kills this process right after the journal's line that KILL_AT names: nothing gets a chance to clean up."""

import os
import signal

from pam_rollback.actions.journal import Journal

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


def killed_run(project: Project, practice_range: Range, story: str, at: str) -> Path:
    """The folder of a run that was killed there."""
    project.write("killer.py", KILLER)
    project.environment["KILL_AT"] = at
    killed = project.run("-p", "killer", story, "-m", "rollback", "--env", str(practice_range.file))
    del project.environment["KILL_AT"]
    assert killed.rc == KILLED, killed.out
    return killed.folder


def journal(folder: Path) -> list[dict[str, Any]]:
    """Its lines."""
    return [json.loads(line) for line in (folder / "journal.jsonl").read_text(encoding="utf-8").splitlines()]


def as_before(practice_range: Range) -> bool:
    """All features on, nothing planted."""
    flags = practice_range.flags.read_flags()
    return {flags[name] for name in FLAGS} == {ON} and practice_range.remote.faults() == []


def named(case: object) -> str:
    """Short, for the list of tests."""
    return str(case).removeprefix("drills/test_").removesuffix(".py")


@pytest.mark.long_matrix
@pytest.mark.parametrize(("story", "at"), CASES, ids=named)
def test_resume_finishes_what_kill_9_left(practice_range: Range, project: Project, story: str, at: str) -> None:
    """The same action in the same folder, with the first decision; nothing is claimed of the time that nobody watched."""
    folder = killed_run(project, practice_range, story, at)
    before = journal(folder)

    resumed = project.run(story, "-m", "rollback", "--env", str(practice_range.file), "--resume", str(folder))

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
    assert as_before(practice_range)
    again = project.run(story, "--env", str(practice_range.file), "--resume", str(folder))
    assert again.rc == 13, again.out
    assert "is complete: nothing is left to finish" in again.out


@pytest.mark.long_matrix
@pytest.mark.parametrize(("story", "at"), CASES, ids=named)
def test_undo_returns_to_the_state_before(practice_range: Range, project: Project, story: str, at: str) -> None:
    """Whatever the killed run had changed by then; a run that was undone cannot be resumed."""
    folder = killed_run(project, practice_range, story, at)
    env = ("--env", str(practice_range.file))
    refused = [
        project.run("drills", *env, "--resume", str(folder)),
        project.run(story, "--resume", str(folder)),
    ]

    undone = project.run("--undo", str(folder), *env)

    assert undone.rc == 0, undone.out
    assert as_before(practice_range)
    assert [ended.rc for ended in refused] == [13, 13], [ended.out for ended in refused]
    assert "was performing" in refused[0].out
    assert "name the file of that sandbox with --env" in refused[1].out
    again: Finished = project.run(story, *env, "--resume", str(folder))
    assert again.rc == 13, again.out
    assert "was undone: start again instead" in again.out
