"""Must we roll back? Each test is red when its criterion of the plan is met.  Reads only, but for one row of the test account.

The criteria about browsers, voice and accessibility are judged by the journeys, those about access and shares of users by the detectors:
`pytest -m decision` runs all of them, and the recommendation stands at its end. Of the data, what was lost comes before what that breaks.
"""

import pytest

from pam_rollback.database.row_counts import RowLoss
from pam_rollback.database.row_rewriting import RowMoves, RowRewriting
from pam_rollback.decision.decision import Affected, EnterJudged, Lasting
from pam_rollback.decision.decision_states import Leak, judged_loss, judged_rewriting
from pam_rollback.decision.watcher import Slowdown, Watch

pytestmark = [pytest.mark.decision]


@pytest.mark.integrity
@pytest.mark.criterion("IR-3")
def test_no_row_of_users_is_gone(row_loss: RowLoss, judged: EnterJudged) -> None:
    """0 of the rows that the baseline counted are lost.  If red: docs/runbook.md#data-corrupted."""
    rows = judged(judged_loss(row_loss))

    assert rows.affected <= rows.affected_max, rows


@pytest.mark.integrity
@pytest.mark.criterion("IR-3")
def test_no_row_of_users_is_moved(row_moves: RowMoves, judged: EnterJudged) -> None:
    """0 of the baseline's rows belong to another user.  If red: docs/runbook.md#rows-moved."""
    rows = judged(judged_rewriting(row_moves))

    assert rows.affected <= rows.affected_max, rows


@pytest.mark.integrity
@pytest.mark.criterion("IR-3")
def test_no_row_of_users_is_rewritten(row_rewriting: RowRewriting, judged: EnterJudged) -> None:
    """0 of the baseline's rows say something else without saying when they were changed.  If red: docs/runbook.md#rows-rewritten."""
    rows = judged(judged_rewriting(row_rewriting))

    assert rows.affected <= rows.affected_max, rows


@pytest.mark.integrity
@pytest.mark.criterion("IR-3")
def test_no_data_of_users_is_damaged(user_data: Affected, judged: EnterJudged) -> None:
    """0 rows of users break an invariant.  If red: docs/runbook.md#data-corrupted."""
    rows = judged(user_data)

    assert rows.affected <= rows.affected_max, rows


@pytest.mark.performance
@pytest.mark.criterion("IR-6")
def test_memory_does_not_leak(memory_trend: Leak, judged: EnterJudged) -> None:
    """Memory is at most 200 MB, or does not grow.  If red: docs/runbook.md#memory-high."""
    memory = judged(memory_trend)

    assert memory.mb <= memory.mb_max or memory.mb_per_min <= memory.noise_mb_per_min, memory


@pytest.mark.health
@pytest.mark.criterion("IR-2")
def test_the_service_is_not_down(watch: Watch, judged: EnterJudged) -> None:
    """No part of PAM was without a single good answer for 5 minutes.  If red: docs/runbook.md#service-down."""
    downtime: Lasting = judged(watch.downtime)

    assert downtime.met_s < downtime.duration_s, downtime


@pytest.mark.health
@pytest.mark.criterion("IR-5")
def test_few_requests_fail(watch: Watch, judged: EnterJudged) -> None:
    """No part of PAM answered more than 20 % of the requests badly for 5 minutes.  If red: docs/runbook.md#error-rate-spike."""
    errors: Lasting = judged(watch.errors)

    assert errors.met_s < errors.duration_s, errors


@pytest.mark.performance
@pytest.mark.criterion("IR-4")
def test_answers_are_not_far_slower(slower: Slowdown, judged: EnterJudged) -> None:
    """p95 was not more than 50 % above the baseline's for 10 minutes.  If red: docs/runbook.md#responses-slow."""
    p95: Lasting = judged(slower.far)

    assert p95.met_s < p95.duration_s, p95


@pytest.mark.performance
@pytest.mark.criterion("CR-5")
def test_answers_are_not_noticeably_slower(slower: Slowdown, judged: EnterJudged) -> None:
    """p95 was not 20 to 50 % above the baseline's for 5 minutes.  If red: docs/runbook.md#responses-slow."""
    p95: Lasting = judged(slower.noticeable)

    assert p95.met_s < p95.duration_s, p95
