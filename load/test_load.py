"""Does the candidate bear the load of the plan?  Asks as the test account and as everybody; never where no load is declared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pam_rollback.base.figures import Scored

if TYPE_CHECKING:  # sessions of other phases read this file, too, and need nothing of the slice
    from pam_rollback.load.release_comparison import ReleaseComparison
    from pam_rollback.load.verdict import LoadVerdict
    from pam_rollback.plan.checklist import ChecklistItem

pytestmark = [pytest.mark.redeploy_gate, pytest.mark.load, pytest.mark.writes]


@pytest.mark.criterion("GA-6", "LG-1")
def test_answers_are_fast_under_load(load_verdict: LoadVerdict, scored: Scored) -> None:
    """95 of 100 answers come within the plan's limit, counted from when they were due.  If red: docs/runbook.md#load-slow."""
    p95 = scored(load_verdict.p95)

    assert p95.good, p95


@pytest.mark.criterion("GA-6", "LG-2")
def test_slowest_answers_are_bearable_under_load(load_verdict: LoadVerdict, scored: Scored) -> None:
    """99 of 100 answers come before users give up.  If red: docs/runbook.md#load-slow."""
    p99 = scored(load_verdict.p99)

    assert p99.good, p99


@pytest.mark.criterion("GA-6", "LG-3")
def test_few_requests_fail_under_load(load_verdict: LoadVerdict, scored: Scored) -> None:
    """The share of wrong or missing answers is below the plan's limit, with 95 % confidence.  If red: docs/runbook.md#load-errors."""
    errors = scored(load_verdict.errors)

    assert errors.good, errors


@pytest.mark.criterion("GA-6", "LG-4")
def test_no_outage_under_load(load_verdict: LoadVerdict, scored: Scored) -> None:
    """No run of bad seconds is longer than tolerated, however small its share.  If red: docs/runbook.md#load-outage."""
    outage = scored(load_verdict.outage)

    assert outage.good, outage


@pytest.mark.criterion("GA-6", "LG-5")
def test_each_step_of_the_load_is_borne(load_verdict: LoadVerdict, scored: Scored) -> None:
    """No step breaks it; a failure names the load at which it broke.  If red: docs/runbook.md#load-step."""
    steps = scored(load_verdict.steps)

    assert steps.good, steps


@pytest.mark.criterion("GA-6", "LG-6")
def test_asked_load_was_reached(load_verdict: LoadVerdict, scored: Scored) -> None:
    """At full load as much is answered well as was asked for.  If red: docs/runbook.md#load-not-reached."""
    reached = scored(load_verdict.reached)

    assert reached.good, reached


@pytest.mark.criterion("GA-6", "LG-7")
def test_candidate_is_as_fast_as_stable(release_comparison: ReleaseComparison, scored: Scored) -> None:
    """In the same run the candidate is no slower than the stable release.  If red: docs/runbook.md#load-candidate-worse."""
    speed = scored(release_comparison.speed)

    assert speed.good, speed


@pytest.mark.criterion("GA-6", "LG-8")
def test_candidate_fails_as_seldom_as_stable(release_comparison: ReleaseComparison, scored: Scored) -> None:
    """In the same run the candidate fails no more often than the stable release.  If red: docs/runbook.md#load-candidate-worse."""
    errors = scored(release_comparison.errors)

    assert errors.good, errors


@pytest.mark.advisory
@pytest.mark.criterion("LG-9")
def test_servers_record_of_the_load_agrees(servers_record: ChecklistItem, scored: Scored) -> None:
    """A person has seen in the servers' own metrics what the generator asked.  If red: docs/runbook.md#load-records-disagree."""
    item = scored(servers_record)

    assert item.confirmed, item
