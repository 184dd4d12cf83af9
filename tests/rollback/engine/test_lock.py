"""Two machines, one writer: real processes race for locks on a real bare repository, die, are frozen, are late, and are overtaken."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pam_rollback.base.errors import LockLost, Refused
from pam_rollback.base.wait import Waiter, before_change
from pam_rollback.rollback import lock as module
from pam_rollback.rollback.git import open_repository
from pam_rollback.rollback.git_command import GitCommand
from pam_rollback.rollback.lock import SURE_FOR_S, Shared, WriterLock, claim_of, sole_writer
from pam_rollback.rollback.locks import LockRecord, LockTarget, TakeOver
from pam_rollback.rollback.writer_lock import GitLocks
from tests.bare_repository import git
from tests.rollback.engine.locking import asked, said, session, told
from tests.virtual_clock import VirtualClock

PRODUCT, SITE, NAME = "product-1", "site-1", "production"


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    """An empty bare repository: a lock needs no history."""
    folder = tmp_path / "origin.git"
    git(tmp_path, "init", "--quiet", "--bare", "--template=", str(folder))
    return folder


@pytest.fixture(autouse=True)
def asked_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose the lock is, is looked at before each request, also right after it was."""
    monkeypatch.setattr(module, "SURE_FOR_S", 0.0)


@pytest.fixture
def machines(tmp_path: Path) -> Callable[[str], Path]:
    """Folders that stand for machines."""

    def machine(name: str) -> Path:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        return folder

    return machine


class Watching(VirtualClock):
    """A clock that does not wait, and lets things happen meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: Callable[[], object] = lambda: None
        self.said: list[str] = []

    def pause(self, seconds: float) -> None:
        """Let the time pass, whatever the lock's own thread is at."""
        self.now_s += seconds
        self.meanwhile()


@contextmanager
def held(
    remote: Path,
    machine: Path,
    *,
    take_over: str = "",
    renewed_every_s: float = 30.0,
    clock: Watching | None = None,
) -> Iterator[WriterLock]:
    """Hold the lock in this process."""
    clock = clock or Watching()
    with open_repository(GitCommand(str(remote), deadline_s=10)) as repository:
        claim = claim_of(NAME, who="Grace", run="run-2", take_over=TakeOver.of(take_over) if take_over else None)
        shared = Shared(
            GitLocks(repository), renewed_every_s=renewed_every_s, clock=clock, pause=clock.pause, say=clock.said.append
        )
        named = [LockTarget(name, name) for name in (PRODUCT, SITE)]
        with sole_writer(claim, named, folder=machine, shared=shared) as lock:
            yield lock


def refs(remote: Path) -> list[str]:
    """The locks that there are."""
    return [ref.removeprefix("refs/locks/") for ref in git(remote, "for-each-ref", "--format=%(refname)").split()]


def on_remote(remote: Path) -> dict[str, object]:
    """What a lock says."""
    found: dict[str, object] = json.loads(git(remote, "cat-file", "blob", f"refs/locks/{SITE}"))
    return found


def put(remote: Path, text: str, *names: str) -> None:
    """Write a lock as another machine does."""
    file = remote.parent / "blob"
    file.write_text(text, encoding="utf-8")
    for name in names:
        git(remote, "update-ref", f"refs/locks/{name}", git(remote, "hash-object", "-w", str(file)))


def adas(run: str = "run-1") -> str:
    """The lock of a session on another machine."""
    then = datetime.now(UTC)
    return LockRecord(
        "Ada",
        "ci-1",
        run,
        since=then,
        renewed=then,
        last_step="push",
        place="elsewhere",
        token="ada",
        targets=(SITE,),
    ).text()


def test_one_of_two_racing_processes_wins(remote: Path, machines: Callable[[str], Path]) -> None:
    """Both start at the same moment, from two machines, for overlapping targets; the other learns who has it, and nothing is left."""
    with (
        session(machines("one"), "run-1", PRODUCT, SITE, remote=remote, every_s=0.2) as first,
        session(machines("two"), "run-2", "flags-1", SITE, remote=remote, every_s=0.2) as second,
    ):
        told(first)
        told(second)
        answers = {said(first).split()[0]: first, said(second).split()[0]: second}
        assert set(answers) == {"held", "refused"}
        assert on_remote(remote)["run"] == ("run-1" if answers["held"] is first else "run-2")
        assert asked(answers["held"], "end") == "released []"

    assert refs(remote) == []


