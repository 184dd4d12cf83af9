"""The token opens the host, and is found nowhere else: not in arguments, files, errors, or at another host."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pam_rollback.core.errors import ProviderError
from pam_rollback.rollback.git import open_repository
from pam_rollback.rollback.git_command import GitCommand
from tests.bare_repository import Origin, make_origin
from tests.rollback.client.git_over_http import Host, served

TOKEN = "ghp_invented/for:these@tests"


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    """The product's repository."""
    return make_origin(tmp_path)


@pytest.fixture
def host(origin: Origin) -> Iterator[Host]:
    """It, behind a token."""
    with served(origin.folder, TOKEN) as running:
        yield running


def holding(folder: Path, text: str) -> list[Path]:
    """The files that hold the text."""
    return [path for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


def test_the_token_opens_the_host_and_stays_out_of_files(host: Host, origin: Origin, tmp_path: Path) -> None:
    """Read, revert, push and rehearse; the kept mirror has neither token nor address with one."""
    cache = tmp_path / "cache"
    with open_repository(GitCommand(host.address, TOKEN), cache=cache) as repository:
        repository.rehearse_push()
        made = repository.revert(origin.merge, onto=repository.head("main"), reason=f"the token is {TOKEN}")
        repository.push(made, "main", seen=origin.merge)

    assert origin.head() == made
    assert TOKEN not in origin.content("version.txt", made)
    assert (
        TOKEN
        not in subprocess.run(
            ["git", "log", "--format=%B"], cwd=origin.folder, capture_output=True, text=True, check=True
        ).stdout
    )
    assert set(host.credentials) == {"", f"x-access-token:{TOKEN}"}
    assert holding(cache, TOKEN) == []


def test_no_argument_shows_the_token(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A git that writes down how it was called, and calls the real one."""
    real = subprocess.run(["which", "git"], capture_output=True, text=True, check=True).stdout.strip()
    spy = tmp_path / "bin" / "git"
    spy.parent.mkdir()
    spy.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path / "calls"}\nexec {real} "$@"\n', encoding="utf-8")
    spy.chmod(0o755)
    monkeypatch.setenv("PATH", f"{spy.parent}:/usr/bin:/bin")
    with open_repository(GitCommand(host.address, TOKEN)) as repository:
        repository.head("main")

    calls = (tmp_path / "calls").read_text(encoding="utf-8")
    assert "ls-remote" in calls
    assert TOKEN not in calls


def test_a_wrong_token_is_told_without_it(host: Host) -> None:
    """The error says what to renew, and shows neither the token nor its encoded form."""
    with (
        open_repository(GitCommand(host.address, "wrong@token/1")) as repository,
        pytest.raises(ProviderError, match=r"Authentication failed.*git_token_env is not accepted: renew it") as told,
    ):
        repository.head("main")

    assert "wrong@token/1" not in str(told.value)
    assert "wrong%40token" not in str(told.value)
    assert "wrong@token/1" not in repr(GitCommand(host.address, "wrong@token/1"))


def test_another_host_gets_no_token(host: Host, origin: Origin) -> None:
    """The host sends us on to another one, which asks who we are."""
    with served(origin.folder, TOKEN) as other:
        host.redirect = other.address.rpartition("/")[0]
        with (
            open_repository(GitCommand(host.address, TOKEN)) as repository,
            pytest.raises(ProviderError, match="could not read Username"),
        ):
            repository.head("main")

        assert set(other.credentials) == {""}


def test_nobody_there_is_told_as_nothing_sent(host: Host) -> None:
    """Only then may a push be repeated without looking."""
    nowhere = f"{host.address.rpartition(':')[0]}:1/origin.git"
    with open_repository(GitCommand(nowhere, TOKEN)) as repository, pytest.raises(ProviderError) as told:
        repository.head("main")

    assert not told.value.sent
    assert "is the host up, and are we online?" in str(told.value)
