"""The product's repository as the strategies speak of it: two sites are built from its main branch.

A protected branch takes a change by pull request only: one is opened, and a person merges it.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

Commit = str
"""A full hash, 40 hexadecimal digits."""


class Repository(Protocol):
    """Who reads and writes the history. Each call raises ActionFailed with git's own words when it cannot be done."""

    def head(self, branch: str) -> Commit:
        """The newest commit of the remote's branch, asked for now."""

    def where(self, branch: str) -> Commit | None:
        """The same; None when there is no such branch."""

    def holds(self, branch: str, commit: Commit) -> bool:
        """Whether the commit is in the history of the remote's branch."""

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

    def rehearse_push(self) -> None:
        """Raise ActionFailed when the remote would take none from us, as far as it lets one know without writing.

        The rules of a branch (protected, reviews) speak only at a real push.
        """


@dataclass(frozen=True)
class PullRequest:
    """One, as the host tells of it."""

    number: int
    url: str
    is_open: bool
    merged: bool = False

    def __str__(self) -> str:
        return f"pull request #{self.number} ({self.url})"


def told(branch: str, *, protected: bool) -> str:
    """Say how the branch takes a change."""
    if not protected:
        return f"{branch} takes pushes"
    return f"{branch} is protected: a pull request is opened, and a person has to merge it"


class PullRequests(Protocol):
    """Who takes changes to a protected branch. Each call raises ActionFailed (a ProviderError) when the host does not do or say it."""

    def protects(self, branch: str) -> bool:
        """Whether the branch takes pull requests only."""

    def find(self, head: str, *, onto: str) -> PullRequest | None:
        """The newest pull request from one branch onto another one, open or not; None when there is none."""

    def open(self, head: str, *, onto: str, title: str, text: str) -> PullRequest:
        """Ask for the change."""

    def close(self, number: int) -> None:
        """Close it without merging it."""
