"""Does deploying the last stable commit of the back end help every user?   Strategy ST-4, back end; within RTO-3 (5 to 10 minutes).

The way for a release whose build is gone from the host: its commit is built again.
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
from drills.steps import commit_of, keep_others_from_deploying, run_and_see
from pam_rollback.plugin.needs import titled
from pam_rollback.plugin.topics.acting import Run
from pam_rollback.rollback.backend import ApiRestored, ApiService

pytestmark = pytest.mark.rollback


@pytest.fixture(scope="session", name="backend-commit")
@titled("The last stable commit of the service is deployed")
def rollback(run: Run, api: ApiService, last_stable_api_deploy: Callable[[], Mapping[str, str]]) -> ApiRestored:
    """Deploy the commit of the last stable deploy, with automatic deploys off, and see that it answers. Raises ActionFailed.

    Undone by running what ran before, from its branch and with its automatic deploys.
    """
    with run.rollback("backend-commit") as action:
        commit = commit_of(action.target(last_stable_api_deploy))

        before, others_stopped = keep_others_from_deploying(action, api, look=api.running, wanted=lambda: commit)
        live, served = run_and_see(
            action,
            api,
            lambda listed: api.deploy_commit(commit, listed),
            lambda: commit,
            action.environment,
            before=before,
            after=others_stopped,
        )
    return ApiRestored(*action.facts, live.result, served.result)
