"""A revert on a branch that takes pull requests only: a branch of its own, the request, the wait for its checks, and the merge.

Users have the reverted site before this begins; what waits here is main. Each part looks for what an earlier session left and goes on from
there. When it cannot be merged the request stays open, with its address in the message: nothing of main was touched.
"""

from dataclasses import dataclass, field

from pam_rollback.base.errors import ActionFailed, ProviderError, UndoFailed
from pam_rollback.base.wait import Backoff, NotReached, Waiter
from pam_rollback.journal.journal import Journal
from pam_rollback.rollback.rules.pull_requests import (
    Branches,
    BranchRules,
    Next,
    PullRequest,
    PullRequests,
    Standing,
    standing,
)
from pam_rollback.rollback.rules.repository import Commit

UNDO_KIND = "pull-request"
_TRIES = 10
"""Rollbacks of one commit, each of which left its branch."""
_EVERY = Backoff(least_s=1.0, most_s=15.0)
"""Three questions each time: 720 an hour, of the 5,000 that GitHub allows."""


@dataclass(frozen=True)
class ByPullRequest:
    """How a change gets onto a protected branch."""

    pulls: PullRequests
    branches: Branches
    branch: str
    journal: Journal
    waiter: Waiter = field(default_factory=Waiter)
    within_s: float = 1800.0
    every_s: float | Backoff = _EVERY

    def rules(self) -> BranchRules:
        """What the branch asks for. Raises ActionFailed when the host does not say."""
        return self.pulls.rules(self.branch)

    def bring_in(self, revert: Commit, *, of: Commit, reason: str) -> tuple[Commit, str]:
        """Have ``revert``, which takes ``of`` back, merged; gives where the branch is then, and a sentence.

        Raises ActionFailed with what keeps it from being merged.
        """
        rules = self.rules()
        for head in (f"rollback/{of[:12]}", *(f"rollback/{of[:12]}-{number}" for number in range(2, _TRIES))):
            there = self.branches.where(head)
            pull = self.pulls.find(head, onto=self.branch)
            if there is None or (pull is not None and pull.is_open):
                break
            if not self.branches.holds(self.branch, there):
                self._refuse_other(head, there, of)
                break
        else:
            raise ActionFailed(
                f"{of[:12]} was taken back {_TRIES - 1} times, by branches that are still there: delete those"
            )
        if pull is None or not pull.is_open:
            pull = self._opened(revert, there, of=of, head=head, reason=reason)
        return self._merged(pull, rules)

    def _opened(self, revert: Commit, there: Commit | None, *, of: Commit, head: str, reason: str) -> PullRequest:
        self.journal.owe(UNDO_KIND, {"head": head, "branch": self.branch}, place=head)
        if there is None:
            self.branches.push(revert, head, seen=None)
        text = f"Takes {of} back, which users had when it was decided to roll back.\n\nWhy: {reason or 'not said'}\n"
        try:
            return self.pulls.open(head, onto=self.branch, title=f"Roll back {of[:12]}", text=text)
        except ProviderError as error:
            # An answer that was lost may have been a good one.
            found = self.pulls.find(head, onto=self.branch)
            if found is None or not found.is_open:
                raise ActionFailed(
                    f"{head} is pushed, and no pull request could be opened, so {self.branch} is as it was: {error}"
                ) from error
            return found

    def _refuse_other(self, head: str, there: Commit, of: Commit) -> None:
        """An earlier session may have left its revert there; anything else is somebody's work."""
        if self.branches.taken_back_by(there) != of:
            raise ActionFailed(
                f"the branch {head} is at {there[:12]}, which does not take {of[:12]} back: look whose it is"
            )

    def _merged(self, pull: PullRequest, rules: BranchRules) -> tuple[Commit, str]:
        try:
            seen, how = self.waiter.until(
                lambda: self._look(pull.number, rules),
                holds=lambda found: found[1].next is not Next.WAIT,
                within_s=self.within_s,
                what=f"{pull} can be merged",
                every_s=self.every_s,
            )
        except NotReached as error:
            last = self._look(pull.number, rules)[1]
            raise ActionFailed(
                f"{pull} could not be merged within {self.within_s:g} s: {last}; it stays open, and {self.branch} is as it was: "
                "merge it when that is over, or go on with --resume"
            ) from error
        if how.next is Next.GIVE_UP:
            raise ActionFailed(f"{how}; {self.branch} is as it was")
        if how.next is Next.DONE:
            return seen.commit or self.branches.head(self.branch), f"{pull} was merged already"
        return self._merge(seen)

    def _merge(self, pull: PullRequest) -> tuple[Commit, str]:
        try:
            commit = self.pulls.merge(pull)
        except ProviderError as error:
            now = self.pulls.look(pull.number)
            if not now.merged:
                raise ActionFailed(f"{pull} was not merged, and {self.branch} is as it was: {error}") from error
            commit = now.commit
        return commit, f"{pull} is merged: {self.branch} is at {commit}"

    def _look(self, number: int, rules: BranchRules) -> tuple[PullRequest, Standing]:
        pull = self.pulls.look(number)
        return pull, standing(pull, self.pulls.checks(pull.head), rules)


def undo_pull_request(head: str, branch: str, pulls: PullRequests) -> None:
    """Close what is open. What was merged is taken back by a person, as its branch wants it. Raises UndoFailed."""
    try:
        found = pulls.find(head, onto=branch)
        if found is not None and found.is_open:
            pulls.close(found.number)
    except ActionFailed as error:
        raise UndoFailed(f"the pull request of {head} is not closed: {error}; a person must close it") from error
    if found is not None and found.merged:
        raise UndoFailed(
            f"{found} is merged, and {branch} takes changes by pull request only: a person must revert it, with the button of its page"
        )
