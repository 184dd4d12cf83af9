"""What a run left changed is put back, the latest first; what cannot be put back keeps nothing else from it and is never called done."""

from pathlib import Path

import pytest

from pam_rollback.actions.journal import Journal, Undo
from pam_rollback.core.environment import Environment
from pam_rollback.core.environment_file import load_environment
from pam_rollback.core.errors import UndoFailed
from pam_rollback.plugin.undo_kinds import UNDO_KINDS, UndoTools
from pam_rollback.plugin.undoing import undo_all
from tests.sessions import ROOT

REFUSED, CRASHES, WORKS = "refused", "crashes", "works"


@pytest.fixture
def environment() -> Environment:
    """Any one: these undos reach nothing."""
    return load_environment("production", ROOT / "environments", {})


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """A run that changed four things."""
    journal = Journal(tmp_path / "journal.jsonl")
    for kind in (WORKS, REFUSED, CRASHES, WORKS):
        journal.owe(kind, {"number": len(journal.owed())}, place=str(len(journal.owed())))
    return journal


@pytest.fixture
def put_back(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The undos in the order in which they were asked for; two of the kinds cannot be done."""
    asked: list[int] = []

    def works(undo: Undo, _: UndoTools) -> None:
        asked.append(undo.number)

    def refused(undo: Undo, _: UndoTools) -> None:
        asked.append(undo.number)
        raise UndoFailed("HTTP 503: a person must set it")

    def crashes(undo: Undo, _: UndoTools) -> None:
        asked.append(undo.number)
        raise KeyError("published_deploy")

    known = {**UNDO_KINDS, WORKS: works, REFUSED: refused, CRASHES: crashes}
    monkeypatch.setattr("pam_rollback.plugin.undoing.UNDO_KINDS", known)
    return asked


def test_all_are_tried_the_latest_first(journal: Journal, environment: Environment, put_back: list[int]) -> None:
    """A refusal and a crash stop nothing; both are named, and only what was put back is settled."""
    with pytest.raises(UndoFailed) as failed:
        undo_all(journal, environment, initiated_by="alex")

    assert put_back == [4, 3, 2, 1]
    assert "HTTP 503: a person must set it" in str(failed.value)
    assert "published_deploy" in str(failed.value)
    assert [undo.number for undo in journal.owed()] == [3, 2]


def test_what_is_left_to_others_stays_owed(journal: Journal, environment: Environment, put_back: list[int]) -> None:
    """The incident of a drill is taken away by who planted it."""
    assert undo_all(journal, environment, initiated_by="alex", left_to_others={REFUSED, CRASHES}) == 2
    assert put_back == [4, 1]


def test_an_unknown_kind_needs_a_person(tmp_path: Path, environment: Environment) -> None:
    """A journal of a newer version, say: the message has what was to be put back."""
    journal = Journal(tmp_path / "other.jsonl")
    journal.owe("set-branch", {"branch": "main"})

    with pytest.raises(UndoFailed, match=r"does not know: a person must put back \{'branch': 'main'\}"):
        undo_all(journal, environment, initiated_by="alex")
    assert len(journal.owed()) == 1


def test_every_kind_has_a_routine_that_refuses_what_is_not_there(environment: Environment, tmp_path: Path) -> None:
    """Asked for on an environment that has none of it, each says so instead of calling it done."""
    for kind in UNDO_KINDS:
        journal = Journal(tmp_path / f"{kind}.jsonl")
        journal.owe(kind, {})
        with pytest.raises(UndoFailed):
            undo_all(journal, environment, initiated_by="alex")
        assert len(journal.owed()) == 1
