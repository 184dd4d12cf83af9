"""What is owed is on the disk before the change is made, and survives whoever made it."""

import errno
import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pam_rollback.rollback import journal as journal_module
from pam_rollback.rollback.journal import Journal


def test_an_undo_is_owed_until_it_is_settled(tmp_path: Path) -> None:
    """The latest change is put back first."""
    journal = Journal(tmp_path / "journal.jsonl")
    first = journal.owe("set-flags", {"flags": {"A": 1}}, place="A")
    journal.owe("set-flags", {"flags": {"B": 2}}, place="B")

    assert [undo.facts["flags"] for undo in journal.owed()] == [{"B": 2}, {"A": 1}]
    journal.settled(first)
    assert [undo.facts["flags"] for undo in journal.owed()] == [{"B": 2}]


def test_the_file_is_private(tmp_path: Path) -> None:
    """It may name things that are nobody's business."""
    journal = Journal(tmp_path / "journal.jsonl")
    journal.append("action")

    assert journal.path.stat().st_mode & 0o077 == 0


def test_a_line_that_a_kill_cut_short_is_left_out(tmp_path: Path) -> None:
    """What was never finished was never done."""
    journal = Journal(tmp_path / "journal.jsonl")
    journal.append("step-started", step="one")
    with journal.path.open("a", encoding="utf-8") as file:
        file.write('{"event": "step-do')

    assert [entry["event"] for entry in journal.entries()] == ["step-started"]


