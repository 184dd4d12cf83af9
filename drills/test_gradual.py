"""Does taking the new features back from more and more users help, with none let in meanwhile?   ST-2; within RTO-2 (2 to 5 minutes).

The plan's commands change one flag of three, leave the share of 10 % out, do not wait, and look at nothing in between. The correct form:
every flag, each share read back and evaluated, a look at how users fare before the next one, and straight to 0 when they fare worse.
"""

from collections.abc import Callable, Sequence

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
from pam_rollback.rollback.gradual import GoingDown, GradualRollback, take_back_by_shares

pytestmark = pytest.mark.rollback


@pytest.fixture(scope="session", name="gradual")
@titled("The new features are taken back step by step")
def rollback(run: Run, written_before: None, going_down: Callable[[Sequence[str]], GoingDown]) -> GradualRollback:
    """Lower the plan's flags share by share, and watch users at each. Raises ActionFailed when the flags are not off in the end.

    Undone by setting the flags as they were, but for those that somebody else changed since.
    """
    with run.rollback("gradual") as action:
        down = going_down(action.users)
        take_back_by_shares(action, down, action.strategy)
    return down.facts(action.facts)


@pytest.mark.criterion("ST-2")
@needs("flag_evaluation")
def test_users_only_leave(rolled_back: GradualRollback, scored: Scored) -> None:
    """At each share as many users have each feature as were asked for, and no user came in.  If red: docs/runbook.md#gradual-rollback."""
    down = scored(rolled_back.descent)

    assert down.not_as_asked == 0, down


@pytest.mark.criterion("ST-2")
def test_flags_are_off_in_the_end(rolled_back: GradualRollback, scored: Scored) -> None:
    """Read back, every feature of the plan is off.  If red: docs/runbook.md#gradual-rollback."""
    read_back = scored(rolled_back.outcome)

    assert read_back.flags, read_back
    assert read_back.on == [], read_back


@pytest.mark.criterion("ST-2")
@needs("flag_evaluation")
def test_nobody_keeps_a_feature(rolled_back: GradualRollback, scored: Scored) -> None:
    """All users who are looked up have none of the features any more.  If red: docs/runbook.md#gradual-rollback."""
    left = scored(rolled_back.evaluated)

    assert left.keeping == 0, left
    assert left.users > 0, left


@needs(lacking=constant_page)
@pytest.mark.journey
@pytest.mark.criterion("SC-5")
def test_page_shows_the_old_chat(rolled_back: GradualRollback, traveller: Traveller) -> None:
    """A signed-in traveller sees the chat as it was, in a real browser.  If red: docs/runbook.md#user-experience."""
    with traveller.journey("opening the chat"):
        site = traveller.enters()
        heading = site.open_chat()

        assert heading == "Chat with PAM", f"the heading is {heading!r}"
        assert not site.is_enhanced, "the enhanced chat is shown"
