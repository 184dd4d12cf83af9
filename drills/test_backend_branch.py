"""Does an emergency branch without the bad commit help every user?   Strategy ST-4, back end; recovery within RTO-3 (5 to 10 minutes).

The main branch is left alone: the bad commit is taken back on a branch of its own, which the service deploys from until a person merges.
"""

from collections.abc import Callable, Mapping
from typing import Any

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
from drills.steps import keep_others_from_deploying, run_and_see
from pam_rollback.plugin.needs import titled
from pam_rollback.plugin.topics.acting import Run
from pam_rollback.rollback.backend import ApiRestored, ApiService, run_again, take_back_on_branch
from pam_rollback.rollback.git import GitRepository
from pam_rollback.target.service_settings import Git

pytestmark = pytest.mark.rollback


@pytest.fixture(scope="session", name="backend-branch")
@titled("The service runs from an emergency branch without the bad commit")
def rollback(
    run: Run,
    api: ApiService,
    repository: GitRepository,
    git_settings: Git,
    what_users_have: Callable[[], Mapping[str, Any]],
) -> ApiRestored:
    """Take back the commit that users have, on an emergency branch, and run that. Raises ActionFailed when it does not answer.

    Undone by running what ran before, from its branch and with its automatic deploys. The emergency branch stays: nothing deploys from it.
    """
    with run.rollback("backend-branch") as action:
        bad = action.target(what_users_have)["commit"]
        branch = f"emergency-rollback-{action.run_id}"

        before, others_stopped = keep_others_from_deploying(action, api, look=api.running)
        reverted = action.step(
            "take the bad commit back on an emergency branch",
            lambda: take_back_on_branch(repository, bad, onto=git_settings.branch, branch=branch, reason=action.reason),
        )
        followed = action.step(
            "let the service deploy from the emergency branch",
            lambda: api.follow(branch),
            # Where what users have takes something back itself it stays, and so does the branch.
            unless=lambda: (
                str(reverted.result) if reverted.result.stays else api.follows_already(before.result, branch)
            ),
            owes=run_again(before),
            needs=(before, reverted),
        )
        # The commit is asked for by name, so users have it also where the service could not be moved to the branch.
        live, served = run_and_see(
            action,
            api,
            lambda listed: api.deploy_commit(reverted.result.commit, listed),
            lambda: reverted.result.commit,
            action.environment,
            before=before,
            needs=(reverted,),
            after=(*others_stopped, followed),
        )
    return ApiRestored(*action.facts, live.result, served.result)
