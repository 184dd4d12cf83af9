"""A full disk below the run's folder stops no rollback that was consented to: what is owed is found, the verdict is told."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sessions import FLAGS, ON, ONLY_HEALTH, Finished, Project, Range
from tests.small_disk import fill, small_disk

STORY = "drills/test_feature_flag.py"
CONSENT = ("--mode", "real", "--execute", "--confirm", "staging", "--initiated-by", "Łukasz", "--reason", "errors")
FILLER = '''
"""Fills the disk of the run's folder right before the journal's line that FILL_AT names."""

import os
import pathlib

from pam_rollback.actions.journal import Journal

written = Journal.append


def append(self, event, **facts):
    if event == os.environ["FILL_AT"]:
        filler = os.open(self.path.parent / "filler", os.O_WRONLY | os.O_CREAT)
        for size in (65536, 4096, 512, 1):
            try:
                while os.write(filler, bytes(size)):
                    pass
            except OSError:
                pass
    return written(self, event, **facts)


Journal.append = append
'''


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """These sessions are about how they end."""
    return ONLY_HEALTH


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Room for the first seconds of a session."""
    with small_disk(tmp_path / "disk", 2048) as folder:
        yield folder


@pytest.fixture
def staging(practice_range: Range, project: Project) -> Iterator[list[str]]:
    """What a session needs to know: the range calls itself staging."""
    text = practice_range.file.read_text("utf-8").partition("[sandbox]")[0]
    text = text.replace('kind = "sandbox"', 'kind = "staging"\npace = 600').replace(
        'name = "sandbox"', 'name = "staging"'
    )
    (project.folder / "staging.toml").write_text(text, "utf-8")
    project.write("filler.py", FILLER)
    project.environment.update({**practice_range.variables, "XDG_STATE_HOME": str(project.folder / "state")})
    yield ["--env=staging.toml", *CONSENT]
    practice_range.remote.reset()
    practice_range.as_it_was()


def told(practice_range: Range) -> str:
    """What the incident channel got, as one text."""
    return "\n".join(message["body"]["text"] for message in practice_range.remote.slack_messages())


def switched_off(practice_range: Range) -> bool:
    """No user has a feature."""
    flags = practice_range.flags.read_flags()
    return {flags[name].enabled for name in FLAGS} == {False}


def assert_judged(ended: Finished, practice_range: Range) -> None:
    """Done, judged, told: no traceback of pytest's own."""
    assert switched_off(practice_range), ended.out
    assert ended.rc == 11, ended.out
    assert "INTERNALERROR" not in ended.out
    assert "Traceback" not in ended.out
    assert "INCONCLUSIVE for feature-flag" in told(practice_range)


def assert_undone(project: Project, practice_range: Range, staging: list[str], run: Path) -> None:
    """A later session finds what is owed, and puts it back."""
    undone = project.run("--undo", str(run), *staging)
    flags = practice_range.flags.read_flags()
    assert undone.rc == 0, undone.out
    assert {flags[name] for name in FLAGS} == {ON}, undone.out


@pytest.mark.parametrize("at", ["action", "undo-owed", "step-done"])
def test_a_disk_that_fills_up_stops_nothing(
    practice_range: Range, project: Project, staging: list[str], disk: Path, at: str
) -> None:
    """At the decision, at the note of the undo, after the change: the journal goes on in the user's state folder."""
    project.environment["FILL_AT"] = at
    run = disk / "run"

    ended = project.run("-p", "filler", STORY, "-k", "test_flags_are_off", *staging, f"--run-dir={run}")

    assert_judged(ended, practice_range)
    [second] = (project.folder / "state" / "pam-rollback" / "runs").iterdir()
    events = [json.loads(line)["event"] for line in (second / "journal.jsonl").read_text("utf-8").splitlines()]
    assert "action-finished" in events
    assert json.loads((second / "run.json").read_text("utf-8"))["verdict"] == "INCONCLUSIVE"
    assert "the run record is not in the run's folder (No space left on device)" in told(practice_range)
    assert_undone(project, practice_range, staging, run)


def test_a_disk_that_is_full_from_the_start(
    practice_range: Range, project: Project, staging: list[str], disk: Path
) -> None:
    """The whole folder is in the second place, and whoever looks for the run finds it by the first."""
    (disk / "other").mkdir()
    fill(disk)

    ended = project.run(STORY, "-k", "test_flags_are_off", *staging, f"--run-dir={disk / 'other'}")

    assert_judged(ended, practice_range)
    [second] = (project.folder / "state" / "pam-rollback" / "runs").iterdir()
    assert {"journal.jsonl", "run.json", "junit.xml"} <= {path.name for path in second.iterdir()}
    assert f"so this run's folder is {second}" in " ".join(ended.out.split()).replace("- ", "-")
    assert_undone(project, practice_range, staging, disk / "other")


def test_a_note_that_is_cut_short_is_said(practice_range: Range, project: Project, staging: list[str]) -> None:
    """14 instead of "0 changes": the run did change something. Who resumes it is warned, and the rollback goes on."""
    ended = project.run(STORY, "-k", "test_flags_are_off", *staging)
    journal = ended.folder / "journal.jsonl"
    whole = journal.read_bytes()
    cut = whole[: whole.index(b'"kind": "set-flags"') + 30]
    journal.write_bytes(cut)

    resumed = project.run(STORY, "-k", "test_flags_are_off", *staging, "--resume", str(ended.folder))
    journal.write_bytes(cut)
    undone = project.run("--undo", str(ended.folder), *staging)

    assert "how it was before this run is not known for certain" in " ".join(resumed.out.split())
    assert switched_off(practice_range)
    said = " ".join(undone.out.split())
    assert undone.rc == 14, undone.out
    assert "UNDO FAILED: 0 changes of" in said
    assert "is cut short" in said
    assert "set-flags" in said
