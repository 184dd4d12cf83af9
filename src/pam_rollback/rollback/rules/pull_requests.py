"""A change that main takes by pull request only: what it asks for, how far one is, and what to do next."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from pam_rollback.rollback.rules.repository import Commit

_SHOWN = 4


@dataclass(frozen=True)
class BranchRules:
    """What a branch asks of a change."""

    protected: bool
    approvals: int = 0
    checks: tuple[str, ...] = ()
    """Those that have to be good."""
    took_s: float | None = None
    """How long the checks of its newest commit took; None: it has none that ended."""

    def told(self, branch: str) -> str:
        """In words, with the time that it costs."""
        if not self.protected:
            return f"{branch} takes pushes"
        needs = [f"{self.approvals} approvals, for which a person is needed"] if self.approvals > 1 else []
        needs += ["an approval, for which a person is needed"] if self.approvals == 1 else []
        needs += [f"good checks ({', '.join(self.checks)})"] if self.checks else []
        takes = (
            f"the checks of its newest commit took {_duration(self.took_s)}"
            if self.took_s is not None
            else "how long checks take there is not known"
        )
        asks = f", with {' and '.join(needs)}" if needs else ""
        return f"{branch} is protected: it takes a change by pull request only{asks}; {takes}"


@dataclass(frozen=True)
class PullRequest:
    """One, as the host tells of it. ``mergeable`` is None while the host finds out."""

    number: int
    url: str
    head: Commit
    is_open: bool
    merged: bool = False
    mergeable: bool | None = None
    state: str = ""
    """The host's word: ``clean``, ``blocked``, ``behind``, ``dirty``, ``unstable``, ``unknown``, …"""
    commit: Commit = ""
    """What the merge made."""

    def __str__(self) -> str:
        return f"pull request #{self.number} ({self.url})"


class CheckState(StrEnum):
    """How one check is."""

    RUNNING = "running"
    GOOD = "good"
    BAD = "bad"


@dataclass(frozen=True)
class Check:
    """One check of a commit."""

    name: str
    state: CheckState
    word: str = ""
    """The host's own."""


class Next(StrEnum):
    """What to do now."""

    DONE = "merged"
    MERGE = "merge it"
    WAIT = "wait"
    GIVE_UP = "give up"


@dataclass(frozen=True)
class Standing:
    """How far a pull request is."""

    next: Next
    words: str

    def __str__(self) -> str:
        return self.words


def standing(pull: PullRequest, checks: Sequence[Check], rules: BranchRules) -> Standing:
    """What to do next. Only a required check that is bad is a reason to give up; where none is named, each one counts."""
    if pull.merged:
        return Standing(Next.DONE, f"{pull} is merged")
    counted = [one for one in checks if not rules.checks or one.name in rules.checks]
    if why := _hopeless(pull, counted):
        return Standing(Next.GIVE_UP, why)
    if what := _awaited(pull, counted, rules):
        return Standing(Next.WAIT, what)
    return Standing(Next.MERGE, "its checks are good")


def _hopeless(pull: PullRequest, checks: Sequence[Check]) -> str:
    """Why no wait helps; empty when one may."""
    if not pull.is_open:
        return f"somebody closed {pull} without merging it"
    if pull.mergeable is False or pull.state == "dirty":
        return f"{pull} conflicts with what was merged meanwhile: somebody who knows the code has to resolve it"
    if bad := [one for one in checks if one.state is CheckState.BAD]:
        return f"checks of {pull} are red: {_named(bad)}"
    if pull.state == "behind":
        return f"{pull} is behind its branch, which takes only what was checked with its newest commit: update it there"
    return ""


def _awaited(pull: PullRequest, checks: Sequence[Check], rules: BranchRules) -> str:
    """What is waited for; empty when nothing is."""
    names = [one.name for one in checks if one.state is CheckState.RUNNING]
    names += [name for name in rules.checks if name not in {one.name for one in checks}]
    if names:
        return f"checks are not over: {', '.join(names[:_SHOWN])}"
    if pull.mergeable is None:
        return "whether it can be merged is being found out"
    if pull.state == "blocked" and rules.approvals:
        return f"it waits for {rules.approvals} approval{'s' if rules.approvals > 1 else ''}"
    return ""


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _named(checks: Sequence[Check]) -> str:
    more = f" and {len(checks) - _SHOWN} more" if len(checks) > _SHOWN else ""
    return ", ".join(f"{one.name} ({one.word})" for one in checks[:_SHOWN]) + more


class Branches(Protocol):
    """What has to be known of the history, and the one thing that is pushed. Each call raises ActionFailed."""

    def head(self, branch: str) -> Commit:
        """The newest commit of the remote's branch, asked for now."""

    def where(self, branch: str) -> Commit | None:
        """The same; None when there is no such branch."""

    def holds(self, branch: str, commit: Commit) -> bool:
        """Whether the commit is in the history of the remote's branch."""

    def taken_back_by(self, commit: Commit) -> Commit | None:
        """The commit that this one takes back; None when it is no revert."""

    def push(self, commit: Commit, branch: str, *, seen: Commit | None) -> None:
        """Move the remote's branch there, only if it still is where it was seen (None: only if there is no such branch)."""


class PullRequests(Protocol):
    """Who takes changes to a protected branch. Each call raises ActionFailed (a ProviderError) when the host does not do or say it."""

    def rules(self, branch: str) -> BranchRules:
        """What the branch asks for."""

    def find(self, head: str, *, onto: str) -> PullRequest | None:
        """The newest pull request from one branch onto another one, open or not; None when there is none."""

    def open(self, head: str, *, onto: str, title: str, text: str) -> PullRequest:
        """Ask for the change."""

    def look(self, number: int) -> PullRequest:
        """How it is now."""

    def checks(self, commit: Commit) -> Sequence[Check]:
        """The checks of a commit."""

    def merge(self, pull: PullRequest) -> Commit:
        """Merge exactly what was checked; gives the commit that the branch is at then."""

    def close(self, number: int) -> None:
        """Close it without merging it."""
