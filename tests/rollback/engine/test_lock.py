"""Nobody acts twice: real processes meet at real files and at a real bare repository, race, die, are frozen, wake late, are overtaken."""

import fcntl
import json
import os
import signal
import socket
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pam_rollback.core.errors import LockLost, Refused
from pam_rollback.core.wait import Waiter, before_change
from pam_rollback.rollback import lock as module
from pam_rollback.rollback.lock import Holder, WriterLock, environment_lock, read_holder, shared_folder
from pam_rollback.rollback.lock_targets import targets_of
from pam_rollback.target.environment import Environment
from pam_rollback.target.environment_file import load_environment
from tests.bare_repository import git
from tests.rollback.engine.locking import asked, said, session, told

FILE = """
name = "production"
kind = "staging"
abilities = [{abilities}]
[urls]
frontend = "https://www.example.com"
api = "{api}"
backend = "https://backend.example.com"
[netlify]
site_id = "s-1"
[git]
remote = "{remote}"
[secrets]
netlify_auth_token_env = "TOKEN"
"""
WORD = "run-1=Grace: it has been hanging for an hour"


@pytest.fixture(autouse=True)
def asked_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose the refs are is asked before each request in this process, also right after it was."""
    monkeypatch.setattr(module, "SURE_FOR_S", 0.0)


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    """An empty bare repository: a lock needs no history."""
    folder = tmp_path / "origin.git"
    git(tmp_path, "init", "--quiet", "--bare", "--template=", str(folder))
    return folder


@pytest.fixture
def file(tmp_path: Path, remote: Path) -> Callable[..., Path]:
    """Files of environments: the same product, with or without a repository; or another one with the same site."""

    def written(*, shared: bool = True, api: str = "https://api.example.com") -> Path:
        abilities = '"git", "netlify"' if shared else '"netlify"'
        path = tmp_path / f"{'shared' if shared else 'alone'}-{len(api)}.toml"
        path.write_text(FILE.format(abilities=abilities, api=api, remote=remote), encoding="utf-8")
        return path

    return written


@pytest.fixture
def machine() -> Iterator[Callable[..., Path]]:
    """Folders that stand for the one that all users of a machine share."""
    with tempfile.TemporaryDirectory() as outer:
        Path(outer).chmod(0o755)

        def made(name: str = "one") -> Path:
            folder = Path(outer) / name
            folder.mkdir(exist_ok=True)
            folder.chmod(0o1777)  # as /run/lock is
            return folder

        yield made


def loaded(file: Path) -> Environment:
    """The environment."""
    return load_environment(str(file), file.parent, {"TOKEN": "secret"})


@contextmanager
def held(
    file: Path, machine: Path, run: str = "run-2", *, take_over: str = "", undoes: str = ""
) -> Iterator[WriterLock]:
    """Hold the locks in this process."""
    with environment_lock(
        loaded(file), run=run, who="Grace", pushes=False, take_over=take_over, undoes=undoes, folder=machine
    ) as lock:
        yield lock


def name_of(file: Path, kind: str = "site") -> str:
    """The name of a target's lock."""
    return next(name for name in targets_of(loaded(file), pushes=False) if name.startswith(kind))


def path_of(file: Path, machine: Path) -> Path:
    """The site's file on a machine."""
    return machine / f"pam-rollback-{name_of(file)}.lock"


def refs(remote: Path) -> list[str]:
    """The locks that there are."""
    return [ref.removeprefix("refs/locks/") for ref in git(remote, "for-each-ref", "--format=%(refname)").split()]


def on_remote(remote: Path, name: str) -> str:
    """The run that a ref names."""
    return str(json.loads(git(remote, "cat-file", "blob", f"refs/locks/{name}"))["run"])


def put(remote: Path, text: str, name: str) -> None:
    """Write a ref as another machine does."""
    blob = remote.parent / "blob"
    blob.write_text(text, encoding="utf-8")
    git(remote, "update-ref", f"refs/locks/{name}", git(remote, "hash-object", "-w", str(blob)))


def adas(run: str = "run-1") -> str:
    """The text of a session on another machine, 12 minutes ago."""
    return Holder(run, "Ada", "ci-1", datetime.now(UTC) - timedelta(minutes=12), token="ada", pid=4242).text()


