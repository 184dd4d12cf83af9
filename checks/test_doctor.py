"""Is the configuration complete?  Sends nothing: says of each plan item whether it can be judged here, or after which command."""

import pytest

from pam_rollback.core.figures import Scored
from pam_rollback.ops.connect.doctor import Completeness

pytestmark = [pytest.mark.doctor]


def test_each_plan_item_can_be_judged(completeness: Completeness, scored: Scored) -> None:
    """No plan item waits for a variable, a table or a baseline.  If red: docs/runbook.md#not-judged."""
    judged = scored(completeness)

    assert len(judged.open) == 0, judged