def test_a_living_holder_keeps_others_out(remote: Path, machines: Callable[[str], Path]) -> None:
    """It is seen to live: by its signs of life, not by any date."""
    clock = Watching()
    with session(machines("one"), "run-1", PRODUCT, SITE, remote=remote, every_s=0.2) as first:
        assert asked(first) == "held []"
        before = on_remote(remote)["beat"]
        clock.meanwhile = lambda: Waiter().until(
            lambda: on_remote(remote)["beat"], holds=lambda beat: beat != before, within_s=20, what="a sign of life"
        )
        with (
            pytest.raises(Refused, match=r"run run-1 of Ada on .* it lives: its lock moved within \d+ s"),
            held(remote, machines("two"), clock=clock),
        ):
            pass
    assert "it is watched for up to 90 s. Not to wait, when it is known to be dead: --take-over run-1=" in clock.said[0]


def test_a_killed_holder_of_another_machine_is_watched_and_taken_over(
    remote: Path, machines: Callable[[str], Path]
) -> None:
    """It is gone with kill -9; another machine cannot know that before it was silent for 90 s. The waiting is told."""
    with session(machines("one"), "run-1", PRODUCT, SITE, remote=remote) as first:
        assert asked(first) == "held []"
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
    clock = Watching()
    with held(remote, machines("two"), clock=clock) as lock:
        (warning,) = lock.warnings
        assert "was taken over from run run-1 of Ada" in warning
        assert "which gave no sign of life for 90 s; make sure that it is not working" in warning
        assert on_remote(remote)["run"] == "run-2"
    assert clock.monotonic_s() == 90
    assert "held by run run-1 of Ada" in clock.said[0]
    assert clock.said[1:3] == ["90 s more to see whether it lives", "85 s more to see whether it lives"]
    assert refs(remote) == []


def test_a_killed_holder_of_the_same_machine_gives_way_at_once(remote: Path, machines: Callable[[str], Path]) -> None:
    """The kernel has released its files, so it is known to be dead."""
    with session(machines("one"), "run-1", PRODUCT, SITE, remote=remote) as first:
        assert asked(first) == "held []"
        os.kill(first.pid, signal.SIGKILL)
        first.wait()

    with held(remote, machines("one")) as lock:
        assert len(lock.warnings) == 1
        assert "that session has died" in lock.warnings[0]
        assert on_remote(remote)["run"] == "run-2"


def test_a_frozen_session_that_was_overtaken_sends_nothing_more(remote: Path, machines: Callable[[str], Path]) -> None:
    """Stopped between two requests, and gone on later. Such a session raised features from 0 to 25 %."""
    with session(machines("one"), "run-1", PRODUCT, SITE, remote=remote) as first:
        assert asked(first) == "held []"
        assert asked(first, "change the flags") == "sent []"
        os.kill(first.pid, signal.SIGSTOP)
        with held(remote, machines("two")) as lock:
            before_change("the flags")
            os.kill(first.pid, signal.SIGCONT)
            Waiter().until(
                lambda: asked(first, "change the flags"),
                holds=lambda answer: answer.startswith("stopped"),
                within_s=20,
                what="it is noticed (not within the 2 s for which a lock is known to be ours)",
            )
            answer = asked(first, "change the site")
            assert "the lock of production is not ours any more, it was taken by run run-2 of Grace" in answer
            assert "stopped before the site, which was not sent" in answer
            assert "what is left to do is finished with --resume run-1, or put back with --undo run-1" in answer
            assert asked(first, "end").startswith("released ['the lock of production is not ours any more")
            before_change("the site")
            assert on_remote(remote)["run"] == "run-2"
            assert len(lock.warnings) == 1


