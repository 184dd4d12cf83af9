"""A release is exchanged for itself: the commit that runs is deployed again, and requests move to a new process."""

from pam_rollback.base.errors import ActionFailed, MeasurementFailed
from pam_rollback.base.wait import NotReached, Waiter
from pam_rollback.rollback.engine.settling import until_deploy
from pam_rollback.rollback.rules.deploys import LIVE, Backend, Deploy
from pam_rollback.rollback.strategies.backend_host import live_of

_LISTED_WITHIN_S = 30.0
_LIVE_WITHIN_S = 900.0


def exchange(host: Backend, waiter: Waiter) -> Deploy:
    """Deploy the running commit once more, and wait until that is live. Asked for once: what is unclear is looked for.

    Raises MeasurementFailed when it cannot be brought about.
    """
    try:
        running = live_of(host)
        if not running.commit:
            raise MeasurementFailed(f"the commit of {running} is not known, so it cannot be deployed again")
        known = {deploy.id for deploy in host.deploys()}
        started = host.deploy_commit(running.commit)
        if started is None:  # only queued
            [started, *_] = waiter.until(
                lambda: [deploy for deploy in host.deploys() if deploy.id not in known],
                holds=bool,
                within_s=_LISTED_WITHIN_S,
                what="the new deploy is listed",
            )
        asked = started
        return until_deploy(
            lambda: host.deploy(asked.id),
            holds=lambda seen: seen.state == LIVE,
            failed=lambda seen: seen.state not in host.rules.under_way,
            waiter=waiter,
            within_s=_LIVE_WITHIN_S,
            what=f"the deploy {asked.id} is live",
        )
    except (ActionFailed, NotReached) as problem:
        raise MeasurementFailed(f"the release was not exchanged: {problem}") from None
