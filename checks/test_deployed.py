"""Is what its host says is live what answers users, in all services of a deploy?  Reads only: safe on production."""

import pytest

from pam_rollback.core.figures import Scored
from pam_rollback.rollback.deploys import ServicesOfDeploy
from pam_rollback.target.served_release import Served

pytestmark = [pytest.mark.post_rollback]


@pytest.mark.criterion("HC-2")
def test_the_live_deploy_answers(deployed_now: Served, scored: Scored) -> None:
    """What users get is the release that the host says is live.  If red: docs/runbook.md#deployed-elsewhere."""
    served = scored(deployed_now)

    assert served.proven_by or served.only_the_host_says, served


@pytest.mark.criterion("HC-2")
def test_no_worker_was_left_behind(services_of_deploy: ServicesOfDeploy, scored: Scored) -> None:
    """Workers run the commit that the API runs.  If red: docs/runbook.md#deployed-elsewhere."""
    services = scored(services_of_deploy)

    assert services.workers, services
    assert services.left_behind == (), services
