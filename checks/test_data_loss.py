"""Are the rows of before still there, and as they were?  Reads only: safe on production."""

import pytest

from pam_rollback.base.figures import Scored
from pam_rollback.integrity.account_contents import ContentsChange
from pam_rollback.integrity.row_counts import RowLoss
from pam_rollback.integrity.row_rewriting import RowMoves, RowRewriting

pytestmark = [pytest.mark.post_rollback, pytest.mark.integrity]


@pytest.mark.criterion("SC-4", "POST-2")
def test_no_row_is_lost(row_loss: RowLoss, scored: Scored) -> None:
    """Every row of before is still there, and no other in its place.  If red: docs/runbook.md#data-loss."""
    fact = scored(row_loss)

    assert fact.holds, fact


@pytest.mark.criterion("SC-4", "IR-3", "POST-2")
def test_no_row_is_rewritten(row_rewriting: RowRewriting, scored: Scored) -> None:
    """What nobody changes of the rows of before is as it was, or says when it was changed.  If red: docs/runbook.md#rows-rewritten."""
    fact = scored(row_rewriting)

    assert fact.none, fact


@pytest.mark.criterion("SC-4", "IR-3", "POST-2")
def test_no_row_is_moved(row_moves: RowMoves, scored: Scored) -> None:
    """The rows of before belong to whom they belonged to.  If red: docs/runbook.md#rows-moved."""
    fact = scored(row_moves)

    assert fact.none, fact


@pytest.mark.criterion("SC-4", "IR-3", "POST-2")
def test_the_account_is_shown_what_it_had(contents_change: ContentsChange, scored: Scored) -> None:
    """The test account reads its rows, profile and settings as they were.  If red: docs/runbook.md#data-corrupted."""
    fact = scored(contents_change)

    assert fact.none, fact
