"""A full disk stops no rollback: at whichever write, the features are off, and what is owed is somewhere or was said."""

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pam_rollback.core.wait import Waiter
from pam_rollback.http.files import append_line
from pam_rollback.rollback import journal as journal_module
from pam_rollback.rollback.flags import undo_flags
from pam_rollback.rollback.journal import ACTION, Journal
from tests.rollback.strategies.test_feature_flag import OFF, ON, TARGET, Product, act
from tests.selection import WHOLE
from tests.small_disk import fill, small_disk
from tests.virtual_clock import VirtualClock

WRITES = 16
"""A rollback by flags writes fewer lines."""
EVERY_WRITE = pytest.mark.parametrize("n", range(1, WRITES + 1))


@dataclass
class Disk:
    """Takes lines; which of them it does not take is decided by their number."""

    refuses: Callable[[int, Path], bool]
    written: int = 0
    refused: int = 0
    told: list[str] = field(default_factory=list)

    def __call__(self, path: Path, line: bytes) -> None:
        """Append, or be full."""
        self.written += 1
        if self.refuses(self.written, path):
            self.refused += 1
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        append_line(path, line)


@pytest.fixture
def rolled_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Product, Journal, Disk]]:
    """A rollback by flags on such a disk, with a second place."""

    def roll_back(refuses: Callable[[int, Path], bool]) -> tuple[Product, Journal, Disk]:
        disk, product = Disk(refuses), Product()
        monkeypatch.setattr(journal_module, "append_line", disk)
        journal = Journal(tmp_path / "run" / "journal.jsonl", others=[tmp_path / "second" / "journal.jsonl"])
        journal.tell_losses_to(disk.told.append)
        journal.append(ACTION, strategy="feature-flag")
        act(product, journal)
        return product, journal, disk

    return roll_back


def as_before(product: Product, journal: Journal) -> bool:
    """Put back what the journal owes, as a later session does: by what is on the disks alone."""
    later = Journal(journal.path, others=journal.others)
    for undo in later.owed():
        undo_flags(undo, product, later, Waiter(VirtualClock()))
        later.settled(undo)
    return {product.flags[name] for name in TARGET} == {ON} and not later.gaps


@EVERY_WRITE
@pytest.mark.parametrize("lasting", [True, False], ids=["from then on", "once"])
def test_what_the_first_place_does_not_take_is_in_the_second(
    rolled_back: Callable[..., tuple[Product, Journal, Disk]], tmp_path: Path, n: int, *, lasting: bool
) -> None:
    """The rollback is done, nothing is said, and a later session finds all of it."""

    def full(number: int, path: Path) -> bool:
        return path.is_relative_to(tmp_path / "run") and (number >= n if lasting else number == n)

    product, journal, disk = rolled_back(full)

    assert {product.flags[name] for name in TARGET} == {OFF}
    assert disk.told == journal.warnings == []
    assert journal.entries()[0]["event"] == ACTION
    assert as_before(product, journal)


@EVERY_WRITE
def test_what_no_place_takes_is_said_and_kept(
    rolled_back: Callable[..., tuple[Product, Journal, Disk]], n: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rollback is done; an undo that is in memory only is said at once, is in the verdict, and is written when there is room."""
    product, journal, disk = rolled_back(lambda number, _: number >= n)

    assert {product.flags[name] for name in TARGET} == {OFF}
    [owed] = journal.owed()
    on_disk = b"undo-owed" in b"".join(
        place.read_bytes() for place in (journal.path, *journal.others) if place.exists()
    )
    assert on_disk is not any("noted in memory only" in one for one in disk.told)
    assert on_disk is not any("noted in memory only" in one for one in journal.warnings)
    assert bool(disk.told) is bool(disk.refused)

    monkeypatch.setattr(journal_module, "append_line", append_line)
    journal.append("room again")
    lines = [json.loads(line) for line in journal.path.read_text("utf-8").splitlines()]
    assert lines == journal.entries()
    assert [line["number"] for line in lines if line["event"] == "undo-owed"] == [owed.number]


def test_a_rollback_writes_no_more_than_was_tried(rolled_back: Callable[..., tuple[Product, Journal, Disk]]) -> None:
    """Else the last write would never have been the one that fails."""
    assert rolled_back(lambda _, __: False)[2].written <= WRITES


def test_a_disk_that_takes_half_a_line_takes_none(tmp_path: Path) -> None:
    """A real one. The kernel says how much it took, and no error: the rest of the line would be missing."""
    with small_disk(tmp_path / "disk", 16) as disk:
        path, second = disk / "journal.jsonl", tmp_path / "second" / "journal.jsonl"
        journal = Journal(path, others=[second])
        journal.append("first", text="x" * 3900)
        before = path.read_bytes()
        fill(disk)

        assert journal.owe("set-flags", {"flags": {"A": "y" * 200}}).number == 1

        assert path.read_bytes() == before
        assert [entry["event"] for entry in journal.entries()] == ["first", "undo-owed"]
        assert second.stat().st_mode & 0o077 == 0
        assert second.parent.stat().st_mode & 0o077 == 0


def test_a_limit_of_the_system_is_a_full_disk_too(tmp_path: Path) -> None:
    """The same where nobody may mount anything: EFBIG in the middle of a line."""
    script = (
        "import resource, sys; from pathlib import Path; from pam_rollback.rollback.journal import Journal\n"
        "first, second = map(Path, sys.argv[1:])\n"
        "journal = Journal(first, others=[second]); journal.append('first', text='x' * 3900)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "print(journal.owe('set-flags', {'flags': {'A': 'y' * 200}}).number)"
    )
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"

    said = subprocess.run([sys.executable, "-c", script, first, second], capture_output=True, text=True, check=True)

    assert said.stdout == "1\n"
    assert first.read_bytes().count(b"\n") == 1
    assert [undo.kind for undo in Journal(first, others=[second]).owed()] == ["set-flags"]


def test_a_journal_cut_anywhere_never_claims_that_nothing_is_owed(
    rolled_back: Callable[..., tuple[Product, Journal, Disk]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once a changing step began: it is owed, or the note is known to be cut, or the step is known to be open. Before it: no alarm.

    Around the ends of lines each byte, elsewhere each ninth; at night each third.
    """
    _, journal, _ = rolled_back(lambda _, __: False)
    whole = journal.path.read_bytes()
    began = whole.index(b"\n", whole.index(b'"changes": true'))
    cut = Journal(tmp_path / "cut.jsonl")
    monkeypatch.setattr(os, "fsync", lambda _: None)
    ends = [number for number, byte in enumerate(whole) if byte == ord("\n")]
    near = {length for end in ends for length in range(end - 2, min(end + 4, len(whole)))}
    for length in sorted({*near, *range(0, len(whole), 3 if os.environ.get(WHOLE) else 9)}):
        cut.path.write_bytes(whole[:length])
        known = [bool(cut.owed()), bool(cut.gaps), bool(cut.open_change)]
        assert any(known) is (length >= began), (length, whole[:length][-80:])
        cut.append("undoing")
        assert cut.entries()[-1]["event"] == "undoing"
