"""One writer on one machine: real processes of several users meet at real files, die, are frozen, and find what others left."""

import fcntl
import os
import signal
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pam_rollback.base.errors import LockLost, Refused
from pam_rollback.rollback import machine_lock as module
from pam_rollback.rollback.lock import claim_of
from pam_rollback.rollback.locks import LockTarget, TakeOver
from pam_rollback.rollback.machine_lock import MachineLock, machine_lock, shared_folder
from tests.rollback.engine.locking import asked, said, session, told

SITE = LockTarget("site-1", "site example")
TARGETS = (LockTarget("product-1", "product example"), SITE)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that all users share."""
    with tempfile.TemporaryDirectory() as made:
        os.chmod(made, 0o1777)  # noqa: PTH101, S103 - as /run/lock is
        yield Path(made)


@contextmanager
def held(folder: Path | None, run: str = "run-2", *, take_over: str = "") -> Iterator[MachineLock]:
    """Hold both targets in this process."""
    claim = claim_of("production", who="Grace", run=run, take_over=TakeOver.of(take_over) if take_over else None)
    with machine_lock(claim, TARGETS, folder) as lock:
        yield lock


def file_of(folder: Path, target: LockTarget = SITE) -> Path:
    """A target's file."""
    return folder / f"pam-rollback-{target.name}.lock"


def test_who_has_it_is_told_with_process_and_step(folder: Path, tmp_path: Path) -> None:
    """Also to a session with another temporary folder and an overlapping set of targets only."""
    with session(folder, "run-1", "site-1", temporary=tmp_path) as first:
        assert asked(first) == "held []"
        assert asked(first, "note publish the deploy") == "noted"
        with pytest.raises(Refused) as refused, held(folder):
            pass

    words = str(refused.value)
    assert f"run run-1 of Ada on {os.uname().nodename} (process {first.pid}), since 20" in words
    assert "last step 'publish the deploy'; it holds" in words
    assert list(folder.iterdir()) == [file_of(folder)], "what was taken before the refusal is given up"


def test_another_user_meets_the_same_lock(folder: Path) -> None:
    """Each keeps the other out, and each can use what the other made, also one that was killed: its file says nothing any more."""
    with session(folder, "run-1", "site-1", other_user=True) as other:
        assert asked(other) == "held []"
        with pytest.raises(Refused, match="run run-1 of Ada"), held(folder):
            pass
        other.kill()
        other.wait()
    assert stat.S_IMODE(file_of(folder).stat().st_mode) == 0o666
    with held(folder) as lock, session(folder, "run-1", "site-1", other_user=True) as other:
        assert lock.warnings == []
        assert asked(other).startswith("refused another session is changing production right now: run run-2 of Grace")
    assert list(folder.iterdir()) == []


def test_another_users_file_of_yesterday_stops_nobody(folder: Path) -> None:
    """It is closed to us, and nobody holds it: said, and gone on. Before, a rollback ended with PermissionError here."""
    file_of(folder).touch(mode=0)
    with session(folder, "run-1", "site-1", other_user=True) as other:
        words = asked(other)

    assert words.startswith("held ['")
    assert "cannot be used (Permission denied), so nobody here is kept from changing the site-1" in words


@pytest.mark.parametrize("kind", ["held and silent", "a folder", "a pipe", "a link"])
def test_what_proves_nothing_stops_nobody(folder: Path, tmp_path: Path, kind: str) -> None:
    """Held by somebody who does not say who it is, or no file at all: each is named, none refuses and none hangs."""
    path, descriptor = file_of(folder), None
    if kind == "held and silent":
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    elif kind == "a folder":
        path.mkdir()
    elif kind == "a pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(tmp_path / "elsewhere")
    with held(folder) as lock:
        (warning,) = lock.warnings
        assert str(path) in warning
        assert "nobody here is kept from changing the site example" in warning
        assert lock.place == "", "what is not held for certain proves nobody's death"
        lock.note("a step")
        lock.check("the site")
    assert not (tmp_path / "elsewhere").exists()
    if descriptor is not None:
        os.close(descriptor)


def test_the_folder_is_the_same_for_everybody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By its mode, not by who may write in it; never the temporary folder of a session."""
    private, shared = tmp_path / "private", tmp_path / "shared"
    private.mkdir(mode=0o755)
    shared.mkdir()
    shared.chmod(0o1777)
    monkeypatch.setattr(module, "SHARED_FOLDERS", (tmp_path / "none", private, shared))
    monkeypatch.setenv("TMPDIR", str(private))

    assert shared_folder() == shared


def test_what_killed_sessions_left_is_swept_after_a_day(folder: Path) -> None:
    """Not what is held, and not what is young."""
    day = time.time() - 90_000
    old, young, kept = (folder / f"pam-rollback-site-{name}.lock" for name in ("old", "young", "kept"))
    for path in (old, young, kept):
        path.touch()
    os.utime(old, (day, day))
    os.utime(kept, (day, day))
    descriptor = os.open(kept, os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    with held(folder):
        pass
    os.close(descriptor)

    assert sorted(folder.iterdir()) == [kept, young]


def test_a_frozen_session_still_holds_it(folder: Path) -> None:
    """It is not dead: refused, with the process to look at; a person's word about another run takes nothing over."""
    with session(folder, "run-1", "site-1") as first:
        assert asked(first) == "held []"
        os.kill(first.pid, signal.SIGSTOP)
        with (
            pytest.raises(Refused, match=rf"\(process {first.pid}\).*--take-over run-1="),
            held(folder, take_over="run-9=Grace: it is dead"),
        ):
            pass
        os.kill(first.pid, signal.SIGCONT)
        assert asked(first, "change the flags") == "sent []"


def test_a_frozen_session_that_was_taken_over_sends_nothing_more(folder: Path) -> None:
    """A person gave their word that it hangs. When it goes on all the same, it finds out before its next request."""
    with session(folder, "run-1", "site-1") as first:
        assert asked(first) == "held []"
        os.kill(first.pid, signal.SIGSTOP)
        with held(folder, take_over="run-1=Grace: it has been hanging for an hour") as lock:
            assert "on the word of Grace: it has been hanging for an hour" in lock.warnings[0]
            os.kill(first.pid, signal.SIGCONT)
            told(first, "note the next step")
            assert said(first) == "noted"
            answer = asked(first, "change the flags")
            assert answer.startswith("stopped stopped before the flags, which was not sent: the lock of production")
            assert "is held by run run-2 of Grace" in answer
            assert "--resume run-1" in answer
            lock.check("the site")
            told(first, "end")
            assert said(first).startswith("released")
            lock.check("the site")
            assert file_of(folder).exists()


def test_a_file_that_was_removed_is_lost_for_good(folder: Path) -> None:
    """Another session may have had it meanwhile, and ended: it is not ours, whoever has it now."""
    with held(folder) as lock:
        file_of(folder).unlink()
        for what in ("the site", "the caches"):
            with pytest.raises(
                LockLost, match=rf"stopped before {what}, which was not sent: .* is not ours any more: .*{SITE.name}"
            ):
                lock.check(what)
        assert len(lock.warnings) == 1
        with session(folder, "run-3", "site-1") as third:
            assert asked(third) == "held []"
