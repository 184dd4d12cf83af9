"""Locks as refs of the product's repository: ``refs/locks/<target>``, a blob that says who holds it; one push moves all or none.

Git moves a ref only if it still is where it was seen (``--force-with-lease``), and decides a race for us. Nothing deploys such a ref, and a
clone does not fetch it. Read it with ``git ls-remote ORIGIN 'refs/locks/*'`` and ``git fetch ORIGIN refs/locks/NAME``.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pam_rollback.base.errors import ActionFailed, ProviderError
from pam_rollback.rollback.git import GitRepository
from pam_rollback.rollback.locks import Version

_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_LOST = "(stale info)"
_LARGEST = 10_000


@dataclass(frozen=True)
class GitLocks:
    """The locks of one repository. Give the command a short deadline: a rollback does not wait for its lock."""

    repository: GitRepository

    def read(self, names: Sequence[str]) -> Mapping[str, tuple[Version, str]]:
        """Version and text of each lock that there is."""
        versions = self._versions(names)
        texts = {version: self._text(name, version) for name, version in versions.items()}
        return {name: (version, texts[version]) for name, version in versions.items()}

    def write(self, names: Sequence[str], text: str, *, seen: Mapping[str, Version]) -> Version | None:
        """Write all of them, only if each still is what was seen; None, and nothing written, when somebody else was faster."""
        command, mirror = self.repository.command, self.repository.mirror
        version = command.done("hash-object", "-w", "--stdin", folder=mirror, operation="write the lock", given=text)
        expected = {name: seen.get(name, "") for name in names}
        return version if self._move(expected, version, "write the lock") else None

    def remove(self, seen: Mapping[str, Version]) -> bool:
        """Take all of them away, only if each still is what was seen; gives whether they were."""
        return self._move(seen, "", "release the lock")

    def _text(self, name: str, version: Version) -> str:
        command, mirror = self.repository.command, self.repository.mirror
        if not command.run("cat-file", "-e", version, folder=mirror).succeeded:
            command.done(
                "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--", command.remote, _ref(name),
                folder=mirror, operation="read the lock",
            )  # fmt: skip
        ended = command.run("cat-file", "blob", version, folder=mirror)
        # Somebody else wrote it meanwhile, or put something else there: the text says nothing, the version still counts.
        return ended.out[:_LARGEST] if ended.succeeded else ""

    def _move(self, seen: Mapping[str, Version], version: Version, operation: str) -> bool:
        command = self.repository.command
        leases = [f"--force-with-lease={_ref(name)}:{before}" for name, before in seen.items()]
        ended = command.run(
            "push", "--porcelain", "--no-verify", "--atomic", *leases, "--", command.remote,
            *(f"{version}:{_ref(name)}" for name in seen),
            folder=self.repository.mirror,
        )  # fmt: skip
        if ended.succeeded:
            return True
        if _LOST in ended.out:
            return False
        # A race that the host decided has many words, and an answer may be lost after the lock was moved: what is there now decides.
        try:
            now = self._versions(tuple(seen))
        except ProviderError:
            raise command.trouble(operation, ended) from None
        if all(now.get(name, "") == version for name in seen):
            return True
        if any(now.get(name, "") != before for name, before in seen.items()):
            return False
        raise command.trouble(operation, ended)

    def _versions(self, names: Sequence[str]) -> dict[str, Version]:
        command, refs = self.repository.command, {_ref(name): name for name in names}
        listed = command.done(
            "ls-remote", "--", command.remote, *refs, folder=self.repository.mirror, operation="read the lock"
        )
        # ls-remote matches the end of a name too.
        lines = [line.partition("\t") for line in listed.splitlines()]
        return {refs[ref]: version for version, _, ref in lines if ref in refs}


def _ref(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ActionFailed(f"git: expected the name of a lock, found {name!r}")
    return f"refs/locks/{name}"