def test_kill_9_between_note_and_change_leaves_the_note(tmp_path: Path) -> None:
    """A real process is killed right after it wrote what it owes; another one reads it."""
    path = tmp_path / "journal.jsonl"
    script = (
        "import sys, time; from pathlib import Path; from pam_rollback.rollback.journal import Journal\n"
        "Journal(Path(sys.argv[1])).owe('set-flags', {'flags': {'A': {'enabled': True, 'rollout_pct': 100}}})\n"
        "print('owed', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "owed\n"
        os.kill(child.pid, signal.SIGKILL)

    owed = Journal(path).owed()
    assert [(undo.kind, undo.facts) for undo in owed] == [
        ("set-flags", {"flags": {"A": {"enabled": True, "rollout_pct": 100}}})
    ]


def test_what_is_owed_already_stays_as_it_is(tmp_path: Path) -> None:
    """A resumed run finds its own change: the state before is the one that the first run saw."""
    journal = Journal(tmp_path / "journal.jsonl")
    first = journal.owe("set-flags", {"flags": {"A": 100}}, place="A")

    again = journal.owe("set-flags", {"flags": {"A": 25}}, place="A")
    other = journal.owe("set-flags", {"flags": {"B": 100}}, place="B")

    assert (again, other.number) == (first, 2)
    assert [undo.facts["flags"] for undo in journal.owed()] == [{"B": 100}, {"A": 100}]
    journal.settled(again)
    assert journal.owe("set-flags", {"flags": {"A": 50}}, place="A").number == 3


def test_threads_write_whole_lines_and_numbers_of_their_own(tmp_path: Path) -> None:
    """Steps that run side by side share one journal."""
    path = tmp_path / "journal.jsonl"
    with ThreadPoolExecutor(8) as pool:
        owed = list(pool.map(lambda n: Journal(path).owe("set-flags", {"long": "x" * 5000}, place=str(n)), range(40)))

    assert sorted(undo.number for undo in owed) == list(range(1, 41))
    assert {undo.place for undo in Journal(path).owed()} == {str(n) for n in range(40)}


def test_a_resumed_run_writes_lines_of_its_own(tmp_path: Path) -> None:
    """What a kill cut short does not spoil the line after it."""
    journal = Journal(tmp_path / "journal.jsonl")
    journal.append("action")
    with journal.path.open("a", encoding="utf-8") as file:
        file.write('{"event": "step-do')

    journal.append("resumed")

    assert [entry["event"] for entry in journal.entries()] == ["action", "resumed"]


def test_warnings_are_told_one_by_one(tmp_path: Path) -> None:
    """A lock out of reach does not stop a rollback, and is not forgotten."""
    journal = Journal(tmp_path / "journal.jsonl")
    journal.warn("lock", "the repository does not answer")

    assert journal.warnings == ["lock: the repository does not answer"]


def test_a_step_without_an_end_was_cut_short(tmp_path: Path) -> None:
    """Asked by what it owes, whatever it is called; one that was begun again and ended is not."""
    journal = Journal(tmp_path / "journal.jsonl")
    assert not journal.left_open("publish-deploy")

    journal.append("step-started", step="front end: publish the target", owes="publish-deploy")
    journal.append("step-done", step="back end: run the target")
    assert journal.left_open("publish-deploy")
    assert not journal.left_open("run-deploy")

    journal.append("step-started", step="front end: publish the target", owes="publish-deploy")
    journal.append("step-failed", step="front end: publish the target")
    assert not journal.left_open("publish-deploy")


def test_a_note_that_lacks_what_undo_needs_is_a_gap(tmp_path: Path) -> None:
    """Whole JSON, and still nothing that anybody could follow: "nothing is owed" must not be said."""
    journal = Journal(tmp_path / "journal.jsonl")
    journal.append("action", strategy="feature-flag")
    with journal.path.open("a", encoding="utf-8") as file:
        file.write('{"at": "2026-11-27T00:00:00.000+00:00", "event": "undo-owed", "kind": "set-flags"}\n')

    assert journal.owed() == []
    assert len(journal.damaged) == 1
    assert "it may have said how to put a change back" in journal.gaps[0]


@pytest.mark.parametrize("left", [None, "", '{"event": "somebody-elses"}\n'])
def test_what_somebody_takes_away_is_still_owed(tmp_path: Path, left: str | None) -> None:
    """Whoever cleared the folder away, or wrote over the file: who wrote the note knows it, and writes it anew."""
    journal, told = Journal(tmp_path / "run" / "journal.jsonl"), list[str]()
    journal.tell_losses_to(told.append)
    journal.append("action")
    first = journal.owe("set-flags", {"flags": {"A": 1}}, place="A")
    journal.path.unlink()
    if left is None:
        journal.path.parent.rmdir()
    else:
        journal.path.write_text(left, encoding="utf-8")
    again = Journal(journal.path)

    assert [undo.facts for undo in again.owed()] == [{"flags": {"A": 1}}]
    assert told == []
    second = again.owe("set-flags", {"flags": {"B": 2}}, place="B")
    assert second.number == 2
    assert "is there again" in told[0]
    there = [json.loads(line) for line in journal.path.read_text(encoding="utf-8").splitlines()]
    assert [one["event"] for one in there if one["event"] != "somebody-elses"] == ["action", "undo-owed", "undo-owed"]
    again.settled(second)
    again.settled(first)
    assert journal.owed() == []
    assert len(told) == 1


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.EACCES, errno.EISDIR], ids=errno.errorcode.get)
def test_a_journal_that_cannot_be_read_any_more_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """What this process wrote it knows, and goes on in the second place; to whoever comes later the journal is not whole."""
    journal, told = Journal(tmp_path / "run" / "journal.jsonl", others=[tmp_path / "second.jsonl"]), list[str]()
    journal.tell_losses_to(told.append)
    journal.append("action")
    journal.owe("set-flags", {"flags": {"A": 1}}, place="A")
    if number == errno.EISDIR:
        journal.path.unlink()
        journal.path.mkdir()
    else:
        opened, read = os.open, Path.read_bytes

        def allowed(path: Path) -> Path:
            if path == journal.path:
                raise OSError(number, os.strerror(number), str(path))
            return path

        monkeypatch.setattr(os, "open", lambda path, *more, **options: opened(allowed(path), *more, **options))
        monkeypatch.setattr(Path, "read_bytes", lambda path: read(allowed(path)))

    journal.owe("set-flags", {"flags": {"B": 1}}, place="B")

    assert [undo.place for undo in journal.owed()] == ["B", "A"]
    assert journal.warnings == told == []
    journal_module._UNWRITTEN.clear()
    later = Journal(journal.path, others=journal.others)
    assert [undo.place for undo in later.owed()] == ["B", "A"], "the second place has all of it"
    assert f"{journal.path} cannot be read ({os.strerror(number)})" in later.gaps[0]
    if number != errno.EISDIR:
        monkeypatch.undo()
        assert [undo.place for undo in later.owed()] == ["B", "A"], "each once, when both can be read again"
        assert later.gaps == []
