"""The steps that several rollbacks share: each function lists them, and the drill's block carries them out at its end.

How to read a step: it runs once those that it ``needs`` were done and those that it comes ``after`` have ended, well or not; what waits
for nothing goes side by side. ``unless`` looks first, and gives what is right already. ``owes`` is how it is undone, written down before
anything is changed, as data that another process can carry out. One that is not ``essential`` fails without ending the rollback.
What users write around one that ``changes_users`` is looked for afterwards. ``result`` is there when the block is over.
"""

from collections.abc import Callable, Mapping
from typing import Any

from pam_rollback.core.errors import ActionFailed
from pam_rollback.rollback.backend import WORKER_UNDO_KIND, ApiService, Running, Start, run_again
from pam_rollback.rollback.backend_workers import Workers
from pam_rollback.rollback.deploys import Deploy
from pam_rollback.rollback.frontend import Frontend, Sources, publish_again
from pam_rollback.rollback.repository import Commit
from pam_rollback.rollback.step_list import ListedStep, StepList, Steps
from pam_rollback.target.environment import Environment
from pam_rollback.target.served_release import Served


def commit_of(target: Mapping[str, Any]) -> str:
    """Return the commit of a target. Raises ActionFailed where its host does not know it."""
    if not target["commit"]:
        raise ActionFailed(
            f"the commit of {target['deploy']} is not known to its host: go back to a deploy instead "
            "(drills/test_frontend_restore.py, drills/test_backend_provider.py), or name a commit with --to"
        )
    return str(target["commit"])


def build_and_upload(
    action: StepList,
    site: Frontend,
    sources: Sources,
    commit: Callable[[], Commit],
    *,
    title: str,
    before: ListedStep[Deploy],
    needs: Steps = (),
) -> ListedStep[Deploy]:
    """Build a commit of the site and have its host keep it, unless it is what is published."""
    return action.step(
        "build the site once from a fresh worktree, and upload it",
        lambda: site.upload(sources, commit(), title=title, owe=lambda: action.owe(publish_again(before))),
        unless=lambda: before.result if before.result.commit == commit() else None,
        needs=(before, *needs),
    )


def publish_and_lock(
    action: StepList, site: Frontend, target: Callable[[], Deploy], *, before: ListedStep[Deploy], needs: Steps = ()
) -> tuple[ListedStep[Deploy], ListedStep[Deploy]]:
    """Publish a deploy that the host has, lock it, and stop what is built meanwhile. Returns the first two steps."""
    published = action.step(
        "publish the target",
        lambda: site.publish(target().id),
        unless=lambda: site.published_already(target()),
        owes=publish_again(before),
        needs=(before, *needs),
        changes_users=True,
    )
    locked = action.step(
        "lock it against automatic publishing",
        lambda: site.lock(target().id),
        unless=lambda: site.locked_already(target()),
        owes=publish_again(before),
        needs=(published,),
    )
    action.step(
        "stop the builds that are under way", site.stop_builds, needs=(before,), after=(locked,), essential=False
    )
    return published, locked


def see_visitors_get(
    action: StepList,
    site: Frontend,
    target: Callable[[], Deploy],
    published: ListedStep[Deploy],
    *,
    after: Steps = (),
) -> ListedStep[Served]:
    """Wait until visitors get what was published, by its commit and its page."""
    return action.step(
        "see what visitors get",
        lambda: site.wait_until_served(published.result, target()),
        needs=(published,),
        after=after,
    )


def keep_others_from_deploying(
    action: StepList, api: ApiService, *, look: Callable[[], Running], wanted: Callable[[], Commit] = lambda: ""
) -> tuple[ListedStep[Running], Steps]:
    """See what runs, switch automatic deploys off, and stop every deploy but that of the wanted commit.

    Returns the first step, and the others.
    """
    before = action.step("see what runs", look)
    off = action.step(
        "switch automatic deploys off",
        api.switch_off,
        unless=lambda: api.off_already(before.result),
        owes=run_again(before),
        needs=(before,),
    )
    stopped = action.step(
        "stop the deploys that are under way",
        lambda: api.stop_deploys(wanted(), owe=lambda: action.owe(run_again(before))),
        needs=(before,),
        after=(off,),
        essential=False,
    )
    return before, (off, stopped)


def run_and_see(
    action: StepList,
    api: ApiService,
    start: Start,
    wanted: Callable[[], Commit],
    environment: Environment,
    *,
    before: ListedStep[Running],
    needs: Steps = (),
    after: Steps,
) -> tuple[ListedStep[Deploy], ListedStep[Served]]:
    """Have the wanted commit run, on workers too, and see that it answers. Returns the steps of its deploy and of what answers.

    Automatic deploys that could not be switched off do not keep users waiting: they are looked at once more.
    """
    live = action.step(
        "run the target",
        lambda: api.run(start),
        unless=lambda: api.runs_already(wanted()),
        owes=run_again(before),
        needs=(before, *needs),
        after=after,
        changes_users=True,
    )
    if environment.workers:
        workers = Workers(api)
        off = action.step(
            "switch automatic deploys of the workers off", workers.switch_off, needs=(live,), essential=False
        )
        action.step(
            "run the target on the workers",
            lambda: workers.run(live.result.commit),
            needs=(live,),
            after=(off,),
            essential=False,
            owes_itself=WORKER_UNDO_KIND,
        )
    action.step("see that automatic deploys are still off", api.still_off, needs=(live,))
    served = action.step("see which release answers", lambda: api.wait_until_served(wanted()), needs=(live,))
    return live, served


def roll_back_at_the_provider(
    action: StepList, api: ApiService, target: Callable[[], Deploy], environment: Environment
) -> tuple[ListedStep[Deploy], ListedStep[Served]]:
    """Have the provider run an earlier deploy's build again, with automatic deploys off. Returns as ``run_and_see`` does."""

    def look() -> Running:
        target()  # without one nothing is done
        return api.running()

    before, others_stopped = keep_others_from_deploying(action, api, look=look, wanted=lambda: target().commit)
    return run_and_see(
        action,
        api,
        lambda listed: api.roll_back(target(), listed),
        lambda: target().commit,
        environment,
        before=before,
        after=others_stopped,
    )
