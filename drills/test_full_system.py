"""Does taking everything back help every user?   Strategy ST-5; recovery within RTO-4 (10 to 15 minutes).

What does not depend on each other goes side by side. What failed keeps nothing else from being done, and is told. Caches are emptied
only of a release that is live no more.
"""

from collections.abc import Callable, Mapping

import pytest

from drills.expectations import (
    test_incident_is_seen,
    test_no_acknowledged_write_is_lost,
    test_no_older_configuration_is_lost,
    test_recovery_is_complete_in_time,
    test_team_was_notified,
    test_users_recover_in_time,
)
from drills.steps import publish_and_lock, roll_back_at_the_provider, see_visitors_get
from pam_rollback.core.figures import Scored
from pam_rollback.plugin.needs import needs, titled
from pam_rollback.plugin.topics.acting import Run
from pam_rollback.rollback.backend import ApiRestored, ApiService
from pam_rollback.rollback.deploys import Deploy, Service
from pam_rollback.rollback.flags import AllFeatures
from pam_rollback.rollback.frontend import Frontend, SiteRestored
from pam_rollback.rollback.full_system import FullSystemRollback, each_or_why_not
from pam_rollback.rollback.step_list import Steps
from pam_rollback.target.served_release import Served

pytestmark = pytest.mark.rollback


@pytest.fixture(scope="session", name="full-system")
@titled("The whole system is as it was before the release")
def rollback(
    run: Run,
    written_before: None,
    site: Frontend,
    api: ApiService,
    features: AllFeatures,
    last_stable_deploy: Callable[[], Mapping[str, str]],
    last_stable_api_deploy: Callable[[], Mapping[str, str]],
    empty_site_cache: Callable[[], str],
    empty_api_cache: Callable[[], str],
) -> FullSystemRollback:
    """Switch every feature off, bring the stable site and the stable back end to users, and empty caches. Raises ActionFailed.

    Undone by setting the flags, publishing again what was there before with the lock that it had, and running again what ran with its
    automatic deploys. Caches fill by themselves.
    """
    with run.rollback("full-system") as action:
        abilities = action.environment.abilities
        front, back = action.part("front end: "), action.part("back end: ")
        # Both are looked up now. One that is not found ends its own part alone, where that asks for it.
        site_target, api_target = each_or_why_not(
            lambda: site.deploy(action.target(last_stable_deploy, part="front end")["deploy"]),
            lambda: api.deploy(action.target(last_stable_api_deploy, part="back end")["deploy"]),
        )

        def see_published() -> Deploy:
            site_target()  # without one nothing is done
            return site.published()

        off: Steps = ()
        if "flag_admin" in abilities:
            off = (action.step("switch the features off", features.switch_off, essential=False, changes_users=True),)
        before = front.step("see what is published", see_published)
        published, locked = publish_and_lock(front, site, site_target, before=before)
        # It may be the cache that gives visitors the bad release.
        emptied = action.step("empty the site's cache", empty_site_cache, needs=(published,))
        visitors = see_visitors_get(front, site, site_target, published, after=(emptied,))
        live, answers = roll_back_at_the_provider(back, api, api_target, action.environment)
        if "flag_admin" in abilities:
            # The API that holds the flags may be what was down.
            action.step("see that the features are off", features.see_off, after=(*off, answers))
        if "cache_admin" in abilities:
            action.step("empty the API's cache", empty_api_cache, needs=(answers,))
    return FullSystemRollback(
        *action.facts,
        features.before,
        features.read_back,
        SiteRestored(*action.facts, locked.result, visitors.result, locked.result.commit),
        ApiRestored(*action.facts, live.result, answers.result),
    )


@pytest.mark.criterion("ST-5")
def test_visitors_get_the_stable_site(
    rolled_back: FullSystemRollback, site_served_now: Served, published_now: Deploy, scored: Scored
) -> None:
    """After the rollback the site serves the target, and it is locked.  If red: docs/runbook.md#full-system-rollback."""
    served = scored(site_served_now)

    assert served.is_wanted, served
    assert published_now.id == rolled_back.frontend.published.id, published_now
    assert published_now.locked, published_now


@pytest.mark.criterion("ST-5")
def test_the_stable_service_answers(api_served_now: Served, service_now: Service, scored: Scored) -> None:
    """After the rollback the target answers, with automatic deploys off.  If red: docs/runbook.md#full-system-rollback."""
    served = scored(api_served_now)

    assert served.holds, served
    assert not service_now.auto_deploy, service_now


@pytest.mark.criterion("ST-5")
@needs("flag_admin")
def test_all_features_are_off(rolled_back: FullSystemRollback, scored: Scored) -> None:
    """Read back from the stable back end, also those that the plan does not name.  If red: docs/runbook.md#full-system-rollback."""
    read_back = scored(rolled_back.outcome)

    assert read_back.flags, read_back
    assert read_back.on == [], read_back
