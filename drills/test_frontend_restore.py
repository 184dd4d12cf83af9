"""Does restoring an earlier deploy of the site help every visitor?   Strategy ST-3, front end; recovery within RTO-3 (5 to 10 minutes).

The plan's own commands restore nothing (docs/plan-audit.md, F1 to F8). The correct form: restore a deploy by its own id, lock it against
automatic publishing, and believe only what visitors get.
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
from drills.steps import publish_and_lock, see_visitors_get
from pam_rollback.plugin.needs import titled
from pam_rollback.plugin.topics.acting import Run
from pam_rollback.rollback.frontend import Frontend, SiteRestored

pytestmark = pytest.mark.rollback


@pytest.fixture(scope="session", name="frontend-restore")
@titled("The last stable deploy of the site is published again")
def rollback(run: Run, site: Frontend, last_stable_deploy: Callable[[], Mapping[str, str]]) -> SiteRestored:
    """Publish the last stable deploy, lock it, and see that visitors get it. Raises ActionFailed when they do not.

    Undone by publishing again what was published before, with the lock that it had.
    """
    with run.rollback("frontend-restore") as action:
        target = site.deploy(action.target(last_stable_deploy)["deploy"])

        before = action.step("see what is published", site.published)
        published, locked = publish_and_lock(action, site, lambda: target, before=before)
        served = see_visitors_get(action, site, lambda: target, published)
    return SiteRestored(*action.facts, locked.result, served.result, locked.result.commit)
