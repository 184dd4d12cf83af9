"""Can the product reach its rows, and nobody else?  Reads only: safe on production."""

import pytest

from pam_rollback.base.figures import Scored
from pam_rollback.environment.known_before import Judge
from pam_rollback.integrity.row_access import Changes, Reach, Strangers

pytestmark = [pytest.mark.post_rollback, pytest.mark.integrity]


@pytest.mark.criterion("SC-4", "POST-2")
def test_no_stranger_is_shown_a_row(shown_to_strangers: Strangers, scored: Scored, known: Judge) -> None:
    """The policies show somebody who owns nothing no row of others.  If red: docs/runbook.md#rows-open."""
    fact = known(scored(shown_to_strangers))

    assert fact.none, fact


@pytest.mark.criterion("SC-4", "POST-2")
def test_the_product_can_reach_its_rows(product_reach: Reach, scored: Scored) -> None:
    """Each table has a policy, and users have a right to what they are promised.  If red: docs/runbook.md#rows-out-of-reach."""
    fact = scored(product_reach)

    assert fact.holds, fact


@pytest.mark.criterion("SC-4", "POST-2")
def test_policies_and_privileges_are_as_before(changed_access: Changes, scored: Scored) -> None:
    """Who may reach which rows is what it was before.  If red: docs/runbook.md#access-changed."""
    fact = scored(changed_access)

    assert fact.none, fact
