"""Whether the standing consent of an environment's file is committed, and by a key that somebody outside of the repository named.

Git judges the signature, with the allowed signers that were given on the command line and none of the machine's or the repository's own
settings. What counts is the commit by which the entry, as it is now, came to this branch.
"""

import stat
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pam_rollback.base.errors import ProviderError
from pam_rollback.rollback.client.git_command import GitCommand

TABLE = "standing_consent"
_DEADLINE_S = 10.0
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True)
class Signed:
    """By whom; or why nobody knows."""

    who: str = ""
    problem: str = ""


def signed(file: Path, signers: Path) -> Signed:
    """Ask git about the entry of that environment file. Raises nothing: what cannot be told is a problem."""
    try:
        return _Asked(file.resolve(), signers.resolve()).signed()
    except (ProviderError, OSError) as error:
        return Signed(problem=f"the signature of [{TABLE}] cannot be judged: {error}")


@dataclass(frozen=True)
class _Asked:
    file: Path
    signers: Path

    def signed(self) -> Signed:
        problem = next(self._doubts(), "")
        return Signed(problem=problem) if problem else self._by(self._origin())

    def _doubts(self) -> Iterator[str]:
        if not self.signers.is_file() or not self.signers.read_text(encoding="utf-8").strip():
            yield f"--signers {self.signers}: there is no such file, or nobody in it"
        if self.signers.stat().st_mode & _OTHERS_WRITE:
            yield f"--signers {self.signers}: others may write it; take that away (chmod go-w)"
        if not self._top:
            yield f"{self.file} is in no git repository, so nobody signed it"
        if self.signers.is_relative_to(self._top):
            yield f"--signers {self.signers}: it is in the repository that it vouches for; keep it outside"
        if self._git("rev-parse", "--is-shallow-repository") != "false":
            yield "this clone has no whole history (git fetch --unshallow): who wrote the entry is not known"
        if self._text(f"HEAD:{self._path}") != self.file.read_bytes().decode(errors="replace"):
            yield f"{self.file.name} is not as it was committed"

    @property
    def _top(self) -> str:
        return self._git("rev-parse", "--show-toplevel")

    @property
    def _path(self) -> str:
        return self.file.relative_to(self._top).as_posix()

    def _origin(self) -> str:
        """The commit by which the entry came to this branch as it is now; nothing where none did."""
        entry = _entry(self._text(f"HEAD:{self._path}"))
        for commit in self._git("log", "--first-parent", "--format=%H", "HEAD", "--", self._path).split():
            if _entry(self._text(f"{commit}^1:{self._path}")) != entry:
                return commit
        return ""

    def _by(self, commit: str) -> Signed:
        if not commit:
            return Signed(problem=f"no commit of this branch brought [{TABLE}]")
        settings = {
            "gpg.ssh.allowedSignersFile": str(self.signers),
            "gpg.minTrustLevel": "fully",
            "gpg.ssh.program": "ssh-keygen",
            "gpg.program": "false",  # keys of this machine's own rings vouch for nobody
            "gpg.openpgp.program": "false",
            "gpg.x509.program": "false",
        }
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        if not self._ran(*words, "verify-commit", commit):
            return Signed(
                problem=f"commit {commit[:12]}, which brought [{TABLE}], is not signed by anybody in {self.signers}"
            )
        return Signed(self._git(*words, "log", "-1", "--format=%GS", commit) or "an allowed signer")

    def _text(self, name: str) -> str:
        """A file of a commit; nothing where there is none."""
        ended = self._command.run("--no-replace-objects", "cat-file", "blob", name, folder=self.file.parent)
        return ended.out if ended.succeeded else ""

    def _git(self, *arguments: str) -> str:
        ended = self._command.run("--no-replace-objects", *arguments, folder=self.file.parent)
        return ended.out.strip() if ended.succeeded else ""

    def _ran(self, *arguments: str) -> bool:
        return self._command.run("--no-replace-objects", *arguments, folder=self.file.parent).succeeded

    @property
    def _command(self) -> GitCommand:
        return GitCommand(str(self.file.parent), deadline_s=_DEADLINE_S)


def _entry(text: str) -> object:
    """The entry of a file; None where it has none, or cannot be read."""
    try:
        return tomllib.loads(text).get(TABLE)
    except tomllib.TOMLDecodeError:
        return None
