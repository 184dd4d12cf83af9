"""A revert on a branch that takes pull requests only: a branch of its own, and the request, which a person merges.

Users have the reverted site before this begins. What an earlier session left is looked for and used.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pam_rollback.base.errors import ActionFailed, ProviderError, UndoFailed
from pam_rollback.rollback.repository import Commit, PullRequest, PullRequests, Repository
from pam_rollback.rollback.step_list import Owed

UNDO_KIND = "pull-request"


@dataclass(frozen=True)
class ByPullRequest:
    """How a change is asked for where a branch is protected."""

    pulls: PullRequests
    repository: Repository
    branch: str

    def ask(self, revert: Commit, *, of: Commit, reason: str, owe: Callable[[Owed], None]) -> PullRequest:
        """Have a pull request open for ``revert``, which takes ``of`` back. Raises ActionFailed with what keeps it from that."""
        head = f"rollback/{of[:12]}"
        while (there := self.repository.where(head)) and self.repository.holds(self.branch, there):
            head += "-again"  # that one is merged
        if there is not None and self.repository.taken_back_by(there) != of:
            raise ActionFailed(
                f"the branch {head} is at {there[:12]}, which does not take {of[:12]} back: look whose it is"
            )
        found = self.pulls.find(head, onto=self.branch)
        if found is not None and found.is_open:
            return found
        facts = {"head": head, "branch": self.branch}
        owe(Owed(UNDO_KIND, lambda: facts, place=head))
        if there is None:
            self.repository.push(revert, head, seen=None)
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
