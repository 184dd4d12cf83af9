"""Is the data still whole after the time for which PAM had to stay well?  Reads only: safe on production."""

import pytest

from pam_rollback.core.figures import Scored
from pam_rollback.database.held_data import HeldData

pytestmark = [pytest.mark.post_rollback, pytest.mark.window]


@pytest.mark.criterion("SC-4")
def test_data_is_whole_when_the_window_is_over(held_data: HeldData, scored: Scored) -> None:
    """No invariant was broken in the window, or after the checks that came before it.  If red: docs/runbook.md#data-loss."""
    data = scored(held_data)

    assert data.broken == 0, data
