"""Can the product reach its rows, and nobody else?  Reads only: safe on production."""

import pytest

from pam_rollback.core.figures import Measured, Scored
from pam_rollback.database.row_access import Strangers
from pam_rollback.database.schema_changes import Changes
from pam_rollback.target.known_before import Judge

pytestmark = [pytest.mark.post_rollback, pytest.mark.integrity]


@pytest.mark.criterion("SC-4", "POST-2")
def test_no_stranger_is_shown_a_row(shown_to_strangers: Strangers, scored: Scored, known: Judge) -> None:
    """0 tables show a stranger, who owns nothing, a row of others.  If red: docs/runbook.md#rows-open."""
    shown = known(scored(shown_to_strangers))

    assert shown.open_tables == 0, shown


@pytest.mark.criterion("SC-4", "POST-2")
def test_the_product_can_reach_its_rows(product_reach: Measured, scored: Scored) -> None:
    """0 policies and privileges are lacking of those that the product needs.  If red: docs/runbook.md#rows-out-of-reach."""
    reach = scored(product_reach)

    assert reach.number == 0, reach


@pytest.mark.criterion("SC-4", "POST-2")
def test_policies_and_privileges_are_as_before(changed_access: Changes, scored: Scored) -> None:
    """0 policies and privileges differ from those of before.  If red: docs/runbook.md#access-changed."""
    access = scored(changed_access)

    assert access.differences == 0, access
