"""The steps that several rollbacks share: each function lists them, and the drill's block carries them out at its end.

A step looks first and leaves alone what is right already. What it owes is written down before it changes anything, as data that another
process can carry out. What waits for nothing goes side by side: users are looked after while what they get is made safe.
"""

from collections.abc import Callable

from pam_rollback.product.served_release import Served
from pam_rollback.rollback.deploys import Deploy
from pam_rollback.rollback.frontend import publish_again
from pam_rollback.rollback.frontend_host import Frontend
from pam_rollback.rollback.step_list import ListedStep, StepList, Steps


def publish_and_lock(
    action: StepList, site: Frontend, target: Callable[[], Deploy], *, before: ListedStep[Deploy], needs: Steps = ()
) -> tuple[ListedStep[Deploy], ListedStep[Served]]:
    """Publish a deploy that the host has, lock it, stop what is built meanwhile, and see what visitors get.

    Returns the steps whose results are what is published in the end, and what is served.
    """
    published = action.step(
        "publish the target",
        lambda: site.publish(target()),
        unless=lambda: site.published_already(target()),
        owes=publish_again(before),
        needs=(before, *needs),
        changes_users=True,
    )
    locked = action.step(
        "lock it against automatic publishing",
        lambda: site.lock(target()),
        unless=lambda: site.locked_already(target()),
        owes=publish_again(before),
        needs=(published,),
    )
    action.step(
        "stop the builds that are under way", site.stop_builds, needs=(before,), after=(locked,), essential=False
    )
    served = action.step(
        "see what visitors get", lambda: site.wait_until_served(target(), published.result), needs=(published,)
    )
    return locked, served
