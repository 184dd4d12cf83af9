"""Must we roll back? Each test is red when its criterion of the plan is met.  Reads only, but for one row of the test account.

The criteria about browsers, voice and accessibility are judged by the journeys, those about access and shares of users by the detectors:
`pytest -m decision` runs all of them, and the recommendation stands at its end. Of the data, what was lost comes before what that breaks.
"""

from collections.abc import Callable

import pytest

from pam_rollback.decision.decision import Judged
from pam_rollback.decision.decision_states import judged_loss, judged_rewriting
from pam_rollback.decision.fixtures.decision import Slowdown, Watch
from pam_rollback.integrity.row_counts import RowLoss
from pam_rollback.integrity.row_rewriting import RowMoves, RowRewriting

pytestmark = [pytest.mark.decision]

Enter = Callable[[Judged], Judged]


@pytest.mark.integrity
@pytest.mark.criterion("IR-3")
def test_no_row_of_users_is_gone(row_loss: RowLoss, judged: Enter) -> None:
    """The rows that the baseline counted are all there.  If red: docs/runbook.md#data-corrupted."""
    found = judged(judged_loss(row_loss))

    assert not found.holds, found


@pytest.mark.integrity
@pytest.mark.criterion("IR-3")
def test_no_row_of_users_is_moved(row_moves: RowMoves, judged: Enter) -> None:
    """The baseline's rows belong to whom they belonged to.  If red: docs/runbook.md#rows-moved."""
    found = judged(judged_rewriting(row_moves))

    assert not found.holds, found


@pytest.mark.integrity
@pytest.mark.criterion("IR-3")
def test_no_row_of_users_is_rewritten(row_rewriting: RowRewriting, judged: Enter) -> None:
    """What nobody changes of the baseline's rows is as it was, or says when it was changed.  If red: docs/runbook.md#rows-rewritten."""
    found = judged(judged_rewriting(row_rewriting))

    assert not found.holds, found


@pytest.mark.integrity
@pytest.mark.criterion("IR-3")
def test_no_data_of_users_is_damaged(user_data: Judged, judged: Enter) -> None:
    """Every invariant of the users' data holds.  If red: docs/runbook.md#data-corrupted."""
    found = judged(user_data)

    assert not found.holds, found


@pytest.mark.performance
@pytest.mark.criterion("IR-6")
def test_memory_does_not_leak(memory_trend: Judged, judged: Enter) -> None:
    """Memory is not above the plan's level and growing.  If red: docs/runbook.md#memory-high."""
    found = judged(memory_trend)

    assert not found.holds, found


@pytest.mark.health
@pytest.mark.criterion("IR-2")
def test_the_service_is_not_down(watch: Watch, judged: Enter) -> None:
    """Users can be served, or could at some moment of the plan's time.  If red: docs/runbook.md#service-down."""
    found = judged(watch.downtime)

    assert not found.holds, found


@pytest.mark.health
@pytest.mark.criterion("IR-5")
def test_few_requests_fail(watch: Watch, judged: Enter) -> None:
    """The error rate was not above the plan's limit for all of its time.  If red: docs/runbook.md#error-rate-spike."""
    found = judged(watch.errors)

    assert not found.holds, found


@pytest.mark.performance
@pytest.mark.criterion("IR-4")
def test_answers_are_not_far_slower(slower: Slowdown, judged: Enter) -> None:
    """p95 was not far above the baseline's for all of the plan's time.  If red: docs/runbook.md#responses-slow."""
    found = judged(slower.far)

    assert not found.holds, found


@pytest.mark.performance
@pytest.mark.criterion("CR-5")
def test_answers_are_not_noticeably_slower(slower: Slowdown, judged: Enter) -> None:
    """p95 is not in the band above the baseline's that asks to consider it.  If red: docs/runbook.md#responses-slow."""
    found = judged(slower.noticeable)

    assert not found.holds, found
