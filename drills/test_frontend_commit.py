"""Does building and publishing the last stable commit help every visitor?   Strategy ST-3, front end; within RTO-3 (5 to 10 minutes).

The way for a release whose deploy is gone from the host. Built cleanly and once, from a fresh worktree, and published on this site.
"""

from collections.abc import Callable, Mapping

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
from pam_rollback.rollback.frontend import Frontend, SiteRestored, Sources

pytestmark = pytest.mark.rollback


@pytest.fixture(scope="session", name="frontend-commit")
@titled("The last stable commit of the site is built and published")
def rollback(
    run: Run, site: Frontend, sources: Sources, last_stable_deploy: Callable[[], Mapping[str, str]]
) -> SiteRestored:
    """Build the commit of the last stable deploy, publish and lock it, and see that visitors get it. Raises ActionFailed.

    Undone by publishing again what was published before, with the lock that it had.
    """
    with run.rollback("frontend-commit") as action:
        commit = commit_of(action.target(last_stable_deploy))

        before = action.step("see what is published", site.published)
        title = f"rollback to {commit[:12]}"
        built = build_and_upload(action, site, sources, lambda: commit, title=title, before=before)
        published, locked = publish_and_lock(action, site, lambda: built.result, before=before, needs=(built,))
        served = see_visitors_get(action, site, lambda: built.result, published)
    return SiteRestored(*action.facts, locked.result, served.result, commit)
