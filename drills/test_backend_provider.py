"""Does the provider's rollback of the back end help every user?   Strategy ST-4, back end; recovery within RTO-3 (5 to 10 minutes).

The plan's pushes move nothing, and whatever is pushed next undoes them (docs/plan-audit.md, G1 to G12). The correct form: automatic deploys
off first and checked after, wait until the new deploy is live, and believe only what answers.
"""

from collections.abc import Callable, Mapping

import pytest

from drills.expectations import (
    test_incident_is_seen,
    test_no_acknowledged_write_is_lost,
    test_no_older_configuration_is_lost,
    test_recovery_is_complete_in_time,
    test_team_was_notified,
    test_the_next_push_does_not_deploy,
    test_the_target_answers,
    test_users_recover_in_time,
)
from drills.steps import roll_back_at_the_provider
from pam_rollback.plugin.needs import titled
from pam_rollback.plugin.topics.acting import Run
from pam_rollback.rollback.backend import ApiRestored, ApiService

pytestmark = pytest.mark.rollback


@pytest.fixture(scope="session", name="backend-provider")
@titled("The last stable deploy of the service runs again")
def rollback(run: Run, api: ApiService, last_stable_api_deploy: Callable[[], Mapping[str, str]]) -> ApiRestored:
    """Have the provider run the last stable deploy's build again, and see that it answers. Raises ActionFailed when it does not.

    Undone by running what ran before, from its branch and with its automatic deploys.
    """
    with run.rollback("backend-provider") as action:
        target = api.deploy(action.target(last_stable_api_deploy)["deploy"])

        live, served = roll_back_at_the_provider(action, api, lambda: target, action.environment)
    return ApiRestored(*action.facts, live.result, served.result)
