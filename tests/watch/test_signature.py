"""Whose consent it is that a watch acts by: that of whoever signed the commit which brought it, and nobody else's."""

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pam_rollback.watch.client.signature import Signed, signed


@dataclass
class Repository:
    """A clone with an environment's file, and keys."""

    folder: Path

    def __post_init__(self) -> None:
        """Two keys, one of which somebody trusts."""
        self.clone.mkdir()
        for name in ("anna", "mallory"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.folder / name)], check=True)
        self.signers.write_text(f"anna@example.com {(self.folder / 'anna.pub').read_text()}", encoding="utf-8")
        self.git("init", "-q", "-b", "main")

    @property
    def clone(self) -> Path:
        """Its work tree."""
        return self.folder / "clone"

    @property
    def file(self) -> Path:
        """The environment's."""
        return self.clone / "staging.toml"

    @property
    def signers(self) -> Path:
        """Who is trusted."""
        return self.folder / "signers"

    def git(self, *arguments: str) -> None:
        """Call it."""
        who = (
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@example.com",
            "-c",
            "gpg.format=ssh",
            "-c",
            "commit.gpgSign=false",
        )
        subprocess.run(["git", *who, *arguments], cwd=self.clone, check=True, capture_output=True)

    def commit(self, text: str, *, key: str = "") -> None:
        """With a signature, or without."""
        self.file.write_text(text, encoding="utf-8")
        self.git("add", ".")
        sign = ("-c", f"user.signingkey={self.folder / key}") if key else ()
        self.git(*sign, "commit", "-q", "-m", "x", *(["-S"] if key else []))

    @property
    def found(self) -> Signed:
        """What git says."""
        return signed(self.file, self.signers)


CONSENT = '[standing_consent]\ncriteria = ["IR-2"]\nstrategy = "ST-5"\nuntil = 2026-12-24\n'


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A new one."""
    return Repository(tmp_path)


def test_whoever_may_sign_has_signed(repository: Repository) -> None:
    """What others change elsewhere in the file does not matter."""
    repository.commit('name = "a"\n')
    repository.commit(f'name = "a"\n{CONSENT}', key="anna")
    assert repository.found == Signed("anna@example.com")

    repository.commit(f'name = "b"\n{CONSENT}')
    assert repository.found == Signed("anna@example.com")


def unsigned(repository: Repository) -> None:
    """Somebody's."""
    repository.commit(CONSENT)


def by_a_stranger(repository: Repository) -> None:
    """A good signature that nobody trusts."""
    repository.commit(CONSENT, key="mallory")


def changed_later(repository: Repository) -> None:
    """A longer time than was signed."""
    repository.commit(CONSENT, key="anna")
    repository.commit(CONSENT.replace("2026", "2036"))


def brought_back(repository: Repository) -> None:
    """It was taken away, and somebody put it back."""
    repository.commit(CONSENT, key="anna")
    repository.commit("")
    repository.commit(CONSENT)


def dirty(repository: Repository) -> None:
    """Not committed."""
    repository.commit(CONSENT, key="anna")
    repository.file.write_text(f"{CONSENT}\n", encoding="utf-8")


def without(repository: Repository) -> None:
    """Nothing to sign."""
    repository.commit('name = "a"\n', key="anna")


def signers_inside(repository: Repository) -> None:
    """Whoever pushes would choose who is trusted."""
    shutil.copy(repository.signers, repository.clone / "signers")
    repository.commit(CONSENT, key="anna")
    repository.folder.joinpath("signers").unlink()
    repository.folder.joinpath("signers").symlink_to(repository.clone / "signers")


def signers_open(repository: Repository) -> None:
    """Others may write it."""
    repository.commit(CONSENT, key="anna")
    repository.signers.chmod(0o666)


def no_signers(repository: Repository) -> None:
    """No such file."""
    repository.commit(CONSENT, key="anna")
    repository.signers.unlink()


def shallow(repository: Repository) -> None:
    """Where a clone ends, whoever made the last commit would have brought everything."""
    repository.commit(CONSENT)
    repository.commit(f'name = "b"\n{CONSENT}', key="anna")
    repository.clone.rename(repository.folder / "whole")
    subprocess.run(
        ["git", "clone", "-q", "--depth=1", f"file://{repository.folder / 'whole'}", str(repository.clone)], check=True
    )


def merged_unsigned(repository: Repository) -> None:
    """A merge that nobody signed brought it to this branch."""
    repository.commit("")
    repository.git("checkout", "-q", "-b", "side")
    repository.commit(CONSENT, key="anna")
    repository.git("checkout", "-q", "main")
    repository.git("merge", "-q", "--no-ff", "-m", "x", "side")


def no_repository(repository: Repository) -> None:
    """A file that lies somewhere."""
    repository.file.write_text(CONSENT, encoding="utf-8")
    shutil.rmtree(repository.clone / ".git")


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (unsigned, "is not signed by anybody in"),
        (by_a_stranger, "is not signed by anybody in"),
        (changed_later, "is not signed by anybody in"),
        (brought_back, "is not signed by anybody in"),
        (merged_unsigned, "is not signed by anybody in"),
        (dirty, "is not as it was committed"),
        (without, "no commit of this branch brought"),
        (signers_inside, "keep it outside"),
        (signers_open, "others may write it"),
        (no_signers, "there is no such file"),
        (shallow, "no whole history"),
        (no_repository, "in no git repository"),
    ],
)
def test_what_is_not_signed_is_said(repository: Repository, how: Callable[[Repository], None], words: str) -> None:
    """And never a yes."""
    how(repository)

    assert repository.found.who == ""
    assert words in repository.found.problem
