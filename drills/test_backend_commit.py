"""Does deploying the last stable commit of the back end help every user?"""

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

pytestmark = pytest.mark.rollback
