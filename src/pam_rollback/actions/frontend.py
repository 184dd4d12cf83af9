"""Strategy 3 of the plan, front end: users get the last stable deploy of the site again. Objective: 5 to 10 minutes (RTO-3).

Three ways: an explicit earlier deploy is restored; a previous commit is built and published; the bad commit is reverted, built, published
and pushed. The plan's commands restore nothing, build twice, publish to a new site or never push (docs/plan-audit.md, F1 to F8). The
correct form, done here: restore by the deploy's own id, then lock it against automatic publishing, and believe only what is served.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pam_rollback.actions.journal import Journal, Undo
from pam_rollback.actions.steps import Narrator, Step, StepRecord, run_steps, silent
from pam_rollback.core.clock import Clock
from pam_rollback.core.deploys import Deploy, DeployId, FileDeploys, FrontendHost, PublishingLock
from pam_rollback.core.errors import ActionFailed, UndoFailed
from pam_rollback.core.repository import Commit, Repository
from pam_rollback.core.served_release import Served, Wanted
from pam_rollback.core.wait import NotReached, Waiter

UNDO_KIND = "publish-deploy"

LOOK = "see what is published"
BUILD = "build the commit in a fresh worktree"
REVERT = "take the bad commit back on top of main"
UPLOAD = "upload the build as a new deploy"
UNLOCK = "let another deploy be published"
RESTORE = "publish the target"
LOCK = "lock it against automatic publishing"
CANCEL = "stop the builds that are under way"
PUSH = "push the revert to main"
SERVED = "see what users get"

_PUBLISHED_WITHIN_S = 120.0
_SERVED_WITHIN_S = 60.0
_EVERY_S = 0.5
_IN_A_ROW = 3
"""Answers of a content network may alternate for a moment."""
_UNDER_WAY = frozenset(
    {"new", "pending_review", "accepted", "enqueued", "building", "uploading", "uploaded", "preparing", "prepared", "processing", "retrying"}
)
"""Netlify's words for a deploy that may still be published by itself (its OpenAPI document, the filter ``state``)."""


class NetlifySite(FrontendHost, PublishingLock, FileDeploys, Protocol):
    """All that the ways of this strategy need of the host."""


BuildSite = Callable[[Path, Commit], Path]
"""Builds the site in the folder of a worktree, for that commit, once; gives the folder to publish. Raises ActionFailed."""
LookAtSite = Callable[[Wanted], Served]
"""What users get of the front end right now, held against what is wanted."""


@dataclass(frozen=True)
class FrontendTools:
    """What the action works with."""

    host: NetlifySite
    look: LookAtSite
    journal: Journal
    waiter: Waiter
    clock: Clock
    narrate: Narrator = silent
    every_s: float = _EVERY_S
    published_within_s: float = _PUBLISHED_WITHIN_S


@dataclass(frozen=True)
class FrontendRollback:
    """The facts of one rollback of the front end. Times are monotonic seconds; ``decided_s`` is when acting was decided."""

    decided_s: float
    finished_s: float
    before: Deploy
    published: Deploy
    """What the host says is published in the end, with its lock."""
    served: Served
    """What users get, by content."""
    changed: bool
    """False: it was published and locked already, and nothing was touched."""
    steps: tuple[StepRecord, ...]


@dataclass
class _Found:
    before: Deploy | None = None
    published: Deploy | None = None
    served: Served | None = None
    target: DeployId = ""
    folder: Path | None = None
    commit: Commit = ""
    changed: bool = False


class _Action:
    """The steps that the three ways share."""

    def __init__(self, tools: FrontendTools, wanted: Wanted, target: DeployId = "") -> None:
        self.tools = tools
        self.wanted = wanted
        self.found = _Found(target=target)

    def look(self) -> str:
        self.found.before = self.tools.host.published()
        return f"published is {self.found.before}"

    def owe(self) -> None:
        before = self._before()
        self.tools.journal.owe(UNDO_KIND, {"deploy": before.id, "locked": before.locked})

    def restore(self) -> str:
        """Publish the target; one that is published already is left alone."""
        target, now = self.found.target, self.tools.host.published()
        if now.id == target:
            self.found.published = now
            return f"{target} was published already"
        self.owe()
        self.found.changed = True
        if now.locked:
            self.tools.host.unlock(now.id)
        self.tools.host.restore(target)
        self.found.published = until_published(self.tools, target)
        return str(self.found.published)

    def lock(self) -> str:
        """Lock what is published, if it is the target."""
        now = self.tools.host.published()
        if now.id != self.found.target:
            raise ActionFailed(f"not locked: {now} is published, not {self.found.target}: something else was published meanwhile")
        if now.locked:
            self.found.published = now
            return "was locked already"
        self.owe()
        self.found.changed = True
        self.tools.host.lock(now.id)
        self.found.published = until_published(self.tools, now.id, locked=True)
        return str(self.found.published)

    def cancel_builds(self) -> str:
        """Stop what could still be published; the lock keeps the rest out."""
        running = [deploy for deploy in self.tools.host.deploys() if deploy.state in _UNDER_WAY]
        for deploy in running:
            self.tools.host.cancel(deploy.id)
        return f"stopped {', '.join(str(deploy) for deploy in running)}" if running else "none was under way"

    def see(self) -> str:
        """Judge by what is served."""
        self.found.served = until_served(self.tools.look, self.wanted, self.tools.waiter, self.tools.every_s)
        return str(self.found.served)

    def upload(self, title: str) -> str:
        """Bring the build to the host as a deploy of its own."""
        if self.found.folder is None:
            raise ActionFailed("there is no build to upload")
        self.found.changed = True
        self.owe()
        deploy = self.tools.host.publish_files(self.found.folder, title=title, commit=self.found.commit)
        self.found.target = deploy.id
        return str(deploy)

    def _before(self) -> Deploy:
        if self.found.before is None:
            raise ActionFailed("what was published before is not known: nothing is changed that could not be put back")
        return self.found.before


def restore_deploy(tools: FrontendTools, target: Deploy, wanted: Wanted, *, decided_s: float) -> FrontendRollback:
    """Publish ``target`` again and lock it. Raises ActionFailed when that was not done, or when users get something else."""
    action = _Action(tools, wanted, target.id)
    steps = [
        Step(LOOK, action.look),
        Step(RESTORE, action.restore, needs=(LOOK,)),
        Step(LOCK, action.lock, needs=(RESTORE,)),
        Step(CANCEL, action.cancel_builds, essential=False),
        Step(SERVED, action.see, needs=(RESTORE,)),
    ]
    return _done(action, run_steps(steps, tools.journal, tools.clock, tools.narrate), decided_s)
