"""Does one call to the product's own emergency endpoint help every user?"""

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
from pam_rollback.rollback.emergency import EmergencyRollback, Took
from pam_rollback.rollback.feature_flag import Evaluation, FlagOutcome
from pam_rollback.rollback.fixtures.actions import constant_page
from pam_rollback.session.needs import needs

pytestmark = pytest.mark.rollback


@pytest.mark.advisory
@pytest.mark.criterion("ST-6", "QR-1")
def test_the_product_took_the_call(way_taken: Took, scored: Scored) -> None:
    """The endpoint took reason and name; a product that is down is gone past.  If red: docs/runbook.md#emergency-rollback."""
    took = scored(way_taken)

    assert not took.past_the_product, took


@pytest.mark.criterion("ST-6")
def test_all_flags_are_off(flags_after_the_call: FlagOutcome, scored: Scored) -> None:
    """Read back, every feature is off, also those that the plan does not name.  If red: docs/runbook.md#emergency-rollback."""
    read_back = scored(flags_after_the_call)

    assert read_back.all_off, read_back


@pytest.mark.criterion("ST-6")
def test_no_user_keeps_a_feature(users_after_the_call: Evaluation, scored: Scored) -> None:
    """All users who are looked up have none of the features any more.  If red: docs/runbook.md#emergency-rollback."""
    users = scored(users_after_the_call)

    assert users.everyone_off, users


@needs(lacking=constant_page)
@pytest.mark.journey
@pytest.mark.criterion("SC-5")
def test_page_shows_the_old_chat(emergency_called: EmergencyRollback, traveller: Traveller) -> None:
    """A signed-in traveller sees the chat as it was, in a real browser.  If red: docs/runbook.md#user-experience."""
    chat = traveller.opens_chat()

    assert chat.heading == "Chat with PAM", chat
    assert not chat.enhanced, chat
