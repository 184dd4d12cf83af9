"""Strategy 3 of the plan, front end: users get the last stable deploy of the site again. Objective: 5 to 10 minutes (RTO-3).

Three ways: an explicit earlier deploy is restored; a previous commit is built and published; the bad commit is reverted, built, published
and pushed. The plan's commands restore nothing, build twice, publish to a new site or never push (docs/plan-audit.md, F1 to F8). The
correct form, done here: restore by the deploy's own id, then lock it against automatic publishing, and believe only what is served.

Put back is what was published before, with the lock that it had, and the branch where it was.

In one module: the three ways are lists of the same steps, and the undo takes those back.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pam_rollback.base.errors import ActionFailed, UndoFailed
from pam_rollback.journal.journal import Undo
from pam_rollback.product.served_release import Served
from pam_rollback.rollback.by_pull_request import ByPullRequest
from pam_rollback.rollback.deploys import READY, Deploy, DeployId, FileDeploys
from pam_rollback.rollback.frontend_host import FrontendTools, publish, set_lock
from pam_rollback.rollback.repository import Commit, PullRequest, Repository, told
from pam_rollback.rollback.settling import until_deploy, until_no_other_is_served, until_served
from pam_rollback.rollback.step_list import ActionRecord, ListedStep, Owed
from pam_rollback.rollback.steps import Step, StepRecord
from pam_rollback.rollback.telling import TELL, notice_problem

UNDO_KIND = "publish-deploy"
UNDO_BRANCH_KIND = "move-branch"

LOOK = "see what is published"
BUILD = "build the site once from a fresh worktree, and upload it"
ASKS = "see how the branch takes a change"
REVERT = "take the bad commit back on top of the branch"
RESTORE = "publish the target"
LOCK = "lock it against automatic publishing"
CANCEL = "stop the builds that are under way"
SERVED = "see what visitors get"
PUSH = "push the revert"
BACK_END = "see the back end follow the push"
COMMIT_STEPS = (LOOK, BUILD, RESTORE, LOCK, CANCEL, SERVED, TELL)
REVERT_STEPS = (LOOK, REVERT, BUILD, RESTORE, LOCK, CANCEL, SERVED, PUSH, BACK_END, TELL)


def publish_again(before: ListedStep[Deploy]) -> Owed:
    """Return what is owed for another deploy being published, or locked: what was published before, with the lock that it had."""

    def facts() -> dict[str, Any]:
        deploy = before.result
        return {"deploy": deploy.id, "commit": deploy.commit, "locked": deploy.locked}

    return Owed(UNDO_KIND, facts)


@dataclass(frozen=True)
class SiteRestored(ActionRecord):
    """The facts of a rollback that brought another deploy of the site to its visitors."""

    published: Deploy
    """What the host says is published in the end, with its lock."""
    served: Served
    """What visitors get, by content."""


BuildSite = Callable[[Path], Path]
"""Builds the site from a worktree, once; gives the folder to publish. Raises ActionFailed."""


@dataclass(frozen=True)
class Sources:
    """The history and how the site is built from it, for the ways that need them."""

    repository: Repository
    build: BuildSite
    files: FileDeploys
    branch: str
    see_back_end: Callable[[Commit], Served] | None = None
    """Sees the back end follow a push; None where it does not."""
    by_pull_request: ByPullRequest | None = None
    """For a branch that takes no pushes; None where nobody says who takes pull requests."""


@dataclass(frozen=True)
class FrontendRollback:
    """The facts of one rollback of the front end. Times are monotonic seconds; ``decided_s`` is when acting was decided."""

    decided_s: float
    finished_s: float
    replaced: Deploy
    """What was there before, and is what an undo brings back."""
    published: Deploy
    """What the host says is published in the end, with its lock."""
    served: Served
    """What visitors get, by content."""
    followed: Served | None
    """What the back end serves, where a push deployed it, too."""
    changed: bool
    """False: it was published and locked already, and nothing was touched."""
    commit: Commit
    """What it was built from; of a revert, the new commit."""
    notice_problem: str | None
    steps: tuple[StepRecord, ...]


class FrontendAction:
    """One rollback under way: its steps, and what they find. Each step looks first and leaves alone what is right already."""

    def __init__(self, tools: FrontendTools, *, target: DeployId = "", commit: Commit = "") -> None:
        self._tools = tools
        self._host = tools.host
        self._target = target
        self._commit = commit
        self._before: Deploy | None = None
        self._published: Deploy | None = None
        self._served: Served | None = None
        self._followed: Served | None = None
        self._onto: Commit = ""
        self._pushed: Commit = ""
        self._changed = False
        self._protected = False
        self._asked: PullRequest | None = None

    def publishing(self, prefix: str = "", *, needs: tuple[str, ...] = ()) -> list[Step]:
        """The steps from a deploy that the host has to one that visitors get."""
        return [
            Step(prefix + RESTORE, self._restore, needs=(prefix + LOOK, *needs), changes=True, owes=UNDO_KIND),
            Step(prefix + LOCK, self._lock, needs=(prefix + RESTORE,)),
            Step(prefix + CANCEL, self._cancel_builds, essential=False, needs=(prefix + LOOK,), after=(prefix + LOCK,)),
            Step(prefix + SERVED, self._see, needs=(prefix + RESTORE,)),
        ]

    def looking(self, prefix: str = "") -> Step:
        """The first step of all ways."""
        return Step(prefix + LOOK, self._look)

    def building(self, sources: Sources, title: str, *, needs: tuple[str, ...] = ()) -> list[Step]:
        """The steps from a commit to a deploy that the host has."""
        return [
            Step(BUILD, lambda: self._build_and_upload(sources, title), needs=(LOOK, *needs)),
        ]

    def facts(self, steps: tuple[StepRecord, ...], decided_s: float) -> FrontendRollback:
        """What came of it. Raises ActionFailed when a step was left out."""
        if self._before is None or self._published is None or self._served is None:
            raise ActionFailed("the rollback of the front end was not seen to the end")
        return FrontendRollback(
            decided_s=decided_s,
            finished_s=self._tools.telling.clock.monotonic_s(),
            replaced=self._before,
            published=self._published,
            served=self._served,
            followed=self._followed,
            changed=self._changed,
            commit=self._commit or self._published.commit,
            notice_problem=notice_problem(steps),
            steps=steps,
        )

    def revert(self, sources: Sources, bad: Commit, reason: str) -> str:
        """Make the commit that takes ``bad`` back. What takes something back itself stays published: reverting it would undo that."""
        taken_back = sources.repository.taken_back_by(bad)
        self._onto = sources.repository.head(sources.branch)
        self._pushed = sources.repository.revert(taken_back or bad, onto=self._onto, reason=reason)
        self._commit = bad if taken_back else self._pushed
        if self._pushed == self._onto:
            return f"{sources.branch} is without {taken_back or bad} already, at {self._onto}"
        return f"{self._pushed} takes {taken_back or bad} back, on top of {self._onto}"

    def asks(self, sources: Sources) -> str:
        """Tell beforehand that a person will have to merge, where the branch takes pull requests only."""
        if sources.by_pull_request is None:
            raise ActionFailed(f"nobody says who takes pull requests for {sources.branch}")
        self._protected = sources.by_pull_request.pulls.protects(sources.branch)
        how = told(sources.branch, protected=self._protected)
        return how + ("; visitors have the site before that" if self._protected else "")

    def push(self, sources: Sources, bad: Commit, reason: str) -> str:
        """Move the branch to the revert, so that the next build from git has it, too. What somebody pushed meanwhile is not touched."""
        if self._pushed == self._onto:
            return f"{sources.branch} is at {self._onto} already"
        if sources.by_pull_request is not None and self._protected:
            self._changed = True
            taken_back = sources.repository.taken_back_by(bad)
            self._asked = sources.by_pull_request.ask(self._pushed, of=taken_back or bad, reason=reason)
            return f"{self._asked} is open: {sources.branch} has the bad commit until a person merges it"
        self._tools.telling.journal.owe(
            UNDO_BRANCH_KIND,
            {"branch": sources.branch, "before": self._onto, "pushed": self._pushed},
            place=sources.branch,
        )
        self._changed = True
        sources.repository.push(self._pushed, sources.branch, seen=self._onto)
        return f"{sources.branch} moved from {self._onto} to {self._pushed}"

    def follow(self, see: Callable[[Commit], Served]) -> str:
        """See what the push did to the other site."""
        if self._asked is not None:
            return f"it follows when {self._asked} is merged"
        self._followed = see(self._pushed)
        return str(self._followed)

    def _look(self) -> str:
        self._before = self._host.published()
        return f"published is {self._before}"

    def _owe(self) -> None:
        if self._before is None:
            raise ActionFailed("what was published before is not known: nothing is changed that could not be put back")
        before = {"deploy": self._before.id, "commit": self._before.commit, "locked": self._before.locked}
        self._tools.telling.journal.owe(UNDO_KIND, before)
        self._changed = True

    def _restore(self) -> str:
        now = self._host.published()
        if now.id == self._target:
            self._published = now
            return f"{now} was published already"
        self._owe()
        self._published = publish(self._host, self._target, now=now, tools=self._tools)
        return str(self._published)

    def _lock(self) -> str:
        now = self._host.published()
        if now.id != self._target:
            raise ActionFailed(f"not locked: {now} is published and not {self._target}; something else came in between")
        if not now.locked:
            self._owe()
            now = set_lock(self._host, now.id, self._tools, locked=True)
        self._published = now
        return str(now)

    def _cancel_builds(self) -> str:
        running = self._host.cancel_running()
        return f"stopped {', '.join(map(str, running))}" if running else "none was under way"

    def _see(self) -> str:
        tools, published = self._tools, self._published
        if published is None:
            raise ActionFailed("what is published is not known")
        wanted = replace(published, commit=published.commit or self._commit)
        self._served = until_served(
            lambda: tools.look(wanted), tools.waiter, within_s=tools.served_within_s, every_s=tools.looked_every_s
        )
        return str(self._served)

    def _build_and_upload(self, sources: Sources, title: str) -> str:
        if self._before is not None and self._before.commit == self._commit:
            self._target = self._before.id
            return f"{self._before} is published already"
        with sources.repository.worktree(self._commit) as worktree:
            folder = sources.build(worktree)
            self._owe()
            deploy = sources.files.publish_files(folder, title=title, commit=self._commit)
        self._target = deploy.id
        ready = until_deploy(
            lambda: self._host.deploy(deploy.id),
            holds=lambda seen: seen.state == READY,
            failed=lambda seen: seen.state not in self._host.rules.under_way,
            waiter=self._tools.waiter,
            within_s=self._tools.published_within_s,
            every_s=self._tools.every_s,
            what=f"the deploy {deploy.id} of commit {self._commit[:12]} is ready",
        )
        return f"built once, uploaded as {ready}"


def deploy_commit(tools: FrontendTools, sources: Sources, commit: Commit, *, decided_s: float) -> FrontendRollback:
    """Build ``commit`` cleanly and once, publish it on this site and lock it. Raises ActionFailed when that was not done."""
    action = FrontendAction(tools, commit=commit)
    title = f"rollback to {commit[:12]}"
    steps = [action.looking(), *action.building(sources, title), *action.publishing(needs=(BUILD,))]
    return action.facts(tools.telling.run(steps), decided_s)


def revert_commit(
    tools: FrontendTools, sources: Sources, bad: Commit, *, reason: str, decided_s: float
) -> FrontendRollback:
    """Take ``bad`` back on top of the branch, publish that and lock it, then push it. Raises ActionFailed when that was not done.

    Pushed last: a push starts a build of its own, which finds the site locked. It also deploys the back end where that follows the branch.
    """
    action = FrontendAction(tools)
    by_request = sources.by_pull_request is not None
    steps = [
        action.looking(),
        *([Step(ASKS, lambda: action.asks(sources), essential=False)] if by_request else []),
        Step(REVERT, lambda: action.revert(sources, bad, reason)),
        *action.building(sources, f"revert of {bad[:12]}", needs=(REVERT,)),
        *action.publishing(needs=(BUILD,)),
        Step(
            PUSH,
            lambda: action.push(sources, bad, reason),
            needs=(REVERT,),
            after=(LOCK, ASKS) if by_request else (LOCK,),
            changes=True,
        ),
    ]
    if sources.see_back_end is not None:
        see = sources.see_back_end
        steps.append(Step(BACK_END, lambda: action.follow(see), essential=False, needs=(PUSH,)))
    return action.facts(tools.telling.run(steps), decided_s)


def undo_publishing(undo: Undo, tools: FrontendTools) -> None:
    """Publish what was published before, with the lock that it had, and see that visitors get nothing else. Raises UndoFailed."""
    before, locked = str(undo.facts["deploy"]), bool(undo.facts["locked"])
    problems: list[str] = []

    def stop_builds() -> None:
        if not locked:
            tools.host.cancel_running()  # a build of the rollback's own push would be published over it

    def publish_again() -> None:
        now = tools.host.published()
        if now.id == before and tools.telling.journal.left_open(undo.kind):
            now = _as_asked_for(before, tools)
        if now.id != before:
            now = publish(tools.host, before, now=now, tools=tools)
        if now.locked != locked:
            set_lock(tools.host, before, tools, locked=locked)

    for part in (stop_builds, publish_again, lambda: _see_again(before, tools)):
        try:
            part()
        except ActionFailed as error:
            problems.append(str(error))  # one that fails must not keep the other from being put back
    if problems:
        wanted = f"publish the deploy {before} and {'lock' if locked else 'unlock'} it; where visitors get another, purge the site's cache"
        raise UndoFailed(
            f"the front end is not as it was before the rollback: {'; '.join(problems)}; a person must {wanted}"
        )


def undo_push(undo: Undo, repository: Repository) -> None:
    """Move the branch back, if nobody moved it since. Raises UndoFailed."""
    branch, before, pushed = (str(undo.facts[name]) for name in ("branch", "before", "pushed"))
    try:
        if repository.head(branch) != before:
            repository.push(before, branch, seen=pushed)
    except ActionFailed as error:
        raise UndoFailed(
            f"the branch {branch} is not where it was before the rollback: {error}; it was at {before}, the rollback moved it to {pushed}"
        ) from error


def _see_again(before: DeployId, tools: FrontendTools) -> None:
    """See that visitors get it again, where it is published; where it is not, that is told already. Raises ActionFailed."""
    now = tools.host.published()
    if now.id == before:
        until_no_other_is_served(
            lambda: tools.look(now), tools.waiter, within_s=tools.served_within_s, every_s=tools.looked_every_s
        )


def _as_asked_for(before: DeployId, tools: FrontendTools) -> Deploy:
    """What is published once a change has come that a killed session may have asked for: what is accepted is published later."""
    with suppress(ActionFailed):
        until_deploy(
            tools.host.published,
            holds=lambda seen: seen.id != before,
            failed=lambda _: False,
            waiter=tools.waiter,
            within_s=tools.seen_within_s,
            every_s=tools.every_s,
            what="what the killed session asked for is published",
        )
    return tools.host.published()
