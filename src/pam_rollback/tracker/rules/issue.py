"""An issue of a tracker, and what a tracker has to be able to do. GitHub is one; whoever has another one writes a client like it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

Reason = Literal["completed", "duplicate"]


@dataclass(frozen=True)
class Issue:
    """One issue. ``ours``: written by somebody who works on the repository, or by a program; a stranger's mark counts for nothing."""

    url: str
    number: int
    title: str
    body: str
    is_open: bool
    ours: bool


@dataclass(frozen=True)
class Comment:
    """What somebody said on an issue."""

    text: str
    ours: bool


class Tracker(Protocol):
    """A tracker. Each call asks anew, and raises ActionFailed with one line that says what to do."""

    def issues(self, *, only_open: bool) -> Iterator[Issue]:
        """The newest first."""

    def look(self, url: str) -> Issue:
        """How it is now."""

    def open(self, title: str, body: str) -> Issue:
        """Make one."""

    def edit(self, issue: Issue, body: str) -> None:
        """Say it anew. Doing so twice is the same as once."""

    def close(self, issue: Issue, reason: Reason) -> None:
        """Close it. Doing so twice is the same as once."""

    def comments(self, issue: Issue) -> Iterator[Comment]:
        """The oldest first."""

    def comment(self, issue: Issue, text: str) -> None:
        """Say something."""
