"""Are the public, the users and the team told the truth, and has support grown quiet?  Reads only: safe on production."""

import pytest

from pam_rollback.core.figures import Scored
from pam_rollback.notify.communication import MessageDelivery, PublicTruth, UsersTold
from pam_rollback.notify.tickets import TicketVolume

pytestmark = [pytest.mark.post_rollback, pytest.mark.communication]


@pytest.mark.criterion("CH-3", "POST-4", "QR-3")
def test_status_page_tells_the_truth(public_truth: PublicTruth, scored: Scored) -> None:
    """The public reads no better and no worse than the service is.  If red: docs/runbook.md#channel-public."""
    truth = scored(public_truth)

    assert truth.why == "", truth


@pytest.mark.criterion("CH-4")
def test_notice_in_the_app_is_there_or_gone(users_told: UsersTold, scored: Scored) -> None:
    """Users see a notice while there is something to say, and none when it is over.  If red: docs/runbook.md#channel-users."""
    notice = scored(users_told)

    assert notice.why == "", notice


@pytest.mark.criterion("CH-1", "DUR-5")
def test_incident_channel_was_told(team_told: MessageDelivery, scored: Scored) -> None:
    """This rollback's message is in the team's channel, or accepted where we cannot look.  If red: docs/runbook.md#channel-internal."""
    message = scored(team_told)

    assert message.became in {"arrived", "accepted"}, message


@pytest.mark.criterion("SC-6")
def test_support_gets_as_many_tickets_as_usual(ticket_volume: TicketVolume, scored: Scored) -> None:
    """Support gets fewer tickets in an hour than chance brings once in 1,000 times.  If red: docs/runbook.md#tickets-high."""
    tickets = scored(ticket_volume)

    assert tickets.count < tickets.unusual_from, tickets
