"""Was everybody told who had to know of this rollback by now, and nobody too early?  Reads only: safe on production."""

import pytest

from pam_rollback.core.figures import Scored
from pam_rollback.notify.escalation_told import LATE_S, Followed
from pam_rollback.plan.plan import Plan

pytestmark = [pytest.mark.post_rollback, pytest.mark.communication, pytest.mark.advisory]


@pytest.mark.parametrize(
    "level", [pytest.param(item, marks=pytest.mark.criterion(item)) for item in ("EM-1", "EM-2", "EM-3", "EM-4")]
)
def test_level_was_told_when_it_was_due(followed: Followed, level: str, scored: Scored) -> None:
    """Everybody was told at most 30 s after the level was due, and nobody before it.  If red: docs/runbook.md#escalation."""
    told = scored(followed.level(level))

    assert len(told.early) == 0, told
    assert told.late_s <= LATE_S, told


@pytest.mark.parametrize(
    "contact", [pytest.param(item, marks=pytest.mark.criterion(item)) for item in ("EC-1", "EC-2", "EC-3", "EC-4")]
)
def test_contact_was_written_to_when_due(
    followed: Followed, mail_arrived: tuple[str, ...] | None, contact: str, plan: Plan, scored: Scored
) -> None:
    """Mail went to the address that the plan names, no earlier than it asks for.  If red: docs/runbook.md#contacts."""
    written = scored(followed.contact(contact, plan.emails[contact], mail_arrived))

    assert written.why == "", written


@pytest.mark.criterion("CH-1", "CH-3", "CH-4")
def test_channels_took_what_was_sent(followed: Followed, scored: Scored) -> None:
    """Every message was accepted by its channel, and there is one at least.  If red: docs/runbook.md#channel-failed."""
    messages = scored(followed.channels)

    assert messages.n, messages
    assert messages.number == messages.n, messages


@pytest.mark.criterion("DUR-5")
def test_team_heard_how_it_ended(followed: Followed, scored: Scored) -> None:
    """One channel at least took the message of how the rollback ended.  If red: docs/runbook.md#channel-failed."""
    ending = scored(followed.ending)

    assert ending.number >= 1, ending
