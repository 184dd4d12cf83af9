"""Does switching the PAM features off help every user within 30 seconds?   Strategy ST-1, the preferred one; recovery within RTO-1.

The plan's command looks at no answer and evaluates no user. The correct form, step by step: read the flags, switch the features off, read
the flags back, and evaluate them for many users. A ramp goes back by the same steps, so they stand in src/pam_rollback/rollback.
"""

import pytest

from drills.expectations import (
    constant_page,
    test_incident_is_seen,
    test_no_acknowledged_write_is_lost,
    test_no_older_configuration_is_lost,
    test_recovery_is_complete_in_time,
    test_team_was_notified,
    test_users_recover_in_time,
)
from pam_rollback.browser.traveller import Traveller
from pam_rollback.core.figures import Scored
from pam_rollback.plugin.needs import needs, titled
from pam_rollback.plugin.topics.acting import Run
from pam_rollback.rollback.flags import FlagRollback, Flags, switch_off

pytestmark = pytest.mark.rollback


@pytest.fixture(scope="session", name="feature-flag")
@titled("The PAM features are switched off for every user")
def rollback(run: Run, written_before: None, flags: Flags) -> FlagRollback:
    """Switch the plan's features off for every user, read them back, and evaluate what users get. Raises ActionFailed.

    Undone by setting the flags as they were, but for those that somebody else changed since.
    """
    with run.rollback("feature-flag") as action:
        evaluated = "flag_evaluation" in action.environment.abilities
        before, back, users = switch_off(action, flags, action.strategy.flag_changes, action.users, evaluated=evaluated)
    evaluation = users.found if users is not None else None
    return FlagRollback(*action.facts, before.result.flags, back.result.flags, evaluation)


@pytest.mark.criterion("ST-1")
def test_flags_are_off(rolled_back: FlagRollback, scored: Scored) -> None:
    """Read back, every feature of the plan is off.  If red: docs/runbook.md#feature-flag-rollback."""
    read_back = scored(rolled_back.outcome)

    assert read_back.flags, read_back
    assert read_back.on == [], read_back


@pytest.mark.criterion("ST-1")
@needs("flag_evaluation")
def test_every_user_reverts(rolled_back: FlagRollback, scored: Scored) -> None:
    """All users who are looked up have none of the features any more.  If red: docs/runbook.md#feature-flag-rollback."""
    left = scored(rolled_back.evaluated)

    assert left.keeping == 0, left
    assert left.users > 0, left


@needs(lacking=constant_page)
@pytest.mark.journey
@pytest.mark.criterion("SC-5")
def test_page_shows_the_old_chat(rolled_back: FlagRollback, traveller: Traveller) -> None:
    """A signed-in traveller sees the chat as it was, in a real browser.  If red: docs/runbook.md#user-experience."""
    with traveller.journey("opening the chat"):
        site = traveller.enters()
        heading = site.open_chat()

        assert heading == "Chat with PAM", f"the heading is {heading!r}"
        assert not site.is_enhanced, "the enhanced chat is shown"