@pytest.mark.parametrize("shared", [False, True], ids=["one machine", "two clones of one remote"])
def test_one_of_two_racing_processes_wins(
    file: Callable[..., Path],
    machine: Callable[..., Path],
    remote: Path,
    shared: bool,  # noqa: FBT001 - a table
) -> None:
    """Both start at the same moment for overlapping targets; the other learns who has it, and nothing is left."""
    one, two = file(shared=shared), file(shared=shared, api="https://api.elsewhere.example.com")
    here, there = machine(), machine("two" if shared else "one")
    with session(one, here, "run-1") as first, session(two, there, "run-2") as second:
        told(first)
        told(second)
        answers = {said(first).split()[0]: first, said(second).split()[0]: second}
        assert set(answers) == {"held", "refused"}
        winner = "run-1" if answers["held"] is first else "run-2"
        if shared:
            assert on_remote(remote, name_of(one)) == winner
        assert asked(answers["held"], "change the site") == "sent []"
        assert asked(answers["held"], "end") == "released []"

    assert refs(remote) == []
    assert not [*here.glob("*.lock"), *there.glob("*.lock")]


def test_who_meets_a_living_session_is_told_who_it_is_and_how_to_go_on(
    file: Callable[..., Path], machine: Callable[..., Path]
) -> None:
    """By a file here, also while it is frozen: with the process to look at. A person's word about another run takes nothing over."""
    one = file(shared=False)
    with session(one, machine(), "run-1") as first:
        assert asked(first) == "held []"
        os.kill(first.pid, signal.SIGSTOP)
        with pytest.raises(Refused) as refused, held(one, machine(), take_over="run-9=Grace: it is dead"):
            pass
        words = str(refused.value)
        assert f"run run-1 of Ada on {os.uname().nodename} (process {first.pid}), since 20" in words
        assert f"it holds {machine()}/pam-rollback-" in words
        assert words.endswith('if it is known to be dead or hung: --take-over run-1="who: how you know"')
        os.kill(first.pid, signal.SIGCONT)
        assert asked(first, "change the flags") == "sent []"


def test_a_lock_of_another_machine_refuses_at_once_with_its_age(
    file: Callable[..., Path], machine: Callable[..., Path], remote: Path
) -> None:
    """Nothing waits and no clock decides: it lives, or was killed. The command that goes on is told, and goes on."""
    put(remote, adas(), name_of(file()))
    with (
        pytest.raises(
            Refused, match=r"run run-1 of Ada on ci-1 \(process 4242\), since .* UTC \(12 min 0 s ago\)"
        ) as refused,
        held(file(), machine()),
    ):
        pass
    assert '--take-over run-1="who: how you know"' in str(refused.value)
    assert refs(remote) == [name_of(file())], "none of the others was taken"
    assert list(machine().iterdir()) == [], "what was taken before the refusal is given up"
    with held(file(), machine(), take_over="run-1=Grace: ci-1 was switched off") as lock:
        (warning,) = lock.warnings
        assert "taken over from run run-1 of Ada" in warning
        assert "on the word of Grace: ci-1 was switched off" in warning
        before_change("the site")
    assert refs(remote) == []


def test_a_killed_session_of_this_machine_gives_way_at_once(
    file: Callable[..., Path], machine: Callable[..., Path], remote: Path
) -> None:
    """The kernel has released its files, and they say whose they were; on another machine nobody can know that."""
    with session(file(), machine(), "run-1") as first:
        assert asked(first) == "held []"
        first.kill()
        first.wait()
    with pytest.raises(Refused, match="it may have been killed"), held(file(), machine("two")):
        pass
    with held(file(), machine()) as lock:
        assert all("that session has ended" in warning for warning in lock.warnings)
        assert lock.warnings
        before_change("the site")
        assert on_remote(remote, name_of(file())) == "run-2"
    assert refs(remote) == []


def test_a_session_taken_over_here_proves_no_death(
    file: Callable[..., Path], machine: Callable[..., Path], remote: Path
) -> None:
    """Who acts beside a frozen holder on a person's word does not hold its file: the holder's end says nothing of the other."""
    with session(file(), machine(), "run-1") as first:
        assert asked(first) == "held []"
        os.kill(first.pid, signal.SIGSTOP)
        with held(file(), machine(), take_over=WORD):
            first.kill()
            first.wait()
            with pytest.raises(Refused, match="run run-2 of Grace"), held(file(), machine(), "run-3"):
                pass
            assert on_remote(remote, name_of(file())) == "run-2"


