"""What is owed is on the disk before the change is made, and survives whoever made it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from pam_rollback.actions.journal import Journal


def test_an_undo_is_owed_until_it_is_settled(tmp_path: Path) -> None:
    """The latest change is put back first."""
    journal = Journal(tmp_path / "journal.jsonl")
    first = journal.owe("set-flags", {"flags": {"A": 1}})
    journal.owe("set-flags", {"flags": {"B": 2}})

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
        "import sys, time; from pathlib import Path; from pam_rollback.actions.journal import Journal\n"
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
