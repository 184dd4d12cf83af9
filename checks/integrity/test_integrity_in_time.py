"""Did the first word on the data come in the time that the plan gives it?  Reads only: safe on production."""

import pytest

from pam_rollback.core.figures import Scored
from pam_rollback.plugin.topics.checklist import FirstVerdict

pytestmark = [pytest.mark.post_rollback, pytest.mark.integrity]


@pytest.mark.advisory
@pytest.mark.criterion("TF-3")
def test_integrity_verdict_came_in_time(first_verdict: FirstVerdict, scored: Scored) -> None:
    """The first answer to "is the data whole?" came within 15 minutes of the rollback.  If red: docs/runbook.md#checks-late."""
    verdict = scored(first_verdict)

    assert verdict.came_s <= verdict.due_until_s, verdict
