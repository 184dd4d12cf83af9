"""Killed at each line of the journal: done again it is done, undone it is as before. All boundaries, in memory.

What a killed process leaves is a copy of everything at that moment: the hosts go on with what they were asked for, and another process
finds them and the journal. ``tests/plugin/test_resume.py`` and ``test_resume_code.py`` kill whole sessions.
"""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from pam_rollback.report.verdict import ExitCode
from pam_rollback.rollback.backend import LISTED_WITHIN_S
from pam_rollback.rollback.journal import Journal
from tests.rollback.strategies import hosts
from tests.rollback.strategies.boundaries import OWED, STRATEGIES, boundaries
from tests.rollback.strategies.hosts import STABLE, Hosts, State
from tests.rollback.strategies.stage import MemoryStage
from tests.rollback.strategies.titles import backend, frontend

CASES = [pytest.param(strategy, at, id=f"{strategy}-{at}") for strategy in STRATEGIES for at in boundaries(strategy)]


class Witnessed(Journal):
    """A journal that keeps what there is right after one of its lines."""

    at = ""
    hosts: Hosts
    left: State | None = None

    def append(self, event: str, **facts: Any) -> bool:
        """As ever."""
        written = super().append(event, **facts)
        if self.left is None and " ".join(filter(None, (event, facts.get("step") or facts.get("kind")))) == self.at:
            with self.hosts.turn:
                self.left = self.hosts.left_behind()
                shutil.copy(self.path, self.path.with_name("left.jsonl"))
        return written


@pytest.fixture(autouse=True)
def no_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """That a line is on the disk before the next thing happens: ``test_journal.py``."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


def killed(folder: Path, strategy: str, at: str) -> MemoryStage:
    """What another process finds."""
    journal = Witnessed(folder / "journal.jsonl")
    stage = MemoryStage(journal)
    journal.at, journal.hosts = at, stage.hosts
    stage.perform(strategy)
    assert journal.left is not None, f"there is no line {at!r}"
    return MemoryStage(Journal(folder / "left.jsonl"), journal.left)


@pytest.mark.parametrize(("strategy", "at"), CASES)
def test_done_again_it_is_done_and_can_be_undone(tmp_path: Path, strategy: str, at: str) -> None:
    """Users get the target, and what is owed is how it was before the run that was killed."""
    before = MemoryStage(Journal(tmp_path / "none.jsonl")).world()
    stage = killed(tmp_path, strategy, at)
    killed_with = stage.journal.entries()

    ended = stage.perform(strategy)

    assert ended.exit_code is ExitCode.GO, ended.error
    assert stage.journal.entries()[: len(killed_with)] == killed_with
    assert stage.hosts.unowed == []
    world = stage.world()
    if strategy != "backend-provider":
        assert (world.site, world.locked) == (STABLE, True)
    if strategy != "frontend-restore":
        assert (world.api, world.trigger) == (STABLE, "off")
    assert world.flags_on is (strategy != "full-system")
    assert sorted(undo.kind for undo in stage.journal.owed()) == sorted(OWED[strategy])
    stage.undo()
    assert stage.settle() == before
    assert stage.under_way() == []


def test_a_revert_that_is_published_is_not_built_again(tmp_path: Path) -> None:
    """Killed before the push: what goes on makes the same commit, finds it published, and only pushes it."""
    stage = killed(tmp_path, "frontend-revert", f"step-started {frontend.PUSH}")

    assert stage.perform("frontend-revert").exit_code is ExitCode.GO
    assert stage.hosts.changes == []
    assert stage.hosts.state.heads["main"] == stage.hosts.state.site[0].commit


@pytest.mark.parametrize(("strategy", "at"), CASES)
def test_undone_it_is_as_before(tmp_path: Path, strategy: str, at: str) -> None:
    """Also what the killed run had asked for and nobody waited for comes to nothing."""
    before = MemoryStage(Journal(tmp_path / "none.jsonl")).world()
    stage = killed(tmp_path, strategy, at)

    stage.undo()

    assert stage.settle() == before
    assert stage.journal.owed() == []


def test_what_was_under_way_is_left_behind(tmp_path: Path) -> None:
    """The copy itself: a deploy that was asked for comes to life although nobody goes on."""
    stage = killed(tmp_path, "backend-provider", f"step-started {backend.DEPLOY}")
    assert stage.settle().api != STABLE

    (tmp_path / "later").mkdir()
    journal = Witnessed(tmp_path / "later" / "journal.jsonl")
    running = MemoryStage(journal)
    running.hosts.service.restore("api-old")
    assert MemoryStage(journal, running.hosts.left_behind()).settle().api == STABLE


@pytest.mark.parametrize("listed_after_s", [1.0, 25.0])
def test_what_was_only_queued_when_it_was_killed_comes_to_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, listed_after_s: float
) -> None:
    """A host lists it in its own time: an undo waits for it as long as the rollback would have."""
    monkeypatch.setattr(hosts, "_ACCEPTED_S", listed_after_s)
    journal = Journal(tmp_path / "journal.jsonl")
    stage = MemoryStage(journal)
    before, deploy, left = stage.world(), stage.hosts.service.deploy_commit, list[State]()
    stage.hosts.behaves = {"queued"}

    def killed_after(commit: str) -> None:
        assert deploy(commit) is None
        left.append(stage.hosts.left_behind())
        shutil.copy(journal.path, tmp_path / "left.jsonl")

    monkeypatch.setattr(stage.hosts.service, "deploy_commit", killed_after)
    stage.perform("backend-commit")
    found = MemoryStage(Journal(tmp_path / "left.jsonl"), left[0])

    found.undo()

    assert found.settle() == before
    assert found.under_way() == []


def test_what_was_queued_for_too_long_comes_to_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rollback gave it up, and it is listed after that."""
    monkeypatch.setattr(hosts, "_ACCEPTED_S", LISTED_WITHIN_S + 10)
    stage = MemoryStage(Journal(tmp_path / "journal.jsonl"))
    before = stage.world()
    stage.hosts.behaves = {"queued"}
    assert "never listed" in str(stage.perform("backend-commit").error)

    stage.undo()

    assert stage.settle() == before
    assert stage.under_way() == []