@pytest.mark.parametrize("shared", [False, True], ids=["one machine", "two clones of one remote"])
def test_a_frozen_session_that_wakes_later_sends_nothing_more(
    file: Callable[..., Path],
    machine: Callable[..., Path],
    remote: Path,
    shared: bool,  # noqa: FBT001 - a table
) -> None:
    """It was taken over on a person's word while it slept, and the other still acts. Such a session raised features from 0 to 25 %."""
    one = file(shared=shared)
    there = machine("two" if shared else "one")
    with session(one, machine(), "run-1") as first:
        assert asked(first) == "held []"
        assert asked(first, "change the flags") == "sent []"
        os.kill(first.pid, signal.SIGSTOP)
        with held(one, there, take_over=WORD) as lock:
            before_change("the flags")
            Waiter().pause(
                2.0 if shared else 0.0
            )  # so long the sleeper need not look again; the other waits for it, too
            os.kill(first.pid, signal.SIGCONT)
            answer = asked(first, "change the flags")
            assert answer.startswith(
                "stopped stopped before the flags, which was not sent: the lock of production is not ours"
            )
            assert "run run-2 of Grace" in answer
            assert "what is left to do is finished with --resume run-1, or put back with --undo run-1" in answer
            assert asked(first, "change the site").startswith("stopped stopped before the site")
            assert asked(first, "end").startswith("released ['the lock of production is not ours any more")
            before_change("the site")
            assert len([warning for warning in lock.warnings if "on the word of" not in warning]) == 0


def test_a_frozen_session_that_wakes_after_it_was_undone_sends_nothing(
    file: Callable[..., Path], machine: Callable[..., Path], remote: Path
) -> None:
    """Somebody took over, undid everything and ended while it slept: no lock is there, and none is taken again."""
    with session(file(), machine(), "run-1") as first:
        assert asked(first) == "held []"
        os.kill(first.pid, signal.SIGSTOP)
        with held(file(), machine("two"), take_over=WORD):
            before_change("the flags, back")
        assert refs(remote) == []
        Waiter().pause(2.0)
        os.kill(first.pid, signal.SIGCONT)
        assert asked(first, "change the flags").startswith("stopped stopped before the flags, which was not sent")
        assert asked(first, "end").startswith("released ['the lock of production is not ours any more")
        assert refs(remote) == []


def test_a_ref_that_was_replaced_is_lost_before_the_next_change(
    file: Callable[..., Path], machine: Callable[..., Path], remote: Path
) -> None:
    """Not only at the end; what another one has is left to them, the rest is given up."""
    with held(file(), machine()) as lock:
        before_change("the site")
        put(remote, adas("run-3"), name_of(file()))
        for what in ("the site", "the caches"):
            with pytest.raises(
                LockLost, match=f"stopped before {what}, which was not sent: .* taken by run run-3 of Ada"
            ):
                before_change(what)
        assert len(lock.warnings) == 1
    assert refs(remote) == [name_of(file())]
    before_change("without a lock nothing is asked")


@pytest.mark.parametrize("kind", ["ref", "file"])
def test_what_was_removed_is_lost_for_good(
    file: Callable[..., Path], machine: Callable[..., Path], remote: Path, kind: str
) -> None:
    """Whoever took it may have undone everything and ended: what is free is not ours, also when it looks like ours again later."""
    with held(file(), machine(), undoes="run-1") as lock:
        path, ref = path_of(file(), machine()), f"refs/locks/{name_of(file())}"
        version = git(remote, "rev-parse", ref)
        if kind == "ref":
            git(remote, "update-ref", "-d", ref)
        else:
            path.rename(path.with_suffix(".away"))
        with pytest.raises(LockLost, match=r"not ours any more.*removed.*the rest is put back with --undo run-1"):
            before_change("the site")
        if kind == "ref":
            git(remote, "update-ref", ref, version)
        else:
            path.with_suffix(".away").rename(path)
        with pytest.raises(LockLost, match="stopped before the caches, which was not sent"):
            before_change("the caches")
        assert len(lock.warnings) == 1


@pytest.mark.parametrize("text", ["held by Ada", "[]", '{"who": "Ada"}', "[" * 5_000, adas().replace("20", "no ")])
def test_a_ref_that_nobody_can_read_stops_nobody(
    file: Callable[..., Path], machine: Callable[..., Path], remote: Path, text: str
) -> None:
    """It is said, and taken over; whoever wrote it finds out before their next change."""
    put(remote, text, name_of(file()))
    with held(file(), machine()) as lock:
        assert "the lock of production could not be read" in lock.warnings[0]
        before_change("the site")


@pytest.mark.parametrize("kind", ["held and silent", "a folder", "a pipe", "a link", "closed to us"])
def test_a_file_that_proves_nothing_stops_nobody(
    file: Callable[..., Path], machine: Callable[..., Path], tmp_path: Path, kind: str
) -> None:
    """Held by somebody who does not say who it is, or no file of ours at all: each is named, none refuses and none hangs."""
    path = path_of(file(shared=False), machine())
    descriptor = os.open(tmp_path / "other", os.O_RDWR | os.O_CREAT)
    if kind == "held and silent":
        (tmp_path / "other").rename(path)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    elif kind == "a folder":
        path.mkdir()
    elif kind == "a pipe":
        os.mkfifo(path)
    elif kind == "a link":
        path.symlink_to(tmp_path / "elsewhere")
    else:
        path.touch(mode=0)
    with session(file(shared=False), machine(), "run-1", other_user=True) as other:
        words = asked(other)
        assert words.startswith("held ['")
        assert str(path) in words
        assert "nobody here is kept from changing the site api.netlify.com" in words
        assert asked(other, "change the site").startswith("sent")
    assert not (tmp_path / "elsewhere").exists()
    os.close(descriptor)


