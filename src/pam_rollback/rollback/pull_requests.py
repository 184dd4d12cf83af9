"""A change that a branch takes by pull request only: one is opened, and a person merges it."""

from dataclasses import dataclass
from typing import Protocol

from pam_rollback.rollback.repository import Commit


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


class Branches(Protocol):
    """What has to be known of the history, and the one thing that is pushed. Each call raises ActionFailed."""

    def where(self, branch: str) -> Commit | None:
        """The newest commit of the remote's branch, asked for now; None when there is no such branch."""

    def holds(self, branch: str, commit: Commit) -> bool:
        """Whether the commit is in the history of the remote's branch."""

    def taken_back_by(self, commit: Commit) -> Commit | None:
        """The commit that this one takes back; None when it is no revert."""

    def push(self, commit: Commit, branch: str, *, seen: Commit | None) -> None:
        """Move the remote's branch there, only if it still is where it was seen (None: only if there is no such branch)."""


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
