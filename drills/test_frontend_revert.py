"""Does reverting the bad commit of the site help every visitor?"""

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

pytestmark = pytest.mark.rollback
