"""Are people and paperwork ready for a rollback?  Reads records and calendars. What the environment does not name is not judged.

Whether a rollback could be done right now asks -m preflight; whether somebody watches, the watch itself.
"""

import pytest

from pam_rollback.core.figures import Scored
from pam_rollback.ops.readiness.rules import Finding
from pam_rollback.plan.checklist import ChecklistItem

pytestmark = [pytest.mark.readiness]


@pytest.mark.parametrize(
    "item",
    [
        pytest.param(item, marks=pytest.mark.criterion(item))
        for item in (
            "PM-10",  # each strategy was drilled lately, where drills count for this environment
            "PM-11",  # the runbook has a page for each item, and was read against the product in time
            "PM-12",  # a person is on call at any hour, also while others are away
            "PM-13",  # each real rollback has its post-mortem, finished in time
            "RP-1",  # the root cause of each real rollback was found in the plan's time
        )
    ],
)
def test_question_has_no_gap(answer: Finding, scored: Scored) -> None:
    """Drills, runbook, calendars and post-mortems: nothing is missing.  If red: the item's page, as docs/runbook.md#prevention-team."""
    found = scored(answer)

    assert not found.missing, found


@pytest.mark.checklist
@pytest.mark.advisory
@pytest.mark.parametrize(
    "item", [pytest.param(item, marks=pytest.mark.criterion(item)) for item in ("PM-2", "PM-3", "PM-4")]
)
def test_a_person_answers_for_it(checklist_item: ChecklistItem, scored: Scored) -> None:
    """How releases reach users is nowhere on record: a person vouches with --ack.  If red: docs/runbook.md#prevention-deployment."""
    done = scored(checklist_item)

    assert done.confirmed, done
