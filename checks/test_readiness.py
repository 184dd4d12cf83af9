"""Are people and paperwork ready for a rollback?  Reads records and calendars. What the environment does not name is not judged.

Whether a rollback could be done right now asks -m preflight; whether somebody watches, the watch itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pam_rollback.base.figures import Scored
from pam_rollback.plan.checklist import ChecklistItem
from pam_rollback.report.earlier_runs import DrillAges

if TYPE_CHECKING:  # sessions of other phases read this file, too, and need nothing of the slice
    from pam_rollback.readiness.rules import Finding

pytestmark = [pytest.mark.readiness]


@pytest.mark.criterion("PM-10")
def test_every_strategy_was_drilled(drills_here: DrillAges, scored: Scored) -> None:
    """Each strategy was drilled lately, where drills count for this environment.  If red: docs/runbook.md#prevention-team."""
    drills = scored(drills_here)

    assert drills.fresh, drills


@pytest.mark.criterion("PM-11")
def test_the_runbook_is_kept(runbook_page: Finding, scored: Scored) -> None:
    """Each item has its page, and somebody reviewed it in time.  If red: docs/runbook.md#prevention-team."""
    runbook = scored(runbook_page)

    assert runbook.ready, runbook


@pytest.mark.criterion("PM-12")
def test_somebody_is_on_call(on_call: Finding, scored: Scored) -> None:
    """Somebody is on call at any hour, also while others are away.  If red: docs/runbook.md#prevention-team."""
    schedule = scored(on_call)

    assert schedule.ready, schedule


@pytest.mark.criterion("PM-13")
def test_every_rollback_has_its_postmortem(postmortems_kept: Finding, scored: Scored) -> None:
    """Each real rollback has its post-mortem, finished in time.  If red: docs/runbook.md#prevention-team."""
    postmortems = scored(postmortems_kept)

    assert postmortems.ready, postmortems


@pytest.mark.criterion("RP-1")
def test_root_causes_were_found(causes_kept: Finding, scored: Scored) -> None:
    """The root cause of each real rollback was found in the plan's time.  If red: docs/runbook.md#recovery-root-cause."""
    causes = scored(causes_kept)

    assert causes.ready, causes


@pytest.mark.checklist
@pytest.mark.advisory
@pytest.mark.parametrize(
    "item",
    [
        pytest.param("PM-2", marks=pytest.mark.criterion("PM-2")),
        pytest.param("PM-3", marks=pytest.mark.criterion("PM-3")),
        pytest.param("PM-4", marks=pytest.mark.criterion("PM-4")),
    ],
)
def test_a_person_answers_for_it(item: str, checklist_item: ChecklistItem, scored: Scored) -> None:
    """How releases reach users is nowhere on record: a person vouches with --ack.  If red: docs/runbook.md#prevention-deployment."""
    assert scored(checklist_item).confirmed, item
