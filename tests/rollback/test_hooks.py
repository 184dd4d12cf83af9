"""The hooks by which a rollback says what it would do, what limits it, and how it is put back."""

from contextlib import AbstractContextManager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pam_rollback.base.errors import Refused, UndoFailed
from pam_rollback.communication import hooks as of_communication
from pam_rollback.environment.environment_file import load_environment
from pam_rollback.journal.journal import ACTION, Journal
from pam_rollback.journal.undoing import UndoKind, beside_actions, undo_all
from pam_rollback.plan.plan import load_plan
from pam_rollback.report.run_record import ActionStep
from pam_rollback.rollback import hooks as of_rollback
from pam_rollback.rollback.rules.range_proof import PLANTED_BEFORE
from pam_rollback.session import listeners
from tests.listening import listened_to
from tests.undo_kinds import KINDS

ROOT = Path(__file__).parents[2]
PLAN = load_plan(ROOT / "plan.toml")
ENVIRONMENT = load_environment("production", ROOT / "environments", {})


class Own:
    """Another conftest.py that would do something."""

    def pytest_pam_planned(self) -> list[ActionStep]:
        """One step."""
        return [ActionStep("own", "one", "planned", 0.0, 0.0)]


def test_pytest_pam_undo_kinds(tmp_path: Path) -> None:
    """A change of a kind that another conftest.py makes is put back with the others; whoever fails takes only its own kinds along."""
    journal, put_back = Journal(tmp_path / "journal.jsonl"), []
    journal.owe("own-switch", {"was": "on"})

    class Broken:
        def pytest_pam_undo_kinds(self) -> object:
            raise OSError("gone")

    class Switch:
        def pytest_pam_undo_kinds(self) -> object:
            return {"own-switch": UndoKind(lambda undo, _: put_back.append(undo.facts["was"]))}

    config = listened_to(of_rollback, of_communication, Broken())
    without = listeners.undo_kinds(config)
    with pytest.raises(UndoFailed, match=r"a person must put back \{'was': 'on'\}"):
        undo_all(journal, ENVIRONMENT, without, initiated_by="alex")
    config.pluginmanager.register(Switch())
    kinds = listeners.undo_kinds(config)

    assert undo_all(journal, ENVIRONMENT, kinds, initiated_by="alex") == 1
    assert (put_back, journal.owed()) == (["on"], [])
    assert {*kinds} == {*without, "own-switch"} == {*KINDS, "own-switch"}
    assert beside_actions(kinds) == {"clear-faults", "resolve-status-page-incident", "put-notice-back"}


def test_a_story_tells_its_steps_and_its_limits(tmp_path: Path) -> None:
    """A dry run has the steps of its stories first; a drill where nothing was planted, or something before it, says so in its notes."""
    config = listened_to(Own(), of_rollback)
    journal = Journal(tmp_path / "journal.jsonl")
    runbook: Any = SimpleNamespace(plan=PLAN, environment=ENVIRONMENT, folder=tmp_path, journal=journal, undamaged=True)
    steps = listeners.planned(config, runbook, (), ("gradual",))
    quiet = listeners.notes(config, runbook)
    journal.append(ACTION, strategy="gradual")
    journal.append(PLANTED_BEFORE, faults=["slow"], situation="after-gradual")

    assert [step.action for step in steps][-1] == "own"
    assert {step.action for step in steps[:-1]} == {"gradual"}
    assert quiet == []
    assert listeners.notes(config, runbook) == [
        "recovery from damage not judged: nothing was planted here",
        "planted in the sandbox before after-gradual began: slow",
    ]


def test_pytest_pam_sole_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An undo and another one of the same place: the second is refused. Where nobody keeps others away, that is said."""
    monkeypatch.setattr("pam_rollback.rollback.service.writer_lock.shared_folder", lambda: tmp_path)
    monkeypatch.setattr("pam_rollback.rollback.hooks.progress_of", lambda *_: SimpleNamespace(announce=print))
    journal = Journal(tmp_path / "journal.jsonl")

    def undo(run: str, config: Any) -> AbstractContextManager[list[str]]:
        options = SimpleNamespace(initiated_by="kim", take_over="", undo="run-0")
        runbook: Any = SimpleNamespace(environment=ENVIRONMENT, id=run, options=options)
        return listeners.sole_writer(config, runbook, journal)

    config = listened_to(of_rollback)
    with undo("run-1", config), pytest.raises(Refused, match="run run-1 of kim"), undo("run-2", config):
        pytest.fail("two of them put back the same")
    with undo("run-3", listened_to()) as warnings:
        assert warnings == ["nobody keeps other sessions away: nobody listens"]
