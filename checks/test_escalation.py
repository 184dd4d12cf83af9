"""Was everybody told who had to know of this rollback by now, and nobody too early?  Reads only: safe on production."""

import pytest

from pam_rollback.base.figures import Scored
from pam_rollback.communication.escalation_told import Followed
from pam_rollback.plan.plan import Plan

pytestmark = [pytest.mark.post_rollback, pytest.mark.communication, pytest.mark.advisory]


@pytest.mark.parametrize(
    "level",
    [
        pytest.param("EM-1", marks=pytest.mark.criterion("EM-1")),
        pytest.param("EM-2", marks=pytest.mark.criterion("EM-2")),
        pytest.param("EM-3", marks=pytest.mark.criterion("EM-3")),
        pytest.param("EM-4", marks=pytest.mark.criterion("EM-4")),
    ],
)
def test_level_was_told_when_it_was_due(followed: Followed, level: str, scored: Scored) -> None:
    """The matrix was followed: told in time by one channel at least, or not yet due.  If red: docs/runbook.md#escalation."""
    told = scored(followed.level(level))

    assert told.right, told


@pytest.mark.parametrize(
    "contact",
    [
        pytest.param("EC-1", marks=pytest.mark.criterion("EC-1")),
        pytest.param("EC-2", marks=pytest.mark.criterion("EC-2")),
        pytest.param("EC-3", marks=pytest.mark.criterion("EC-3")),
        pytest.param("EC-4", marks=pytest.mark.criterion("EC-4")),
    ],
)
def test_contact_was_written_to_when_due(
    followed: Followed, mail_arrived: tuple[str, ...] | None, contact: str, plan: Plan, scored: Scored
) -> None:
    """Mail went to the address that the plan names, no earlier than it asks for.  If red: docs/runbook.md#contacts."""
    written = scored(followed.contact(contact, plan.emails[contact], mail_arrived))

    assert written.right, written


@pytest.mark.criterion("CH-1", "CH-3", "CH-4")
def test_channels_took_what_was_sent(followed: Followed, scored: Scored) -> None:
    """Every channel of the environment accepted its messages.  If red: docs/runbook.md#channel-failed."""
    messages = scored(followed.channels)

    assert messages.all_accepted, messages


@pytest.mark.criterion("DUR-5")
def test_team_heard_how_it_ended(followed: Followed, scored: Scored) -> None:
    """Who heard of the rollback heard that its steps are done, or that it failed.  If red: docs/runbook.md#channel-failed."""
    ending = scored(followed.ending)

    assert ending.told, ending
