"""The product's repository as the strategies speak of it: two sites are built from its main branch."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

Commit = str
"""A full hash, 40 hexadecimal digits."""


class Repository(Protocol):
    """Who reads and writes the history. Each call raises ActionFailed with git's own words when it cannot be done."""

    def head(self, branch: str) -> Commit:
        """The newest commit of the remote's branch, asked for now."""

    def worktree(self, commit: Commit) -> AbstractContextManager[Path]:
        """A fresh folder with the commit's files and nothing else; gone afterwards."""

    def revert(self, commit: Commit, *, onto: Commit, reason: str) -> Commit:
        """Make the commit on top of ``onto`` that takes ``commit`` (also a merge) back.

        Gives ``onto`` itself when it is taken back there already. A conflict raises, and leaves nothing behind.
        """

    def taken_back_by(self, commit: Commit) -> Commit | None:
        """The commit that this one takes back; None when it is no revert. Reverting a revert brings the bad release back."""

    def push(self, commit: Commit, branch: str, *, seen: Commit | None) -> None:
        """Move the remote's branch there, only if it still is where it was seen (None: only if there is no such branch)."""


class PushRehearsal(Protocol):
    """Who can say beforehand whether a push would be taken."""

    def rehearse_push(self) -> None:
        """Raise ActionFailed when the remote would take none from us, as far as it lets one know without writing.

        The rules of a branch (protected, reviews) speak only at a real push.
        """
