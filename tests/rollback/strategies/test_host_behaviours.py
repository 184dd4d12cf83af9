"""Hosts that say yes and do something else, and a history that does not let itself be rolled back: nothing of it is ever a success."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import pytest

from pam_rollback.core.errors import UndoFailed
from pam_rollback.report.verdict import ExitCode
from pam_rollback.rollback import undo_kinds
from pam_rollback.rollback.journal import Journal
from pam_rollback.rollback.steps import StepsFailed
from pam_rollback.rollback.undoing import UndoTools
from pam_rollback.target.environment import Environment
from pam_rollback.target.served_release import BACK_END, FRONT_END
from tests.rollback.strategies import hosts
from tests.rollback.strategies.behaviours import CANDIDATE, STABLE, Case, history_cases, host_cases
from tests.rollback.strategies.hosts import FAILURES, Failure
from tests.rollback.strategies.stage import MemoryStage

REFUSES = FAILURES["refused"]
IN_MEMORY: Mapping[str, tuple[set[str], dict[tuple[str, str], Failure]]] = {
    "never live": ({"never live"}, {}),
    "does not start": ({"update fails"}, {}),
    "pushed meanwhile": ({"pushed meanwhile"}, {}),
    "pushed meanwhile, and automatic deploys stay on": ({"pushed meanwhile"}, {("Render", "patch"): REFUSES}),
    "is not built": ({"build fails"}, {}),
    "only queued": ({"queued"}, {}),
    "target expired": ({"target expired"}, {}),
    "never published": ({"never published"}, {}),
    "built over, unless locked": ({"built over"}, {}),
    "an old page in the cache": ({"old page"}, {}),
    "an old page that stays": ({"old page", "no purge"}, {}),
    "built over, and not locked": ({"built over"}, {("Netlify", "lock"): REFUSES}),
    "features cannot be switched off by the bad release": ({"admin refuses"}, {}),
    "features cannot be switched off, and the service not be rolled back": ({"admin refuses", "update fails"}, {}),
    "refused": ({"push refused"}, {}),
    "gone": ({"git gone"}, {}),
}
RELEASES = {hosts.STABLE: STABLE, hosts.CANDIDATE: CANDIDATE}
CASES = [*host_cases(), *history_cases()]


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MemoryStage:
    """Both hosts in the bad release, features on."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    return MemoryStage(Journal(tmp_path / "journal.jsonl"))


def test_every_behaviour_is_tried_somewhere() -> None:
    """A new case says what its hosts do."""
    assert {case.name for case in CASES} == IN_MEMORY.keys()


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=f"{case.strategy}: {case.name}") for case in CASES],
)
def test_accepted_is_not_done(stage: MemoryStage, case: Case) -> None:
    """What users get decides, and what a host left half done is not there after the undo."""
    before = stage.world()
    behaves, stage.hosts.failing = IN_MEMORY[case.name]
    stage.hosts.behaves = set(behaves)

    ended = stage.perform(case.strategy)

    if case.failed:
        optional = {step.name for step in ended.steps if not step.essential}
        assert isinstance(ended.error, StepsFailed)
        assert ended.exit_code is ExitCode.ACTION_FAILED
        assert ended.named("failed") - optional == case.failed - optional, ended.error
        assert ended.named("not done") == case.left_out, ended.error
    else:
        assert ended.exit_code is ExitCode.GO, ended.error
    assert stage.open_steps() == {}
    assert stage.hosts.unowed == []
    for release, expected in ((stage.site_release(), case.site), (stage.api_release(), case.api)):
        assert expected in {None, RELEASES[release]}
    stage.hosts.failing, stage.hosts.behaves = {}, set()
    stage.undo()
    assert stage.settle() == before
    assert stage.under_way() == []


