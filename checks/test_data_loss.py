"""Are the rows of before still there, and as they were?  Reads only: safe on production."""

import pytest

from pam_rollback.core.figures import Measured, Scored
from pam_rollback.database.row_counts import RowLoss
from pam_rollback.database.row_rewriting import RowMoves, RowRewriting

pytestmark = [pytest.mark.post_rollback, pytest.mark.integrity]


@pytest.mark.criterion("SC-4", "POST-2")
def test_no_row_is_lost(row_loss: RowLoss, scored: Scored) -> None:
    """None of the rows that were counted before is lost or exchanged for another.  If red: docs/runbook.md#data-loss."""
    counted = scored(row_loss)

    assert counted.tables, counted
    for table in counted.tables:
        assert table.before.rows > 0, counted
        assert table.lost <= table.lost_max, counted
        assert not table.replaced, counted


@pytest.mark.criterion("SC-4", "IR-3", "POST-2")
def test_no_row_is_rewritten(row_rewriting: RowRewriting, scored: Scored) -> None:
    """0 rows of before say something else without saying when they were changed.  If red: docs/runbook.md#rows-rewritten."""
    rewritten = scored(row_rewriting)

    assert rewritten.damaged_rows == 0, rewritten


@pytest.mark.criterion("SC-4", "IR-3", "POST-2")
def test_no_row_is_moved(row_moves: RowMoves, scored: Scored) -> None:
    """0 rows of before belong to another user.  If red: docs/runbook.md#rows-moved."""
    moved = scored(row_moves)

    assert moved.damaged_rows == 0, moved


@pytest.mark.criterion("SC-4", "IR-3", "POST-2")
def test_the_account_is_shown_what_it_had(contents_change: Measured, scored: Scored) -> None:
    """The test account reads its rows, profile and settings as they were.  If red: docs/runbook.md#data-corrupted."""
    contents = scored(contents_change)

    assert contents.number == 0, contents
