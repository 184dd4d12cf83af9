"""Does anything ask for a rollback, now or at any later moment?  Looks over and over, and has an incident told once.

Ends as a decision does: 0 nothing asks for a rollback, 10 roll back now, 11 consider it, or not known.
"""

import pytest

from pam_rollback.core.figures import Scored
from pam_rollback.ops.watch.looks import Turn

pytestmark = [pytest.mark.watch]


def test_nothing_asks_for_a_rollback(watched: Turn) -> None:
    """No incident was open when the turn ended.  If red: docs/runbook.md#watch."""
    assert watched.calm, watched


@pytest.mark.criterion("PM-8")
def test_the_watch_itself_saw(watched: Turn, scored: Scored) -> None:
    """At most 5 % of the looks proved nothing, and at most 5 % of the time went unwatched.  If red: docs/runbook.md#watch."""
    turn = scored(watched)

    assert turn.works, turn