@pytest.mark.parametrize("strategy", ["frontend-revert", "backend-branch"])
def test_a_conflict_changes_nothing(stage: MemoryStage, strategy: str) -> None:
    """Later changes touch the same lines: main stays, and users keep what they have."""
    before = stage.world()
    stage.hosts.behaves = {"conflict"}

    ended = stage.perform(strategy)

    assert ended.exit_code is ExitCode.ACTION_FAILED
    assert "cannot be taken back" in str(ended.error)
    assert (stage.world().main, stage.world().site, stage.world().api) == (before.main, before.site, before.api)
    stage.undo()
    assert stage.settle() == before


def test_a_locked_site_that_refuses_is_unlocked_first(stage: MemoryStage) -> None:
    """And locked again afterwards, also by the undo."""
    stage.state.locked = True
    before = stage.world()
    stage.hosts.behaves = {"refused when locked"}

    ended = stage.perform("frontend-restore")

    assert ended.exit_code is ExitCode.GO, ended.error
    assert ended.facts.published.locked
    assert stage.site_release() == hosts.STABLE
    stage.undo()
    assert stage.settle() == before


def test_a_lock_that_cannot_be_opened_does_not_stop_the_restore(stage: MemoryStage) -> None:
    """Whether a locked site refuses is not documented: it is tried; here it works."""
    stage.state.locked = True
    stage.hosts.failing = {("Netlify", "lock"): FAILURES["in trouble"]}

    ended = stage.perform("frontend-restore")

    assert ended.exit_code is ExitCode.GO, ended.error
    assert stage.site_release() == hosts.STABLE


def test_the_trigger_of_automatic_deploys_comes_back(stage: MemoryStage) -> None:
    """A service that waited for checks does so again."""
    stage.hosts.service.set_auto_deploy(on=True, trigger="checksPass")
    before = stage.world()

    assert stage.perform("backend-provider").exit_code is ExitCode.GO

    assert not stage.hosts.service.service().auto_deploy
    stage.undo()
    assert stage.settle() == before
    assert before.trigger == "checksPass"


def test_a_branch_that_somebody_moved_is_not_moved_back(stage: MemoryStage) -> None:
    """Their work would be gone: a person decides; the site is put back all the same."""
    assert stage.perform("frontend-revert").exit_code is ExitCode.GO
    stage.state.heads["main"] = hosts.STABLE

    with pytest.raises(UndoFailed, match="the branch main is not where it was before the rollback"):
        stage.undo()

    assert stage.state.heads["main"] == hosts.STABLE
    assert not stage.state.locked
    assert stage.site_release() == hosts.CANDIDATE


@pytest.mark.parametrize(("strategy", "before"), [("backend-provider", BACK_END), ("frontend-restore", FRONT_END)])
def test_an_undo_that_users_do_not_get_is_none(stage: MemoryStage, strategy: str, before: str) -> None:
    """The host has what was there before, and users are given something else, as from an instance that was left."""
    world = stage.world()
    assert stage.perform(strategy).exit_code is ExitCode.GO
    stage.hosts.behaves = {f"another answers: {before}"}

    with pytest.raises(UndoFailed, match="what was there before is served again"):
        stage.undo()

    assert stage.journal.owed() != []
    stage.hosts.behaves = set()
    stage.undo()
    assert stage.journal.owed() == []
    assert stage.settle() == world


def test_an_incident_that_is_planted_still_is_no_reason(stage: MemoryStage, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may name another release, and is cleared away after the back end is put back."""
    assert stage.perform("backend-provider").exit_code is ExitCode.GO
    [undo] = stage.journal.owed()
    stage.journal.owe(undo_kinds.CLEAR_FAULTS, {})
    stage.hosts.behaves = {f"another answers: {BACK_END}"}
    monkeypatch.setattr(undo_kinds, "_api", lambda _: stage.backend)
    tools = UndoTools(cast("Environment", None), stage.journal, "tests", stage.waiter)

    undo_kinds.UNDO_KINDS[undo.kind].put_back(undo, tools)

    assert stage.settle().api == hosts.CANDIDATE
