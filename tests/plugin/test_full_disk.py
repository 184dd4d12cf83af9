"""A full disk below the run's folder stops no rollback that was consented to: what is owed is found, the verdict is told.

What a journal does on a disk that is full: tests/rollback/engine/test_full_disk.py.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pam_rollback.plugin import second_places
from pam_rollback.rollback.journal import ACTION, FINISHED, Journal
from tests.plugin.beginning import USAGE_ERROR, Begin, begin
from tests.plugin.drilling import CONSENT, as_staging, journal, switched_off, switched_on, told
from tests.sessions import FLAGS, ONLY_HEALTH, Project, RunningSandbox
from tests.small_disk import fill, small_disk

__all__ = ["begin"]
STORY = "drills/test_feature_flag.py"
FILLER = '''
"""Fills the disk of the run's folder right before the journal's line that FILL_AT names."""

import os
import pathlib

from pam_rollback.rollback.journal import Journal

written = Journal.append


def append(self, event, **facts):
    if event == os.environ["FILL_AT"] and "IN_ITS_PLACE" in os.environ:
        self.path.rename(self.path.with_name("aside"))
        self.path.mkdir()
    elif event == os.environ["FILL_AT"]:
        with self.path.open("ab") as own:  # what is left of its last page would take more lines on a full disk
            own.write(b" " * (-own.tell() % 4096))
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
def staging(running_sandbox: RunningSandbox, project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What a session needs to know: the sandbox calls itself staging. Also for those that begin in this process."""
    as_staging(running_sandbox, project)
    project.write("filler.py", FILLER)
    for name, value in project.environment.items():
        monkeypatch.setenv(name, value)
    yield ["--env=staging.toml", *CONSENT]
    running_sandbox.as_it_was()


@pytest.mark.long_matrix
@pytest.mark.parametrize("at", ["undo-owed", "action", "step-done"])
def test_a_disk_that_fills_up_stops_nothing(
    running_sandbox: RunningSandbox, project: Project, begin: Begin, staging: list[str], disk: Path, at: str
) -> None:
    """At the note of the undo, at the decision, after the change: the journal goes on in the user's state folder, and --undo finds it."""
    project.environment["FILL_AT"] = at
    run = disk / "run"

    ended = project.run("-p", "filler", STORY, "-k", "test_flags_are_off", *staging, f"--run-dir={run}")

    assert switched_off(running_sandbox), ended.out
    assert ended.rc == 11, ended.out
    assert "INTERNALERROR" not in ended.out
    assert "Traceback" not in ended.out
    assert "INCONCLUSIVE for feature-flag" in told(running_sandbox)
    [second] = (project.folder / "state" / "pam-rollback" / "runs").iterdir()
    assert "action-finished" in {entry["event"] for entry in journal(second)}
    assert json.loads((second / "run.json").read_text("utf-8"))["verdict"] == "INCONCLUSIVE"
    assert "the run record is not in the run's folder (No space left on device)" in told(running_sandbox)
    (run / "filler").unlink()
    undone = begin(project.folder, "--undo", str(run), *staging)
    assert (undone.rc, switched_on(running_sandbox)) == (0, True), undone.said
    assert not second.exists(), "all of it is in the run's folder"
    assert json.loads((run / "run.json").read_text("utf-8"))["verdict"] == "INCONCLUSIVE"
    again = begin(project.folder, "--undo", str(run), *staging)
    assert (again.rc, "UNDONE: 0 changes" in again.said) == (0, True), again.said


def test_a_folder_in_the_journals_place_stops_nothing(
    running_sandbox: RunningSandbox, project: Project, begin: Begin, staging: list[str]
) -> None:
    """It cannot be read any more: the rollback is done and judged; an undo puts back all that is known, and says that there may be more."""
    project.environment.update({"FILL_AT": "undo-owed", "IN_ITS_PLACE": "folder"})
    run = project.folder / "run"

    ended = project.run("-p", "filler", STORY, "-k", "test_flags_are_off", *staging, f"--run-dir={run}")

    assert switched_off(running_sandbox), ended.out
    assert ended.rc == 11, ended.out
    assert "Traceback" not in ended.out
    assert "INCONCLUSIVE for feature-flag" in told(running_sandbox)
    undone = begin(project.folder, "--undo", str(run), *staging)
    assert (undone.rc, switched_on(running_sandbox)) == (14, True), undone.said
    assert "journal.jsonl cannot be read (Is a directory)" in undone.said


