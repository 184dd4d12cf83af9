"""Locks as refs of the product's repository: ``refs/locks/<environment>``, a blob that says who holds it.

Git moves a ref only if it still is where it was seen (``--force-with-lease``), and decides a race for us. Nothing deploys such a ref, and a
clone does not fetch it. Read it with ``git ls-remote`` and ``git fetch ORIGIN refs/locks/ENVIRONMENT``.
"""

import re
from dataclasses import dataclass

from pam_rollback.adapters.git import GitRepository
from pam_rollback.adapters.git_command import GitCommand
from pam_rollback.core.errors import ActionFailed, ProviderError
from pam_rollback.core.locks import Version

_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_LOST = "(stale info)"
_LARGEST = 10_000


@dataclass(frozen=True)
class GitLocks:
    """The locks of one repository. Give the command a short deadline: a rollback does not wait for its lock."""

    repository: GitRepository

    def read(self, environment: str) -> tuple[Version, str] | None:
        """The lock's version and text; None when there is none."""
        version = self._version(environment)
        if version is None:
            return None
        command, mirror = self.repository.command, self.repository.mirror
        if not command.run("cat-file", "-e", version, folder=mirror).succeeded:
            command.done(
                "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--", command.remote, _ref(environment),
                folder=mirror, operation="read the lock",
            )  # fmt: skip
        ended = command.run("cat-file", "blob", version, folder=mirror)
        # Somebody else wrote it meanwhile, or put something else there: the text says nothing, the version still counts.
        return version, ended.out[:_LARGEST] if ended.succeeded else ""

    def write(self, environment: str, text: str, *, seen: Version | None) -> Version | None:
        """Write it, only if it still is what was seen (None: only if there is none); None when somebody else was faster."""
        command, mirror = self.repository.command, self.repository.mirror
        version = command.done("hash-object", "-w", "--stdin", folder=mirror, operation="write the lock", given=text)
        return version if self._move(environment, version, seen or "", "write the lock", becomes=version) else None

    def remove(self, environment: str, *, seen: Version) -> bool:
        """Take it away, only if it still is what was seen; gives whether it was."""
        return self._move(environment, "", seen, "release the lock", becomes=None)

    def _move(self, environment: str, what: str, seen: Version, operation: str, *, becomes: Version | None) -> bool:
        ref, command = _ref(environment), self.repository.command
        ended = command.run(
            "push", "--porcelain", "--no-verify", f"--force-with-lease={ref}:{seen}", "--", command.remote, f"{what}:{ref}",
            folder=self.repository.mirror,
        )  # fmt: skip
        if ended.succeeded:
            return True
        if _LOST in ended.out:
            return False
        # A race that the host decided has many words, and an answer may be lost after the lock was moved: what is there now decides.
        try:
            now = self._version(environment)
        except ProviderError:
            raise command.trouble(operation, ended) from None
        if now == becomes:
            return True
        if now != (seen or None):
            return False
        raise command.trouble(operation, ended)

    def _version(self, environment: str) -> Version | None:
        command: GitCommand = self.repository.command
        listed = command.done(
            "ls-remote",
            "--",
            command.remote,
            _ref(environment),
            folder=self.repository.mirror,
            operation="read the lock",
        )
        return listed.split()[0] if listed else None


def _ref(environment: str) -> str:
    if not _NAME.fullmatch(environment):
        raise ActionFailed(f"git: expected the name of an environment, found {environment!r}")
    return f"refs/locks/{environment}"
