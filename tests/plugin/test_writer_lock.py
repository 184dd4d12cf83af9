"""Which locks an environment has follows from what it declares."""

from contextlib import nullcontext
from pathlib import Path

import pytest

from pam_rollback.core.environment import Environment
from pam_rollback.core.environment_file import load_environment
from pam_rollback.core.errors import Refused
from pam_rollback.core.wait import Waiter
from pam_rollback.plugin.writer_lock import environment_lock, noting
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


def environment(tmp_path: Path, remote: Path, abilities: str = '"git"') -> Environment:
    """One that declares the repository."""
    path = tmp_path / "staging.toml"
    path.write_text(STAGING.format(remote=remote, abilities=abilities), encoding="utf-8")
    return load_environment(str(path), tmp_path, {})


def test_two_machines_see_each_other_in_the_repository(tmp_path: Path, remote: Path) -> None:
    """The second one learns who it is; afterwards nothing is left."""
    staging = environment(tmp_path, remote)
    with environment_lock(staging, tmp_path / "one", run="run-1", who="Ada") as lock:
        assert lock.warnings == []
        assert git(remote, "for-each-ref", "--format=%(refname)") == "refs/locks/staging"
        with (
            pytest.raises(Refused, match="another session is changing staging: run run-1 of Ada"),
            environment_lock(staging, tmp_path / "two", run="run-2", who="Grace"),
        ):
            pass

    assert git(remote, "for-each-ref") == ""


def test_without_a_repository_it_is_the_lock_of_this_machine(tmp_path: Path, remote: Path) -> None:
    """The repository is not touched."""
    with environment_lock(environment(tmp_path, remote, ""), tmp_path / "one", run="run-1", who="Ada") as lock:
        assert lock.warnings == []
        assert git(remote, "for-each-ref") == ""


def test_a_machine_without_git_goes_on(tmp_path: Path, remote: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rollback by the providers needs none."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with environment_lock(environment(tmp_path, remote), tmp_path / "one", run="run-1", who="Ada") as lock:
        assert "there is no git on this machine" in lock.warnings[0]


def test_each_step_is_seen_from_elsewhere(tmp_path: Path, remote: Path) -> None:
    """Whoever tells the report of a step tells the lock as well."""
    told: list[str] = []
    with environment_lock(environment(tmp_path, remote), tmp_path / "one", run="run-1", who="Ada") as lock:
        narrate = noting(lock, lambda step: nullcontext(told.append(step)))  # type: ignore[func-returns-value]
        with narrate("restore the front end"):
            Waiter().until(
                lambda: git(remote, "cat-file", "blob", "refs/locks/staging"),
                holds=lambda text: "restore the front end" in text,
                within_s=20,
                what="the step in the lock",
            )

    assert told == ["restore the front end"]
