"""Which locks a session takes follows from where its changes go."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pam_rollback.base.errors import Refused
from pam_rollback.environment.environment import Environment
from pam_rollback.environment.environment_file import load_environment
from pam_rollback.rollback import writer_lock
from pam_rollback.rollback.lock import WriterLock
from pam_rollback.rollback.locks import targets_of
from pam_rollback.rollback.writer_lock import ask_early, environment_lock
from tests.bare_repository import git

STAGING = """
name = "staging"
kind = "staging"
abilities = [{abilities}]
[urls]
frontend = "https://staging.example.com"
api = "https://api.staging.example.com/"
backend = "https://backend.staging.example.com"
[git]
remote = "{remote}"
"""


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    """The repository."""
    folder = tmp_path / "origin.git"
    git(tmp_path, "init", "--quiet", "--bare", "--template=", str(folder))
    return folder


def environment(
    tmp_path: Path,
    remote: Path,
    abilities: str = '"git"',
) -> Environment:
    """One that declares the repository."""
    path = tmp_path / "staging.toml"
    path.write_text(STAGING.format(remote=remote, abilities=abilities), encoding="utf-8")
    return load_environment(str(path), tmp_path, {})


def _made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder


@contextmanager
def locked(environment: Environment, machine: Path, *, pushes: bool = False) -> Iterator[WriterLock]:
    """The lock of a session on that machine."""
    machine.mkdir(exist_ok=True)
    with environment_lock(environment, run="run-1", who="Ada", pushes=pushes, folder=machine) as lock:
        yield lock


def refs(remote: Path) -> list[str]:
    """The locks that there are."""
    return git(remote, "for-each-ref", "--format=%(refname)").split()


def test_two_machines_see_each_other_in_the_repository(tmp_path: Path, remote: Path) -> None:
    """One lock for each target; afterwards nothing is left."""
    staging = environment(tmp_path, remote)
    with locked(staging, tmp_path / "one", pushes=True) as lock:
        assert lock.warnings == []
        names = [target.name for target in targets_of(staging, pushes=True)]
        assert refs(remote) == sorted(f"refs/locks/{name}" for name in names)

    assert refs(remote) == []


def test_another_temporary_folder_meets_the_same_lock(
    tmp_path: Path, remote: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine's folder is not a session's to choose."""
    staging = environment(tmp_path, remote, "")
    with environment_lock(staging, run="run-1", who="Ada", pushes=False):
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        with (
            pytest.raises(Refused, match="run run-1 of Ada"),
            environment_lock(staging, run="run-2", who="Grace", pushes=False),
        ):
            pass


def test_without_a_repository_it_is_the_lock_of_this_machine(tmp_path: Path, remote: Path) -> None:
    """The repository is not touched."""
    with locked(environment(tmp_path, remote, ""), tmp_path / "one") as lock:
        assert lock.warnings == []
        assert refs(remote) == []


def test_a_host_that_hangs_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes the connection and says nothing: the rollback begins while it still hangs, and says that nobody else is kept out.

    Asked early, as a session does, it has had its time when the lock is taken.
    """
    monkeypatch.setattr("pam_rollback.rollback.writer_lock.REACHED_WITHIN_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        staging = environment(tmp_path, tmp_path)
        assert staging.git is not None
        remote = f"http://127.0.0.1:{silent.getsockname()[1]}/origin.git"
        staging = staging.model_copy(update={"git": staging.git.model_copy(update={"remote": remote})})
        ask_early(staging)
        reach = writer_lock._ASKED[remote]
        with environment_lock(
            staging, run="run-1", who="Ada", pushes=False, folder=_made(tmp_path / "machine")
        ) as lock:
            begun_meanwhile = reach.problem(0)

        assert writer_lock._ASKED == {}, "it is asked anew the next time"
        assert begun_meanwhile, "the host has answered, or was given up, before the rollback began"
        assert any("did not answer within 0.5 s" in warning for warning in lock.warnings), lock.warnings
