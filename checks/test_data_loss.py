"""Are the rows of before still there?  Reads only: safe on production."""

from collections.abc import Callable

import pytest

from pam_rollback.core.row_counts import RowLoss

pytestmark = [pytest.mark.post_rollback, pytest.mark.integrity]

Scored = Callable[[RowLoss], RowLoss]


@pytest.mark.criterion("SC-4", "POST-2")
def test_no_row_is_lost(row_loss: RowLoss, scored: Scored) -> None:
    """Every row of before is still there, and no other in its place.  If red: docs/runbook.md#data-loss."""
    fact = scored(row_loss)

    assert fact.holds, fact
