"""The front end under the hands of a rollback: brought to its visitors, locked, built from a commit, and put back as it was.

Strategy 3 of the plan. The plan's commands restore nothing, build twice, publish to a new site or never push (docs/plan-audit.md, F1 to
F8). Done here: a deploy is restored by its own id, then locked against automatic publishing, and only what is served is believed. The
steps are in ``drills/``. Put back is what was published before, with the lock that it had, and the branch where it was.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pam_rollback.core.errors import ActionFailed, ProviderError, UndoFailed
from pam_rollback.core.wait import Backoff, Waiter
from pam_rollback.rollback.deploys import READY, Deploy, DeployId, SiteHost, stopped, under_way
from pam_rollback.rollback.git import GitRepository
from pam_rollback.rollback.journal import Journal, Undo
from pam_rollback.rollback.repository import Commit, PullRequest, PullRequests, told
from pam_rollback.rollback.settling import (
    ASKED,
    LOOKED,
    done_or_seen,
    until_deploy,
    until_no_other_is_served,
    until_served,
)
from pam_rollback.rollback.step_list import ActionRecord, ListedStep, Owed
from pam_rollback.rollback.undoing import put_back
from pam_rollback.target.served_release import Served

UNDO_KIND = "publish-deploy"
UNDO_BRANCH_KIND = "move-branch"
UNDO_REQUEST_KIND = "pull-request"
BuildSite = Callable[[Path], Path]
"""Builds the site from a worktree, once; gives the folder to publish. Raises ActionFailed."""


@dataclass(frozen=True)
class SiteRestored(ActionRecord):
    """The facts of a rollback that brought another release of the site to its visitors."""

    published: Deploy
    """What the host says is published in the end, with its lock."""
    served: Served
    """What visitors get, by content."""
    commit: Commit
    """What it was built from; of a revert, the new commit."""
    followed: Served | None = None
    """What the back end serves, where a push deployed it, too."""


def publish_again(before: ListedStep[Deploy]) -> Owed:
    """Return what is owed for another deploy being published, or locked: what was published before, with the lock that it had."""

    def facts() -> dict[str, Any]:
        deploy = before.result
        return {"deploy": deploy.id, "commit": deploy.commit, "locked": deploy.locked}

    return Owed(UNDO_KIND, facts)


@dataclass(frozen=True)
class Frontend:
    """The site: each change is read back, and only what visitors get counts. All of it raises ActionFailed.

    ``look`` says what visitors get right now, held against the deploy that they should get.
    """

    host: SiteHost
    look: Callable[[Deploy], Served]
    waiter: Waiter
    every_s: float | Backoff = ASKED
    looked_every_s: float | Backoff = LOOKED
    published_within_s: float = 300.0
    served_within_s: float = 60.0
    seen_within_s: float = 10.0
    """For so long a change is looked for whose answer was lost, before it is asked for again."""

    def deploy(self, deploy_id: DeployId) -> Deploy:
        """Return the deploy as its host has it."""
        return self.host.deploy(deploy_id)

    def published(self) -> Deploy:
        """Return what is published now."""
        return self.host.live()

    def published_already(self, target: Deploy) -> Deploy | None:
        """Return the target when it is published, else None."""
        now = self.published()
        return now if now.id == target.id else None

    def publish(self, target: DeployId) -> Deploy:
        """Publish the deploy; return it as it is published."""
        host, now, locked = self.host, self.published(), None
        if now.locked:
            try:
                host.unlock(now.id)
            except ActionFailed as error:
                locked = error  # whether a locked site refuses a restore is not documented: it is tried
        try:
            done_or_seen(lambda: host.restore(target), lambda: self._until(target, within_s=self.seen_within_s))
            return self._until(target)
        except ActionFailed as error:
            with suppress(ActionFailed):
                # Whatever was answered: a new deploy is published by itself where the site is not locked.
                return self._until(target, within_s=self.seen_within_s)
            if locked is None:
                raise
            raise ActionFailed(f"{error}; before that, {locked}") from error

    def locked_already(self, target: Deploy) -> Deploy | None:
        """Return the target when it is locked, None when it is not. Raises ActionFailed when another deploy is published."""
        now = self.published()
        if now.id != target.id:
            raise ActionFailed(f"not locked: {now} is published and not {target.id}; something else came in between")
        return now if now.locked else None

    def lock(self, deploy_id: DeployId, *, locked: bool = True) -> Deploy:
        """Lock the published deploy against automatic publishing, or unlock it; return it as it is seen then."""
        host = self.host

        def seen(within_s: float) -> Deploy:
            return self._until(deploy_id, locked=locked, within_s=within_s)

        done_or_seen(lambda: (host.lock if locked else host.unlock)(deploy_id), lambda: seen(self.seen_within_s))
        return seen(self.published_within_s)

    def stop_builds(self) -> str:
        """Cancel the builds that are under way; return which ones."""
        return stopped(self.host, under_way(self.host, self.host.deploys()))

    def wait_until_served(self, published: Deploy, target: Deploy) -> Served:
        """Wait until visitors get what is published in place of the target, by its commit and its page."""
        wanted = replace(published, commit=published.commit or target.commit)
        return until_served(
            lambda: self.look(wanted), self.waiter, within_s=self.served_within_s, every_s=self.looked_every_s
        )

    def upload(self, sources: "Sources", commit: Commit, *, title: str, owe: Callable[[], None]) -> Deploy:
        """Build the commit cleanly and once, and upload it; return it when it could be published. ``owe`` is called before the upload."""
        with sources.repository.worktree(commit) as worktree:
            folder = sources.build(worktree)
            owe()
            deploy = self.host.publish_files(folder, title=title, commit=commit)
        ready = until_deploy(
            lambda: self.host.deploy(deploy.id),
            holds=lambda seen: seen.state == READY,
            failed=lambda seen: seen.state not in self.host.rules.under_way,
            waiter=self.waiter,
            within_s=self.published_within_s,
            every_s=self.every_s,
            what=f"the deploy {deploy.id} of commit {commit[:12]} is ready",
        )
        return replace(ready, commit=ready.commit or commit)

    def _until(self, target: DeployId, *, locked: bool | None = None, within_s: float | None = None) -> Deploy:
        """Wait until the host says that it is published (and locked, or not)."""
        return until_deploy(
            self.host.live,
            holds=lambda seen: seen.id == target and locked in {None, seen.locked},
            failed=lambda _: False,
            waiter=self.waiter,
            within_s=self.published_within_s if within_s is None else within_s,
            every_s=self.every_s,
            what=f"the deploy {target} is published{'' if locked is None else ' and locked' if locked else ' and not locked'}",
        )


@dataclass(frozen=True)
class Reverted:
    """The commit that takes another one back. It is ``onto`` itself where that was taken back already."""

    commit: Commit
    onto: Commit
    taken_back: Commit
    built: Commit
    """What visitors are to get. What takes something back itself stays published: reverting it would undo that."""
    branch: str

    def __str__(self) -> str:
        if self.commit == self.onto:
            return f"{self.branch} is without {self.taken_back} already, at {self.onto}"
        return f"{self.commit} takes {self.taken_back} back, on top of {self.onto}"


@dataclass(frozen=True)
class TakesChanges:
    """How a branch takes a change."""

    branch: str
    protected: bool

    def __str__(self) -> str:
        later = "; visitors have the site before that" if self.protected else ""
        return told(self.branch, protected=self.protected) + later


@dataclass(frozen=True)
class ByPullRequest:
    """How a change is asked for where a branch takes pull requests only: on a branch of its own, and a person merges it.

    Users have the reverted site before this begins. What an earlier session left is looked for and used.
    """

    pulls: PullRequests
    repository: GitRepository
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
        owe(Owed(UNDO_REQUEST_KIND, lambda: facts, place=head))
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


@dataclass(frozen=True)
class Sources:
    """The history, and how the site is built from it, for the ways that need them. All of it raises ActionFailed."""

    repository: GitRepository
    build: BuildSite
    branch: str
    follows: Callable[[], bool] = lambda: False
    """Whether a push of the branch deploys the back end."""
    see_back_end: Callable[[Commit], Served] | None = None
    """Sees the back end follow a push."""
    by_pull_request: ByPullRequest | None = None
    """For a branch that takes no pushes; None where nobody says who takes pull requests."""

    def takes_changes(self) -> TakesChanges:
        """Tell beforehand that a person will have to merge, where the branch takes pull requests only."""
        if self.by_pull_request is None:
            raise ActionFailed(f"nobody says who takes pull requests for {self.branch}")
        return TakesChanges(self.branch, self.by_pull_request.pulls.protects(self.branch))

    def revert(self, bad: Commit, reason: str) -> Reverted:
        """Make the commit that takes ``bad`` back, on top of the branch."""
        taken_back = self.repository.taken_back_by(bad)
        onto = self.repository.head(self.branch)
        made = self.repository.revert(taken_back or bad, onto=onto, reason=reason)
        return Reverted(made, onto, taken_back or bad, bad if taken_back else made, self.branch)

    def push(self, made: Reverted, takes: TakesChanges | None, owe: Callable[[Owed], None], *, reason: str) -> "Pushed":
        """Move the branch to the revert, so that the next build from git has it, too. What somebody pushed meanwhile is not touched."""
        if made.commit == made.onto:
            return Pushed(made, f"{self.branch} is at {made.onto} already")
        if self.by_pull_request is not None and takes is not None and takes.protected:
            asked = self.by_pull_request.ask(made.commit, of=made.taken_back, reason=reason, owe=owe)
            said = f"{asked} is open: {self.branch} has the bad commit until a person merges it"
            return Pushed(made, said, asked)
        facts = {"branch": self.branch, "before": made.onto, "pushed": made.commit}
        owe(Owed(UNDO_BRANCH_KIND, lambda: facts, place=self.branch))
        self.repository.push(made.commit, self.branch, seen=made.onto)
        return Pushed(made, f"{self.branch} moved from {made.onto} to {made.commit}")

    def follow(self, pushed: "Pushed") -> "Followed":
        """See what the push did to the back end: both sites are built from one branch."""
        try:
            if self.see_back_end is None or not self.follows():
                return Followed(f"it does not follow {self.branch}")
        except ProviderError as error:
            return Followed(f"whether it follows {self.branch} is not known: {error}")
        if pushed.asked is not None:
            return Followed(f"it follows when {pushed.asked} is merged")
        served = self.see_back_end(pushed.made.commit)
        return Followed(str(served), served)


@dataclass(frozen=True)
class Pushed:
    """What became of a revert: it is on the branch, or asked for."""

    made: Reverted
    said: str
    asked: PullRequest | None = None

    def __str__(self) -> str:
        return self.said


@dataclass(frozen=True)
class Followed:
    """What the back end did after a push."""

    said: str
    served: Served | None = None

    def __str__(self) -> str:
        return self.said


def undo_publishing(undo: Undo, site: Frontend, journal: Journal) -> None:
    """Publish what was published before, with the lock that it had, and see that visitors get nothing else. Raises UndoFailed."""
    before, locked = str(undo.facts["deploy"]), bool(undo.facts["locked"])

    def stop_builds() -> None:
        if not locked:
            site.stop_builds()  # a build of the rollback's own push would be published over it

    def publish_before() -> None:
        now = site.published()
        if now.id == before and journal.left_open(undo.kind):
            now = _as_asked_for(before, site)
        if now.id != before:
            now = site.publish(before)
        if now.locked != locked:
            site.lock(before, locked=locked)

    put_back(
        "the front end is not as it was before the rollback",
        f"a person must publish the deploy {before} and {'lock' if locked else 'unlock'} it; where visitors get another, "
        "purge the site's cache",
        stop_builds,
        publish_before,
        lambda: _see_again(before, site),
    )


def undo_push(undo: Undo, repository: GitRepository) -> None:
    """Move the branch back, if nobody moved it since. Raises UndoFailed."""
    branch, before, pushed = (str(undo.facts[name]) for name in ("branch", "before", "pushed"))

    def move() -> None:
        if repository.head(branch) != before:
            repository.push(before, branch, seen=pushed)

    person = f"it was at {before}, the rollback moved it to {pushed}"
    put_back(f"the branch {branch} is not where it was before the rollback", person, move)


def undo_pull_request(head: str, branch: str, pulls: PullRequests) -> None:
    """Close what is open. What was merged is taken back by a person, as its branch wants it. Raises UndoFailed."""
    found: list[PullRequest | None] = []

    def close() -> None:
        found.append(there := pulls.find(head, onto=branch))
        if there is not None and there.is_open:
            pulls.close(there.number)

    put_back(f"the pull request of {head} is not closed", "a person must close it", close)
    if found[0] is not None and found[0].merged:
        raise UndoFailed(
            f"{found[0]} is merged, and {branch} takes changes by pull request only: a person must revert it, with the button of its page"
        )


def _see_again(before: DeployId, site: Frontend) -> None:
    """See that visitors get it again, where it is published; where it is not, that is told already. Raises ActionFailed."""
    now = site.published()
    if now.id == before:
        until_no_other_is_served(
            lambda: site.look(now), site.waiter, within_s=site.served_within_s, every_s=site.looked_every_s
        )


def _as_asked_for(before: DeployId, site: Frontend) -> Deploy:
    """What is published once a change has come that a killed session may have asked for: what is accepted is published later."""
    with suppress(ActionFailed):
        until_deploy(
            site.host.live,
            holds=lambda seen: seen.id != before,
            failed=lambda _: False,
            waiter=site.waiter,
            within_s=site.seen_within_s,
            every_s=site.every_s,
            what="what the killed session asked for is published",
        )
    return site.published()
