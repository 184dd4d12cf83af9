"""How a deploy of the front end is brought to visitors and locked: the same for a rollback and for its undo."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from pam_rollback.base.errors import ActionFailed
from pam_rollback.base.wait import Backoff, Waiter
from pam_rollback.product.served_release import Served
from pam_rollback.rollback.deploys import Deploy, DeployId, Site
from pam_rollback.rollback.settling import ASKED, LOOKED, done_or_seen, until_deploy
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