def test_signs_of_life_are_given_with_the_step(remote: Path, machines: Callable[[str], Path]) -> None:
    """At each step, and within long ones."""
    with held(remote, machines("one"), renewed_every_s=0.2) as lock:
        first = on_remote(remote)
        lock.note("restore the front end")
        Waiter().until(
            lambda: on_remote(remote),
            holds=lambda now: now["last_step"] == "restore the front end" and now["beat"] != first["beat"],
            within_s=20,
            what="the step in the lock",
        )
        step = on_remote(remote)["beat"]
        Waiter().until(lambda: on_remote(remote)["beat"], holds=lambda now: now != step, within_s=20, what="a beat")
        assert on_remote(remote)["since"] == first["since"]
        assert lock.warnings == []
    assert refs(remote) == []


def test_whose_it_is_is_looked_at_before_each_change(remote: Path, machines: Callable[[str], Path]) -> None:
    """Not only between steps or at the end; what another one has is left to them, the rest is given up."""
    with held(remote, machines("one")) as lock:
        before_change("the site")
        put(remote, adas("run-3"), SITE)
        for what in ("the site", "the caches"):
            with pytest.raises(
                LockLost, match=f"stopped before {what}, which was not sent: .* taken by run run-3 of Ada"
            ):
                before_change(what)

    assert refs(remote) == [SITE]
    assert on_remote(remote)["run"] == "run-3"
    assert len(lock.warnings) == 1
    before_change("without a lock nothing is asked")


def test_a_lock_that_is_not_there_any_more_is_lost_for_good(remote: Path, machines: Callable[[str], Path]) -> None:
    """Whoever took it may have undone everything and ended: what is free is not ours, also when it looks like ours again later."""
    with held(remote, machines("one")) as lock:
        before = git(remote, "rev-parse", f"refs/locks/{SITE}")
        git(remote, "update-ref", "-d", f"refs/locks/{SITE}")
        with pytest.raises(LockLost, match="the lock of production is not ours any more, it is not there"):
            before_change("the site")
        git(remote, "update-ref", f"refs/locks/{SITE}", before)
        with pytest.raises(LockLost, match="stopped before the caches, which was not sent"):
            before_change("the caches")
        assert len(lock.warnings) == 1


def test_a_frozen_session_that_wakes_after_it_was_undone_sends_nothing(
    remote: Path, machines: Callable[[str], Path]
) -> None:
    """Somebody took over, undid everything and ended while it slept: no lock is there, and none is taken again."""
    with session(machines("one"), "run-1", PRODUCT, SITE, remote=remote, every_s=0.5) as first:
        assert asked(first) == "held []"
        os.kill(first.pid, signal.SIGSTOP)
        with held(remote, machines("two"), take_over="run-1=Grace: the laptop is shut"):
            before_change("the flags, back")
        assert refs(remote) == []
        Waiter().pause(SURE_FOR_S)
        os.kill(first.pid, signal.SIGCONT)
        assert asked(first, "change the flags").startswith("stopped stopped before the flags, which was not sent")
        assert asked(first, "end").startswith("released ['the lock of production is not ours any more")
        assert refs(remote) == []


def test_a_lock_out_of_reach_stops_nobody(tmp_path: Path, machines: Callable[[str], Path]) -> None:
    """The network may be the incident: said, and gone on without."""
    with held(tmp_path / "nowhere.git", machines("one")) as lock:
        before_change("the site")
        assert len(lock.warnings) == 1
        assert "nobody else is kept from changing production: git read the lock" in lock.warnings[0]


def test_a_host_that_refuses_the_lock_stops_nobody(remote: Path, machines: Callable[[str], Path]) -> None:
    """A token that may read and not write."""
    hook = remote / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'no refs but branches here' >&2\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    with held(remote, machines("one")) as lock:
        assert "no refs but branches here" in lock.warnings[0]


def test_a_host_that_goes_away_is_said_once(remote: Path, machines: Callable[[str], Path]) -> None:
    """Held, and then neither asked, renewed nor released: changes go on."""
    with held(remote, machines("one")) as lock:
        remote.rename(remote.with_name("away.git"))
        before_change("the site")
        before_change("the caches")
        assert len(lock.warnings) == 1
        assert "whether the lock of production was still ours before the site is not known: git" in lock.warnings[0]
    assert "the lock was not released" in lock.warnings[-1]
