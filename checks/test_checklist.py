"""Is every item of the plan's checklists done, and who says so?  Reads only, and decides nothing: it is listed beside the verdict.

What can be measured is measured by what this session did and saw. For everything else a person vouches with --ack, for this run only.
"""

import pytest

from pam_rollback.core.figures import Scored
from pam_rollback.plan.checklist import ChecklistItem

pytestmark = [pytest.mark.post_rollback, pytest.mark.checklist, pytest.mark.advisory]

ITEMS = (
    *("PRE-1", "PRE-2", "PRE-3", "PRE-4", "PRE-5"),  # before the rollback
    *("DUR-1", "DUR-2", "DUR-3", "DUR-4", "DUR-5"),  # during it
    *("POST-1", "POST-2", "POST-3", "POST-4", "POST-5", "POST-6"),  # after it
    *("MT-4", "CH-2", "CH-5"),  # what users say, Twitter and e-mail: only people know
    *("TF-4", "TF-5", "TF-6"),  # how long each list took; the last one until all others were judged
)


@pytest.mark.parametrize("item", [pytest.param(item, marks=pytest.mark.criterion(item)) for item in ITEMS])
def test_item_is_confirmed(checklist_item: ChecklistItem, scored: Scored) -> None:
    """This session measured that it is done, or a person vouches.  If red: the item's page, as docs/runbook.md#checklist-before."""
    done = scored(checklist_item)

    assert done.confirmed, done
