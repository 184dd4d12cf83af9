"""Each provider fails at each step of each strategy: the step fails, what helps users is done all the same, nothing is claimed.

In memory; ``test_whole_sessions.py`` shows some of them to the end of a session.
"""

import os
from pathlib import Path

import pytest

from pam_rollback.core.errors import UndoFailed
from pam_rollback.plan.stories import STORIES
from pam_rollback.report.verdict import ExitCode, classify
from pam_rollback.rollback.journal import Journal
from pam_rollback.rollback.steps import StepsFailed
from tests.rollback.strategies.expectations import PROVIDERS, ROWS, Row
from tests.rollback.strategies.hosts import FAILURES, STABLE, Failure
from tests.rollback.strategies.performed import STRATEGIES, Ended
from tests.rollback.strategies.stage import MemoryStage

EMERGENCY = "emergency"


def judge(world: MemoryStage, row: Row, ended: Ended, *, helped: bool, good: str) -> None:
    """Hold what came of it against the table; ``good`` is what the stable release is called there."""
    if helped:
        assert ended.exit_code is ExitCode.GO, ended.error
        assert not any(step.essential for step in ended.steps if not step.done) or row.strategy == EMERGENCY
    else:
        assert isinstance(ended.error, StepsFailed)
        assert ended.exit_code is ExitCode.ACTION_FAILED
        assert PROVIDERS[row.provider] in str(ended.error)
        assert ended.named("failed") == row.failed, ended.error
        assert ended.named("not done") == row.left_out, ended.error
    assert world.open_steps() == {}
    assert world.unowed == []
    for release, stable in ((world.site_release, row.site), (world.api_release, row.api)):
        # What users get is what the action says.
        assert stable is None or (release() == good) is (stable or helped)


def cases() -> list[object]:
    """Every row with every failure. An upload that was done and not heard of is the client's to find out (``NetlifySite``)."""
    return [
        pytest.param(row, failure, id=f"{row.strategy}-{PROVIDERS[row.provider]}-{row.operation}-{failure}")
        for row in ROWS
        for failure in FAILURES
        if not (FAILURES[failure].done and row.operation == "upload")
    ]


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MemoryStage:
    """Both hosts in the bad release, features on. That a line is on the disk before the next thing happens: ``test_journal.py``."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    return MemoryStage(Journal(tmp_path / "journal.jsonl"))


def test_every_strategy_of_a_provider_has_its_rows() -> None:
    """A new one is not in use before it has met their failures."""
    hosted = {story.name for story in STORIES.values() if {"frontend_host", "backend_host"} & set(story.abilities)}

    assert hosted <= {row.strategy for row in ROWS}


@pytest.mark.parametrize(("row", "failure"), cases())
def test_a_provider_fails(stage: MemoryStage, row: Row, failure: str) -> None:
    """As the table says; afterwards the journal is whole, and the undo brings everything back."""
    before = stage.world()
    stage.state.down = row.strategy == EMERGENCY
    stage.hosts.failing = {(PROVIDERS[row.provider], row.operation): FAILURES[failure]}

    ended = stage.perform(row.strategy)

    judge(stage, row, ended, helped=row.helps or (row.done_unread_helps and FAILURES[failure].done), good=STABLE)
    stage.hosts.failing.clear()
    if row.strategy == EMERGENCY:
        stage.settle()
        stage.state.down = False
    stage.undo()
    assert stage.settle() == before
    assert stage.journal.owed() == []


@pytest.mark.parametrize("strategy", [name for name in STRATEGIES if name != EMERGENCY])
def test_twice_is_once(stage: MemoryStage, strategy: str) -> None:
    """A second run asks no provider to change anything, owes nothing, and says so; the first one's undo brings everything back."""
    before = stage.world()
    once = stage.perform(strategy)
    assert once.exit_code is ExitCode.GO, once.error
    assert once.named("failed") == once.named("not done") == set()
    assert stage.journal.owed()

    # As the fixtures do: what users get now is what the second run finds bad.
    is_revert = strategy in {"frontend-revert", "backend-branch"}
    bad = (getattr(once.facts, "commit", "") or once.facts.live.commit) if is_revert else stage.found_bad
    second = MemoryStage(Journal(stage.journal.path.with_name("second.jsonl")), stage.hosts.left_behind(), bad)
    helped = second.world()
    twice = second.perform(strategy)

    assert twice.exit_code is ExitCode.GO, twice.error
    assert second.hosts.changes == []
    assert (second.journal.owed(), second.journal.gaps) == ([], [])
    assert second.settle() == helped
    stage.undo()
    assert stage.settle() == before


UNDONE = [
    ("backend-provider", "Render", "rollback", "a person must run the deploy"),
    ("backend-provider", "Render", "patch", "with automatic deploys on"),
    ("backend-provider", "Render", "list", "a person must run the deploy"),
    ("backend-branch", "Render", "rollback", "from the branch main"),
    ("backend-branch", "Render", "patch", "from the branch main"),
    ("frontend-restore", "Netlify", "restore", "a person must publish the deploy"),
    ("frontend-restore", "Netlify", "lock", "and unlock it"),
    ("frontend-restore", "Netlify", "deploys", "and unlock it"),
    ("full-system", "Netlify", "all", "the front end is not as it was"),
    ("full-system", "Render", "all", "the back end is not as it was"),
]


@pytest.mark.parametrize("failure", [name for name, failure in FAILURES.items() if not failure.done])
@pytest.mark.parametrize(("strategy", "provider", "operation", "words"), UNDONE)
def test_an_undo_that_fails_says_so_and_is_finished_later(
    stage: MemoryStage, strategy: str, provider: str, operation: str, words: str, failure: str
) -> None:
    """14, with what a person must do; the other parts are back already, and a later undo does the rest."""
    before = stage.world()
    assert stage.perform(strategy).exit_code is ExitCode.GO
    owed = len(stage.journal.owed())
    stage.hosts.failing = {(provider, operation): FAILURES[failure]}

    with pytest.raises(UndoFailed, match=words) as failed:
        stage.undo()

    assert classify(failed.value, in_test_body=False).exit_code is ExitCode.UNDO_FAILED
    assert 1 <= len(stage.journal.owed()) <= owed
    now = stage.settle()
    if provider == "Netlify" and strategy == "full-system":
        assert (now.api, now.flags_on) == (before.api, True)
    if provider == "Render" and strategy == "full-system":
        assert (now.site, now.flags_on) == (before.site, True)
    assert now != before or operation == "deploys"
    stage.hosts.failing.clear()
    stage.undo()
    assert stage.journal.owed() == []
    assert stage.settle() == before


def test_a_failure_that_is_none_is_seen(stage: MemoryStage) -> None:
    """The judge itself: a row that expects a failure where none is planted is red."""
    row = next(row for row in ROWS if row.strategy == "backend-provider" and row.operation == "list")

    with pytest.raises(AssertionError):
        judge(stage, row, stage.perform(row.strategy), helped=False, good=STABLE)


def test_what_is_asked_for_before_its_undo_is_owed_is_seen(stage: MemoryStage) -> None:
    """The hosts notice it themselves."""
    stage.hosts.owes = lambda: False
    stage.perform("backend-provider")

    assert stage.hosts.unowed == ["patch", "rollback"]
    assert Failure(None) == FAILURES["silent"]
