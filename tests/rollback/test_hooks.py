"""The hooks by which a rollback says what it would do, what limits it, and how it is put back."""

from contextlib import AbstractContextManager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pam_rollback.core.errors import ActionFailed, Refused, UndoFailed
from pam_rollback.plugin import earlier_run, listeners
from pam_rollback.plugin.topics import acting as of_rollback
from pam_rollback.plugin.topics import communication as of_communication
from pam_rollback.rollback.journal import Journal
from pam_rollback.rollback.lock import WriterLock
from pam_rollback.rollback.undoing import UndoKind, beside_actions, undo_all
from pam_rollback.target import flag_service
from pam_rollback.target.environment_file import load_environment
from tests.listening import listened_to
from tests.undo_kinds import KINDS

ROOT = Path(__file__).parents[2]
ENVIRONMENT = load_environment(str(ROOT / "environments/examples/production.toml"), ROOT / "environments", {})


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
    assert beside_actions(kinds) == {"clear-faults", "resolve-status-page-incident"}


def test_an_undo_is_alone_with_what_it_puts_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An undo and another one of the same place: the second is refused."""
    monkeypatch.setattr("pam_rollback.rollback.lock.shared_folder", lambda: tmp_path)

    def undo(run: str) -> AbstractContextManager[WriterLock]:
        options = SimpleNamespace(initiated_by="kim", take_over="", undo="run-0")
        runbook: Any = SimpleNamespace(environment=ENVIRONMENT, id=run, options=options)
        return earlier_run.sole_writer(runbook, ["feature-flag"])

    with undo("run-1"), pytest.raises(Refused, match="run run-1 of kim"), undo("run-2"):
        pytest.fail("two of them put back the same")


def test_a_flag_service_of_your_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its name, for switching, for what users get, and for its door; one that nobody knows ends the session before it begins."""
    named = ENVIRONMENT.model_copy(update={"flag_service": "quay"})
    own: Any = SimpleNamespace(
        admin=lambda _environment, by, within_s: ("admin", by, within_s),
        evaluation=lambda _environment, within_s: ("evaluation", within_s),
        door=lambda _environment: "https://quay.example.com/flags",
    )

    with pytest.raises(ActionFailed, match=r"only a session that loads your conftest\.py knows flag_service 'quay'"):
        flag_service.flag_admin_of(named)
    with pytest.raises(pytest.UsageError, match="flag_service: nobody knows 'quay'"):
        of_rollback.pytest_pam_begins(named)
    monkeypatch.setitem(flag_service.SERVICES, "quay", own)
    of_rollback.pytest_pam_begins(named)
    admin: Any = flag_service.flag_admin_of(named, "kim", deadline_s=2.0)
    evaluation: Any = flag_service.flag_evaluation_of(named, deadline_s=3.0)
    assert admin == ("admin", "kim", 2.0)
    assert evaluation == ("evaluation", 3.0)
    assert flag_service.flag_admin_url(named) == "https://quay.example.com/flags"
