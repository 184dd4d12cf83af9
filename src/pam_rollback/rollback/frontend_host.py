"""How a deploy of the front end is brought to visitors and locked: the same for a rollback and for its undo."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from pam_rollback.base.errors import ActionFailed
from pam_rollback.base.wait import Backoff, Waiter
from pam_rollback.product.served_release import Served
from pam_rollback.rollback.deploys import Deploy, DeployId, Site
from pam_rollback.rollback.settling import ASKED, LOOKED, done_or_seen, until_deploy, until_served
from pam_rollback.rollback.telling import Telling


@dataclass(frozen=True)
class FrontendTools:
    """What the action works with. ``look`` says what visitors get right now, held against the deploy that they should get."""

    host: Site
    look: Callable[[Deploy], Served]
    waiter: Waiter
    telling: Telling
    every_s: float | Backoff = ASKED
    looked_every_s: float | Backoff = LOOKED
    published_within_s: float = 300.0
    served_within_s: float = 60.0
    seen_within_s: float = 10.0
    """For so long a change is looked for whose answer was lost, before it is asked for again."""


def publish(host: Site, target: DeployId, *, now: Deploy, tools: FrontendTools) -> Deploy:
    """Bring another deploy to the visitors; gives it as it is published. Raises ActionFailed."""
    locked: ActionFailed | None = None
    if now.locked:
        try:
            host.unlock(now.id)
        except ActionFailed as error:
            locked = error  # whether a locked site refuses a restore is not documented: it is tried
    try:
        done_or_seen(
            lambda: host.restore(target), lambda: until_published(host, target, tools, within_s=tools.seen_within_s)
        )
        return until_published(host, target, tools)
    except ActionFailed as error:
        with suppress(ActionFailed):
            # Whatever was answered: a new deploy is published by itself where the site is not locked.
            return until_published(host, target, tools, within_s=tools.seen_within_s)
        if locked is None:
            raise
        raise ActionFailed(f"{error}; before that, {locked}") from error


def set_lock(host: Site, deploy_id: DeployId, tools: FrontendTools, *, locked: bool) -> Deploy:
    """Lock the published deploy against automatic publishing, or unlock it; gives it as it is seen then. Raises ActionFailed."""

    def seen(within_s: float) -> Deploy:
        return until_published(host, deploy_id, tools, locked=locked, within_s=within_s)

    done_or_seen(lambda: (host.lock if locked else host.unlock)(deploy_id), lambda: seen(tools.seen_within_s))
    return seen(tools.published_within_s)


def until_published(
    host: Site, target: DeployId, tools: FrontendTools, *, locked: bool | None = None, within_s: float | None = None
) -> Deploy:
    """Wait until the host says that it is published (and locked, or not). Raises ActionFailed when it takes too long."""
    return until_deploy(
        host.published,
        holds=lambda seen: seen.id == target and locked in {None, seen.locked},
        failed=lambda _: False,
        waiter=tools.waiter,
        within_s=tools.published_within_s if within_s is None else within_s,
        every_s=tools.every_s,
        what=f"the deploy {target} is published{'' if locked is None else ' and locked' if locked else ' and not locked'}",
    )


class Frontend:
    """The site as a rollback works on it: each change is read back, and only what visitors get counts. All of it raises ActionFailed."""

    def __init__(self, tools: FrontendTools) -> None:
        self._tools = tools
        self._host = tools.host

    def deploy(self, deploy_id: DeployId) -> Deploy:
        """Return the deploy as its host has it."""
        return self._host.deploy(deploy_id)

    def published(self) -> Deploy:
        """Return what is published now."""
        return self._host.published()

    def published_already(self, target: Deploy) -> Deploy | None:
        """Return the target when it is published, else None."""
        now = self.published()
        return now if now.id == target.id else None

    def publish(self, target: Deploy) -> Deploy:
        """Publish the deploy; return it as it is published."""
        return publish(self._host, target.id, now=self.published(), tools=self._tools)

    def locked_already(self, target: Deploy) -> Deploy | None:
        """Return the target when it is locked, None when it is not. Raises ActionFailed when another deploy is published."""
        now = self.published()
        if now.id != target.id:
            raise ActionFailed(f"not locked: {now} is published and not {target.id}; something else came in between")
        return now if now.locked else None

    def lock(self, target: Deploy) -> Deploy:
        """Lock the published deploy against automatic publishing; return it as it is then."""
        return set_lock(self._host, target.id, self._tools, locked=True)

    def stop_builds(self) -> str:
        """Cancel the builds that are under way; return which ones."""
        running = self._host.cancel_running()
        return f"stopped {', '.join(map(str, running))}" if running else "none was under way"

    def wait_until_served(self, target: Deploy, published: Deploy) -> Served:
        """Wait until visitors get what is published in place of the target, by its commit and its page."""
        tools, wanted = self._tools, replace(published, commit=published.commit or target.commit)
        return until_served(
            lambda: tools.look(wanted), tools.waiter, within_s=tools.served_within_s, every_s=tools.looked_every_s
        )
