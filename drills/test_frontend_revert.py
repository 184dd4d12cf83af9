"""Does reverting the bad commit of the site help every visitor?"""

import pytest

from pam_rollback.base.figures import Scored
from pam_rollback.product.rules.served_release import Served
from pam_rollback.rollback.fixtures.story_objectives import *  # noqa: F403 - what every rollback is held against, in its order
from pam_rollback.rollback.rules.deploys import Deploy
from pam_rollback.rollback.strategies.frontend import FrontendRollback

pytestmark = pytest.mark.rollback


@pytest.mark.criterion("ST-3")
def test_visitors_get_the_target(site_served_now: Served, scored: Scored) -> None:
    """After the rollback the site serves the target, by its commit and its page.  If red: docs/runbook.md#frontend-rollback."""
    served = scored(site_served_now)

    assert served.is_wanted, served


@pytest.mark.criterion("ST-3")
def test_nothing_is_published_over_it(site_reverted: FrontendRollback, published_now: Deploy) -> None:
    """The target is still published, and locked: what is built waits.  If red: docs/runbook.md#frontend-rollback."""
    assert published_now.id == site_reverted.published.id, published_now
    assert published_now.locked, published_now
