"""Does deploying the last stable commit of the back end help every user?"""

import pytest

from pam_rollback.base.figures import Scored
from pam_rollback.product.rules.served_release import Served
from pam_rollback.rollback.fixtures.story_objectives import *  # noqa: F403 - what every rollback is held against, in its order
from pam_rollback.rollback.rules.deploys import Service
from pam_rollback.rollback.strategies.backend import BackendRollback

pytestmark = pytest.mark.rollback


@pytest.mark.criterion("ST-4")
def test_the_target_answers(api_served_now: Served, scored: Scored) -> None:
    """After the rollback the target answers, whatever its host says.  If red: docs/runbook.md#backend-rollback."""
    served = scored(api_served_now)

    assert served.holds, served


@pytest.mark.criterion("ST-4")
def test_the_next_push_does_not_deploy(service_rebuilt: BackendRollback, service_now: Service) -> None:
    """After the rollback automatic deploys are off.  If red: docs/runbook.md#backend-rollback."""
    assert not service_now.auto_deploy, service_now
