"""How a deploy of the back end is asked for, found, waited for and stopped: the same for a rollback and for its undo."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pam_rollback.base.errors import ActionFailed
from pam_rollback.base.wait import Backoff, NotReached, Waiter
from pam_rollback.product.served_release import Served
from pam_rollback.rollback.deploys import LIVE, Backend, BackendHost, Deploy
from pam_rollback.rollback.repository import Commit
from pam_rollback.rollback.settling import ASKED, LOOKED, done_or_seen, until_deploy
from pam_rollback.rollback.telling import Telling

LISTED_WITHIN_S = 30.0
"""For so long a deploy that was only queued is looked for in the list."""
QUEUED = "deploy-queued"
"""The journal's event of a deploy that has no id yet: it may come later than anybody waits for it."""


@dataclass(frozen=True)
class BackendTools:
    """What the action works with. ``look`` says which release answers right now, held against a commit."""

    host: Backend
    look: Callable[[Commit], Served]
    waiter: Waiter
    telling: Telling
    workers: tuple[Backend, ...] = ()
    """The other services that a deploy of the back end covers, each as a host of its own."""
    every_s: float | Backoff = ASKED
    looked_every_s: float | Backoff = LOOKED
    live_within_s: float = 600.0
    served_within_s: float = 60.0
    seen_within_s: float = 10.0
    """For so long a change is looked for whose answer was lost, before it is asked for again."""


def live_of(host: BackendHost) -> Deploy:
    """The deploy that runs now. Raises ActionFailed when none is live."""
    return live_in(host.deploys())


def live_in(deploys: Sequence[Deploy]) -> Deploy:
    """The live one of these, the newest first. Raises ActionFailed when none is."""
    live = next((deploy for deploy in deploys if deploy.state == LIVE), None)
    if live is None:
        raise ActionFailed(f"no deploy is live; the newest are {', '.join(map(str, deploys[:3])) or 'none'}")
    return live


def until_live(started: Deploy, tools: BackendTools) -> Deploy:
    """Wait for a deploy that was asked for. Raises ActionFailed when it fails, is superseded, or takes too long."""
    return until_deploy(
        lambda: tools.host.deploy(started.id),
        holds=lambda seen: seen.state == LIVE,
        # One that was live and is not any more was superseded by something else.
        failed=lambda seen: seen.state not in tools.host.rules.under_way,
        waiter=tools.waiter,
        within_s=tools.live_within_s,
        every_s=tools.every_s,
        what=f"the deploy {started.id} is live",
    )


def begin(tools: BackendTools, commit: Commit, listed: Sequence[Deploy], ask: Callable[[], Deploy | None]) -> Deploy:
    """Ask for a deploy; one that was only queued, or whose answer was lost, is found by what is not among those listed before."""
    known = {deploy.id for deploy in listed}

    def new(within_s: float) -> Deploy:
        found = tools.waiter.until(
            lambda: [deploy for deploy in tools.host.deploys() if deploy.id not in known and deploy.commit == commit],
            holds=bool,
            within_s=within_s,
            what=f"a new deploy of {commit[:12]} is listed",
            every_s=tools.every_s,
        )
        return found[0]

    asked = done_or_seen(lambda: (ask(),), lambda: (new(tools.seen_within_s),))[0]
    if asked is not None:
        return asked
    tools.telling.journal.append(QUEUED, commit=commit)
    try:
        return new(LISTED_WITHIN_S)
    except NotReached as error:
        raise ActionFailed(f"the deploy was queued and never listed: {error}") from error


def cancelled(host: Backend, deploys: Sequence[Deploy]) -> list[ActionFailed]:
    """Stop each of them; gives what went wrong, after all were tried."""
    problems = []
    for deploy in deploys:
        try:
            host.cancel(deploy.id)
        except ActionFailed as error:
            problems.append(error)
    return problems