def test_another_user_meets_the_same_lock(file: Callable[..., Path], machine: Callable[..., Path]) -> None:
    """Each keeps the other out, and each can use what the other made, also one that was killed."""
    one = file(shared=False)
    with session(one, machine(), "run-1", other_user=True) as other:
        assert asked(other) == "held []"
        assert stat.S_IMODE(path_of(one, machine()).stat().st_mode) == 0o666
        with pytest.raises(Refused, match="run run-1 of Ada"), held(one, machine()):
            pass
        other.kill()
        other.wait()
    with held(one, machine()) as lock, session(one, machine(), "run-1", other_user=True) as other:
        assert lock.warnings == []
        assert asked(other).startswith("refused another session is changing production: run run-2 of Grace")


def test_the_folder_is_the_same_for_everybody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By its mode, not by who may write in it; never the temporary folder of a session."""
    private, shared = tmp_path / "private", tmp_path / "shared"
    private.mkdir(mode=0o755)
    shared.mkdir()
    shared.chmod(0o1777)
    monkeypatch.setattr(module, "SHARED_FOLDERS", (tmp_path / "none", private, shared))
    monkeypatch.setenv("TMPDIR", str(private))

    assert shared_folder() == shared


@pytest.mark.parametrize("trouble", ["away", "refuses", "hangs"])
def test_a_host_that_takes_no_lock_stops_nobody(
    file: Callable[..., Path], machine: Callable[..., Path], remote: Path, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network may be the incident, or a token may not write: said once, and gone on without; nobody waits long."""
    monkeypatch.setattr(module, "ASKED_WITHIN_S", 0.5)
    one = file()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        if trouble == "away":
            remote.rename(remote.with_name("away.git"))
        elif trouble == "refuses":
            hook = remote / "hooks" / "pre-receive"
            hook.parent.mkdir(exist_ok=True)
            hook.write_text("#!/bin/sh\necho 'no refs but branches here' >&2\nexit 1\n", encoding="utf-8")
            hook.chmod(0o755)
        else:
            address = f"http://127.0.0.1:{silent.getsockname()[1]}/origin.git"
            one.write_text(one.read_text(encoding="utf-8").replace(str(remote), address), encoding="utf-8")
        began_s = time.monotonic()
        with held(one, machine()) as lock:
            before_change("the site")
            assert time.monotonic() - began_s < 5
            (warning,) = lock.warnings
            assert "nobody else is kept from changing production: git" in warning
            assert "no refs but branches here" in warning or trouble != "refuses"


def test_a_host_that_goes_away_is_said_once(
    file: Callable[..., Path], machine: Callable[..., Path], remote: Path
) -> None:
    """Held, and then neither asked nor released: changes go on. The next session of this machine knows that this one is gone."""
    with held(file(), machine()) as lock:
        remote.rename(remote.with_name("away.git"))
        before_change("the site")
        before_change("the caches")
        assert len(lock.warnings) == 1
        assert "whether the lock of production was still ours before the site is not known: git" in lock.warnings[0]
    assert 'takes it over with --take-over run-2="who: how you know"' in lock.warnings[-1]
    remote.with_name("away.git").rename(remote)
    with held(file(), machine(), "run-3") as lock:
        assert "that session has ended" in lock.warnings[0]


def test_what_is_written_is_read() -> None:
    """Also with letters of other languages, and where it says no more than who has it; a name has its limit."""
    since = datetime(2026, 11, 25, 12, tzinfo=UTC)
    holder = Holder("run-1", "Zoë", "ci-1", since, token="t", pid=7)

    assert read_holder(holder.text()) == holder
    assert '"who": "Zoë"' in holder.text()
    known = {"who": "", "host": "ci-1", "run": "run-1", "since": since.isoformat(), "renewed": "a later edition's"}
    assert read_holder(json.dumps(known)) == Holder("run-1", "", "ci-1", since)
    assert str(read_holder(json.dumps(known))).startswith("run run-1 on ci-1, since 2026-11-25 12:00:00 UTC (")
    assert str(Holder("r", "", "h", datetime.now(UTC) + timedelta(hours=1))).endswith("(0 s ago)"), "its clock is ahead"