def test_a_disk_that_is_full_from_the_start(project: Project, begin: Begin, staging: list[str], disk: Path) -> None:
    """The whole folder is in the second place, and whoever looks for the run finds it by the first."""
    first = disk / "other"
    first.mkdir()
    fill(disk)

    begun = begin(project.folder, STORY, *staging, f"--run-dir={first}")

    assert begun.rc is None, begun.said
    assert begun.runbook is not None
    [second] = (project.folder / "state" / "pam-rollback" / "runs").iterdir()
    assert begun.runbook.folder == second
    assert begun.runbook.losses == [
        f"there is no room in {first} (No space left on device), so this run's folder is {second}"
    ]
    begun.runbook.journal.append(ACTION, **decided(begun.runbook.environment.urls.api))
    undone = begin(project.folder, "--undo", str(first), *staging)
    assert undone.rc == 0, undone.said
    assert "UNDONE: 0 changes" in undone.said
    assert (second / "journal.jsonl").exists(), "there is no room for it in the run's folder yet"


def test_what_an_earlier_run_left_in_a_second_place_is_not_mixed_in(
    project: Project, begin: Begin, staging: list[str]
) -> None:
    """Its folder was emptied and is named again. Before, an undo of the new run said 0 with a change of the earlier one mixed in."""
    run = project.folder / "again"
    [second, _] = second_places.folders(run)
    Journal(second / "journal.jsonl").owe("set-flags", {"flags": {}})

    begun = begin(project.folder, STORY, *staging, f"--run-dir={run}")

    assert begun.rc == USAGE_ERROR, begun.said
    assert f"an earlier run of this folder left its notes in {second}" in begun.said
    assert not run.exists()


def decided(api: str) -> dict[str, object]:
    """The beginning of a real rollback, as its journal has it."""
    return {
        "strategy": "feature-flag",
        "mode": "real",
        "environment": "staging",
        "api": api,
        "run": "run-1",
        "reason": "errors",
        "initiated_by": "Łukasz",
        "decided_s": 1.0,
    }


def test_a_note_that_is_cut_short_is_said(
    running_sandbox: RunningSandbox, project: Project, begin: Begin, staging: list[str]
) -> None:
    """14 instead of "0 changes": the run did change something. Who resumes it is warned, and the rollback goes on."""
    run, another = project.folder / "cut", project.folder / "cut-as-well"
    written = Journal(project.folder / "whole.jsonl")
    written.append(ACTION, **decided(running_sandbox.state["urls"]["api"]))
    written.owe("set-flags", {"flags": {name: {"enabled": True, "rollout_pct": 100} for name in FLAGS}})
    written.append(FINISHED, story="feature-flag")
    whole = written.path.read_bytes()
    cut = whole[: whole.index(b'"kind": "set-flags"') + 30]
    for folder in (run, another):
        folder.mkdir()
        (folder / "journal.jsonl").write_bytes(cut)

    resumed = begin(project.folder, STORY, *staging, "--resume", str(run))
    warned = [entry for entry in journal_lines(run) if entry.get("event") == "warning"]
    undone = begin(project.folder, "--undo", str(another), *staging)

    assert resumed.rc is None, resumed.said
    assert any("how it was before this run is not known for certain" in entry["problem"] for entry in warned), warned
    assert undone.rc == 14, undone.said
    assert "UNDO FAILED: 0 changes of" in undone.said
    assert "is cut short" in undone.said
    assert "set-flags" in undone.said


def journal_lines(run: Path) -> list[dict[str, str]]:
    """Those that can be read."""
    lines = (run / "journal.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines if line.endswith("}")]
