"""How a protected branch takes a change: a pull request is opened, and a person merges it."""

from dataclasses import dataclass
from typing import Protocol

Commit = str
"""A full hash, 40 hexadecimal digits."""


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
