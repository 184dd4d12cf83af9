"""Does taking everything back help every user?"""

import pytest

from drills.expectations import (
    test_incident_is_seen,
    test_no_acknowledged_write_is_lost,
    test_no_older_configuration_is_lost,
    test_recovery_is_complete_in_time,
    test_team_was_notified,
    test_users_recover_in_time,
)
from pam_rollback.base.figures import Scored
from pam_rollback.product.served_release import Served
from pam_rollback.rollback.deploys import Deploy, Service
from pam_rollback.rollback.feature_flag import FlagOutcome
from pam_rollback.rollback.full_system import FullSystemRollback

pytestmark = pytest.mark.rollback


@pytest.mark.criterion("ST-5")
def test_visitors_get_the_stable_site(
    system_rolled_back: FullSystemRollback, site_served_now: Served, published_now: Deploy, scored: Scored
) -> None:
    """After the rollback the site serves the target, and it is locked.  If red: docs/runbook.md#full-system-rollback."""
    served = scored(site_served_now)

    assert served.is_wanted, served
    assert published_now.id == system_rolled_back.frontend.published.id, published_now
    assert published_now.locked, published_now


@pytest.mark.criterion("ST-5")
def test_the_stable_service_answers(api_served_now: Served, service_now: Service, scored: Scored) -> None:
    """After the rollback the target answers, with automatic deploys off.  If red: docs/runbook.md#full-system-rollback."""
    served = scored(api_served_now)

    assert served.holds, served
    assert not service_now.auto_deploy, service_now


@pytest.mark.criterion("ST-5")
def test_all_features_are_off(features_of_the_system: FlagOutcome, scored: Scored) -> None:
    """Read back from the stable back end, also those that the plan does not name.  If red: docs/runbook.md#full-system-rollback."""
    read_back = scored(features_of_the_system)

    assert read_back.all_off, read_back
