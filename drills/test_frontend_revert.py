"""Does reverting the bad commit of the site help every visitor?   Strategy ST-3, front end; recovery within RTO-3 (5 to 10 minutes).

Pushed last, when visitors have the site already: a push starts a build of its own, which finds the site locked. It also deploys the back
end where that follows the branch. A branch that takes no pushes gets a pull request, which a person merges.
"""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from drills.expectations import (
    test_incident_is_seen,
    test_no_acknowledged_write_is_lost,
    test_no_older_configuration_is_lost,
    test_nothing_is_published_over_it,
    test_recovery_is_complete_in_time,
    test_team_was_notified,
    test_users_recover_in_time,
    test_visitors_get_the_target,
)
from drills.steps import build_and_upload, commit_of, publish_and_lock, see_visitors_get
from pam_rollback.plugin.needs import titled
from pam_rollback.plugin.topics.acting import Run
from pam_rollback.rollback.frontend import Followed, Frontend, SiteRestored, Sources, TakesChanges
from pam_rollback.rollback.step_list import ListedStep

pytestmark = pytest.mark.rollback


@pytest.fixture(scope="session", name="frontend-revert")
@titled("The bad commit of the site is reverted, and that is published")
def rollback(
    run: Run, site: Frontend, sources: Sources, what_visitors_have: Callable[[], Mapping[str, Any]]
) -> SiteRestored:
    """Take back the commit that visitors have, publish and lock the site without it, then push it. Raises ActionFailed.

    Undone by publishing again what was published before, and by moving the branch back, if nobody moved it since.
    """
    with run.rollback("frontend-revert") as action:
        bad = commit_of(action.target(what_visitors_have))

        before = action.step("see what is published", site.published)
        takes: tuple[ListedStep[TakesChanges], ...] = ()
        if action.environment.github is not None:
            takes = (action.step("see how the branch takes a change", sources.takes_changes, essential=False),)
        reverted = action.step(
            "take the bad commit back on top of the branch", lambda: sources.revert(bad, action.reason)
        )
        title = f"revert of {bad[:12]}"
        built = build_and_upload(
            action, site, sources, lambda: reverted.result.built, title=title, before=before, needs=(reverted,)
        )
        published, locked = publish_and_lock(action, site, lambda: built.result, before=before, needs=(built,))
        served = see_visitors_get(action, site, lambda: built.result, published)
        pushed = action.step(
            "push the revert",
            lambda: sources.push(reverted.result, takes[0].found if takes else None, action.owe, reason=action.reason),
            needs=(reverted,),
            after=(locked, *takes),
            changes_users=True,
        )
        followed: ListedStep[Followed] | None = None
        if "backend_host" in action.environment.abilities:
            followed = action.step(
                "see the back end follow the push",
                lambda: sources.follow(pushed.result),
                needs=(pushed,),
                essential=False,
            )
    back_end = followed.found.served if followed is not None and followed.found is not None else None
    return SiteRestored(*action.facts, locked.result, served.result, reverted.result.built, back_end)
