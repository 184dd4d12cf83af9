"""Who waits for the state, and who does without: a rollback never waits; a watch that may roll back by itself has to know of the others."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pam_rollback.state import hooks
from pam_rollback.state.service import Store, place_of

JOURNAL = '{"at": "2026-11-27T10:00:00+00:00", "event": "consent-prepared"}\n'


def begun(folder: Path, place: str, signers: Path | None) -> None:
    """The beginning of a session in mode real on a machine of its own, as far as the state sees it."""
    config: Any = SimpleNamespace(
        option=SimpleNamespace(collectonly=False, pam_state=place, pam_state_keep=""),
        rootpath=folder,
        pluginmanager=SimpleNamespace(register=lambda _kept, _name: None),
        add_cleanup=lambda _end: None,
    )
    options: Any = SimpleNamespace(
        real=True, undo="", resume="", baseline=None, dry_run=False, state_dir=None, signers=signers
    )
    hooks.pytest_pam_earlier_runs(config, options, SimpleNamespace(git=None, name="staging", kind="staging"))  # type: ignore[arg-type]


def test_a_watch_knows_what_another_machine_used(tmp_path: Path) -> None:
    """When it begins, the journal of the other one is here."""
    place, ramps = tmp_path / "place", tmp_path / "ramps"
    (ramps / "staging").mkdir(parents=True)
    (ramps / "staging" / "watch.jsonl").write_text(JOURNAL, encoding="utf-8")
    (tmp_path / "out").mkdir()
    Store(place_of(str(place), tmp_path, lambda _: ""), tmp_path / "out", ramps).add({}, 30, ramp="staging")

    begun(tmp_path / "here", str(place), tmp_path / "signers")

    here = tmp_path / "here" / "reports" / "state" / "staging" / "watch.jsonl"
    assert "consent-prepared" in here.read_text(encoding="utf-8")


@pytest.mark.parametrize("place", ["git:nowhere", "git:file:///nowhere/pam.git"])
def test_a_watch_that_cannot_know_does_not_begin(tmp_path: Path, place: str) -> None:
    """With standing consent; a rollback begins all the same."""
    with pytest.raises(pytest.UsageError, match="used on another machine is not known: "):
        begun(tmp_path, place, tmp_path / "signers")

    begun(tmp_path, place, None)
