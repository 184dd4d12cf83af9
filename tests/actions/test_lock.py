"""Two machines, one writer: real processes race for a lock on a real bare repository, die, are late, and are overtaken."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pam_rollback.actions.lock import Shared, WriterLock, claim_of, sole_writer
from pam_rollback.adapters.git import open_repository
from pam_rollback.adapters.git_command import GitCommand
from pam_rollback.adapters.git_lock import GitLocks
from pam_rollback.core.errors import Refused
from pam_rollback.core.locks import Held
from pam_rollback.core.wait import Waiter
from tests.bare_repository import VARIABLES, git

REF = "refs/locks/production"
RACER = """
import sys, time
from pathlib import Path
from pam_rollback.actions.lock import Shared, claim_of, sole_writer
from pam_rollback.adapters.git import open_repository
from pam_rollback.adapters.git_command import GitCommand
from pam_rollback.adapters.git_lock import GitLocks
from pam_rollback.core.errors import Refused
remote, own_file, run = sys.argv[1:]
with open_repository(GitCommand(remote)) as repository:
    shared = Shared(GitLocks(repository), claim_of("production", who=run, run=run))
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        with sole_writer(Path(own_file), environment="production", who=run, shared=shared) as lock:
            print("held", lock.warnings, flush=True)
            sys.stdin.readline()
        print("released", lock.warnings, flush=True)
    except Refused as error:
        print("refused", error, flush=True)
"""


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    """An empty bare repository: a lock needs no history."""
    folder = tmp_path / "origin.git"
    git(tmp_path, "init", "--quiet", "--bare", "--template=", str(folder))
    return folder


@contextmanager
def held(
    remote: Path, own_file: Path, *, run: str = "run-2", resumes: str = "", renewed_every_s: float = 30.0
) -> Iterator[WriterLock]:
    """Hold the lock in this process. Each file stands for a machine."""
    with open_repository(GitCommand(str(remote), deadline_s=10)) as repository:
        claim = claim_of("production", who="Grace", run=run, resumes=resumes)
        shared = Shared(GitLocks(repository), claim, renewed_every_s=renewed_every_s)
        with sole_writer(own_file, environment="production", who=run, shared=shared) as lock:
            yield lock


@contextmanager
def racer(remote: Path, own_file: Path, run: str) -> Iterator[subprocess.Popen[str]]:
    """Another session, as a process, ready to take the lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", RACER, str(remote), str(own_file), run],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=own_file.parent,
    )
    try:
        assert said(process) == "ready"
        yield process
    finally:
        process.kill()
        process.communicate()


