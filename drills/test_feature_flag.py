"""Does switching the PAM features off help every user within 30 seconds?"""

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
from pam_rollback.browser.fixtures.traveller import Traveller
from pam_rollback.rollback.feature_flag import Evaluation, FlagRollback
from pam_rollback.rollback.fixtures.actions import constant_page
from pam_rollback.session.needs import needs

pytestmark = pytest.mark.rollback


@pytest.mark.criterion("ST-1")
def test_flags_are_off(feature_flags_rolled_back: FlagRollback, scored: Scored) -> None:
    """Read back, every feature of the plan is off.  If red: docs/runbook.md#feature-flag-rollback."""
    read_back = scored(feature_flags_rolled_back.outcome)

    assert read_back.all_off, read_back


@pytest.mark.criterion("ST-1")
def test_every_user_reverts(users_after: Evaluation, scored: Scored) -> None:
    """All users who are looked up have none of the features any more.  If red: docs/runbook.md#feature-flag-rollback."""
    users = scored(users_after)

    assert users.everyone_off, users


@needs(lacking=constant_page)
@pytest.mark.journey
@pytest.mark.criterion("SC-5")
def test_page_shows_the_old_chat(feature_flags_rolled_back: FlagRollback, traveller: Traveller) -> None:
    """A signed-in traveller sees the chat as it was, in a real browser.  If red: docs/runbook.md#user-experience."""
    chat = traveller.opens_chat()

    assert chat.heading == "Chat with PAM", chat
    assert not chat.enhanced, chat