def said(process: subprocess.Popen[str]) -> str:
    """The next line that it prints."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def told(process: subprocess.Popen[str]) -> None:
    """Let it go on."""
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def on_remote(remote: Path) -> dict[str, object]:
    """What the lock says; empty when there is none."""
    shown = subprocess.run(
        ["git", "cat-file", "blob", REF], cwd=remote, env=VARIABLES, capture_output=True, text=True, check=False
    )
    found: dict[str, object] = json.loads(shown.stdout or "{}")
    return found


def put(remote: Path, tmp_path: Path, *, silent: timedelta, run: str = "run-1") -> None:
    """The lock of a session on another machine, whose last sign of life is so long ago."""
    then = datetime.now(UTC) - silent
    lock = Held("Ada", "ci-1", run, since=then, renewed=then, ttl_s=300, last_step="push", place="elsewhere")
    (tmp_path / "blob").write_text(lock.text(), encoding="utf-8")
    git(remote, "update-ref", REF, git(remote, "hash-object", "-w", str(tmp_path / "blob")))


def test_one_of_two_racing_processes_wins(remote: Path, tmp_path: Path) -> None:
    """Both start at the same moment, from two machines; the other one learns who has it, and the lock is gone afterwards."""
    with racer(remote, tmp_path / "one", "run-1") as first, racer(remote, tmp_path / "two", "run-2") as second:
        told(first)
        told(second)
        answers = {said(first).split()[0]: first, said(second).split()[0]: second}
        assert set(answers) == {"held", "refused"}
        assert on_remote(remote)["run"] == ("run-1" if answers["held"] is first else "run-2")
        told(answers["held"])
        assert said(answers["held"]) == "released []"

    assert on_remote(remote) == {}


def test_a_killed_holder_keeps_others_out_until_it_runs_out(remote: Path, tmp_path: Path) -> None:
    """It is gone with kill -9; another machine cannot know that before its time is over."""
    with racer(remote, tmp_path / "one", "run-1") as first:
        told(first)
        assert said(first) == "held []"
        os.kill(first.pid, signal.SIGKILL)
        first.wait()

    with (
        pytest.raises(Refused, match=r"run run-1 of run-1 on .*, last sign of life \d+ s ago"),
        held(remote, tmp_path / "two"),
    ):
        pass


def test_a_killed_holder_of_the_same_machine_gives_way_at_once(remote: Path, tmp_path: Path) -> None:
    """The kernel has released its file, so it is known to be dead."""
    with racer(remote, tmp_path / "one", "run-1") as first:
        told(first)
        assert said(first) == "held []"
        os.kill(first.pid, signal.SIGKILL)
        first.wait()

    with held(remote, tmp_path / "one") as lock:
        assert len(lock.warnings) == 1
        assert "that session has died" in lock.warnings[0]
        assert on_remote(remote)["run"] == "run-2"


def test_a_lock_that_ran_out_is_taken_over_loudly(remote: Path, tmp_path: Path) -> None:
    """With who had it, and what they did last."""
    put(remote, tmp_path, silent=timedelta(seconds=301))
    with held(remote, tmp_path / "two") as lock:
        assert len(lock.warnings) == 1
        assert "taken over from run run-1 of Ada on ci-1" in lock.warnings[0]
        assert "last step 'push'" in lock.warnings[0]

    assert on_remote(remote) == {}


def test_the_run_that_is_resumed_gives_way_sooner(remote: Path, tmp_path: Path) -> None:
    """Nobody waits five minutes to finish a rollback that a killed session left half done."""
    put(remote, tmp_path, silent=timedelta(seconds=95))
    with pytest.raises(Refused), held(remote, tmp_path / "two"):
        pass
    with held(remote, tmp_path / "two", resumes="run-1") as lock:
        assert "the run that is resumed" in lock.warnings[0]


def test_signs_of_life_are_given_with_the_step(remote: Path, tmp_path: Path) -> None:
    """At each step, and within long ones, without the steps waiting for it."""
    with held(remote, tmp_path / "one", renewed_every_s=0.2) as lock:
        first = on_remote(remote)
        started_s = time.monotonic()
        lock.note("restore the front end")
        assert time.monotonic() - started_s < 0.05
        Waiter().until(
            lambda: on_remote(remote),
            holds=lambda now: (
                now["last_step"] == "restore the front end" and str(now["renewed"]) > str(first["renewed"])
            ),
            within_s=20,
            what="the step in the lock",
        )
        step = on_remote(remote)["renewed"]
        Waiter().until(
            lambda: on_remote(remote)["renewed"], holds=lambda now: now != step, within_s=20, what="a sign of life"
        )
        assert on_remote(remote)["since"] == first["since"]
        assert lock.warnings == []


def test_a_lock_that_was_taken_over_is_not_released(remote: Path, tmp_path: Path) -> None:
    """It is another's now: said with who that is, and left to them."""
    with held(remote, tmp_path / "one", run="run-2") as lock:
        put(remote, tmp_path, silent=timedelta(0), run="run-3")

    assert on_remote(remote)["run"] == "run-3"
    assert len(lock.warnings) == 1
    assert "was not ours any more at the end: taken by run run-3 of Ada on ci-1" in lock.warnings[0]


def test_losing_it_on_the_way_is_said_at_the_next_step(remote: Path, tmp_path: Path) -> None:
    """Not only at the end: two people are acting right now."""
    with held(remote, tmp_path / "one") as lock:
        put(remote, tmp_path, silent=timedelta(0), run="run-3")
        lock.note("next step")
        Waiter().until(lambda: list(lock.warnings), holds=bool, within_s=20, what="a warning")
        assert "is not ours any more: taken by run run-3" in lock.warnings[0]

    assert on_remote(remote)["run"] == "run-3"


def test_a_lock_out_of_reach_stops_nobody(tmp_path: Path) -> None:
    """The network may be the incident: said, and gone on without."""
    with held(tmp_path / "nowhere.git", tmp_path / "one") as lock:
        assert len(lock.warnings) == 1
        assert "nobody else is kept from changing production: git read the lock" in lock.warnings[0]


def test_a_host_that_refuses_the_lock_stops_nobody(remote: Path, tmp_path: Path) -> None:
    """A token that may read and not write."""
    hook = remote / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'no refs but branches here' >&2\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    with held(remote, tmp_path / "one") as lock:
        assert "no refs but branches here" in lock.warnings[0]


def test_a_host_that_goes_away_is_said_once(remote: Path, tmp_path: Path) -> None:
    """Held, and then neither renewed nor released."""
    with held(remote, tmp_path / "one", renewed_every_s=0.1) as lock:
        remote.rename(tmp_path / "away.git")
        Waiter().until(lambda: list(lock.warnings), holds=bool, within_s=20, what="a warning")
        lock.note("next step")

    assert [warning.split(":")[0] for warning in lock.warnings] == [
        "the lock could not be renewed and may be taken by others",
        "the lock was not released, and runs out by itself 300 s after its last sign of life",
    ]


def test_without_git_only_this_machine_is_locked(tmp_path: Path) -> None:
    """Said where it matters; the sandbox, which has one machine, is quiet."""
    with sole_writer(
        tmp_path / "one", environment="staging", who="run-1", alone_because="staging has no repository"
    ) as lock:
        assert lock.warnings == [
            "staging has no repository: only sessions of this machine are kept from changing staging"
        ]
        with (
            pytest.raises(Refused, match="another session is changing staging right now"),
            sole_writer(tmp_path / "one", environment="staging", who="run-2"),
        ):
            pass
    with sole_writer(tmp_path / "one", environment="sandbox", who="run-3") as lock:
        assert lock.warnings == []
