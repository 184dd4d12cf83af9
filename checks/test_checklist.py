"""Is every item of the plan's checklists done, and who says so?  Reads only, and decides nothing: it is listed beside the verdict.

What can be measured is measured by what this session did and saw. For everything else a person vouches with --ack, for this run only.
"""

import pytest

from pam_rollback.base.figures import Scored
from pam_rollback.plan.checklist import ChecklistItem

pytestmark = [pytest.mark.post_rollback, pytest.mark.checklist, pytest.mark.advisory]


@pytest.mark.criterion("PRE-1")
def test_a_criterion_was_met(checklist_item: ChecklistItem, scored: Scored) -> None:
    """It was known why: a criterion was seen to be broken, or somebody declared it.  If red: docs/runbook.md#checklist-before."""
    item = scored(checklist_item)

    assert item.confirmed, item


@pytest.mark.criterion("PRE-2")
def test_the_strategy_was_chosen(checklist_item: ChecklistItem, scored: Scored) -> None:
    """The decision recommended the strategy, or a person vouches for the choice.  If red: docs/runbook.md#checklist-before."""
    item = scored(checklist_item)

    assert item.confirmed, item


@pytest.mark.criterion("PRE-3")
def test_the_channel_was_told_at_once(checklist_item: ChecklistItem, scored: Scored) -> None:
    """The incident channel accepted the message.  If red: docs/runbook.md#checklist-before."""
    item = scored(checklist_item)

    assert item.confirmed, item


@pytest.mark.criterion("PRE-4")
def test_the_incident_is_in_the_tracker(checklist_item: ChecklistItem, scored: Scored) -> None:
    """The tracker has an open incident, or a person vouches for it.  If red: docs/runbook.md#checklist-before."""
    item = scored(checklist_item)

    assert item.confirmed, item


@pytest.mark.criterion("PRE-5")
def test_dashboards_and_logs_are_open(checklist_item: ChecklistItem, scored: Scored) -> None:
    """A person vouches that somebody looks at dashboards and logs.  If red: docs/runbook.md#checklist-before."""
    item = scored(checklist_item)

    assert item.confirmed, item


@pytest.mark.criterion("DUR-1")
def test_the_strategy_was_carried_out(checklist_item: ChecklistItem, scored: Scored) -> None:
    """By the journal, every step of the rollback is done.  If red: docs/runbook.md#checklist-during."""
    item = scored(checklist_item)

    assert item.confirmed, item


@pytest.mark.criterion("DUR-2")
def test_progress_was_watched(checklist_item: ChecklistItem, scored: Scored) -> None:
    """Users were watched from before the first step on, without a hole.  If red: docs/runbook.md#checklist-during."""
    item = scored(checklist_item)

    assert item.confirmed, item


@pytest.mark.criterion("DUR-3")
def test_health_checks_were_run(checklist_item: ChecklistItem, scored: Scored) -> None:
    """The health checks ran in this session, and all are green.  If red: docs/runbook.md#checklist-during."""
    item = scored(checklist_item)

    assert item.confirmed, item


@pytest.mark.criterion("DUR-4")
def test_journeys_were_walked(checklist_item: ChecklistItem, scored: Scored) -> None:
    """The journeys were walked in this session, and all arrived.  If red: docs/runbook.md#checklist-during."""
    item = scored(checklist_item)

    assert item.confirmed, item


@pytest.mark.criterion("DUR-5")
def test_people_heard_how_it_goes(checklist_item: ChecklistItem, scored: Scored) -> None:
    """Those who wait were told how it goes.  If red: docs/runbook.md#checklist-during."""
    item = scored(checklist_item)

    assert item.confirmed, item


@pytest.mark.criterion("POST-1")
def test_the_service_was_stable_long_enough(checklist_item: ChecklistItem, scored: Scored) -> None:
    """The success criteria were held for as long as the plan asks.  If red: docs/runbook.md#checklist-after."""
    item = scored(checklist_item)

    assert item.confirmed, item


@pytest.mark.criterion("POST-2")
def test_the_data_is_whole(checklist_item: ChecklistItem, scored: Scored) -> None:
    """The integrity checks ran in this session, and nothing is damaged.  If red: docs/runbook.md#checklist-after."""
    item = scored(checklist_item)

    assert item.confirmed, item


@pytest.mark.criterion("POST-3")
def test_support_is_quiet(checklist_item: ChecklistItem, scored: Scored) -> None:
    """No more people than usual ask support for help.  If red: docs/runbook.md#checklist-after."""
    item = scored(checklist_item)

    assert item.confirmed, item


@pytest.mark.criterion("POST-4")
def test_the_public_reads_the_truth(checklist_item: ChecklistItem, scored: Scored) -> None:
    """The status page says how the service is.  If red: docs/runbook.md#checklist-after."""
    item = scored(checklist_item)

    assert item.confirmed, item


@pytest.mark.criterion("POST-5")
def test_lessons_are_written_down(checklist_item: ChecklistItem, scored: Scored) -> None:
    """A person vouches that the lessons are noted, and where.  If red: docs/runbook.md#checklist-after."""
    item = scored(checklist_item)

    assert item.confirmed, item


@pytest.mark.criterion("POST-6")
def test_the_fix_is_planned(checklist_item: ChecklistItem, scored: Scored) -> None:
    """A person vouches for the fix, its owner and the date.  If red: docs/runbook.md#checklist-after."""
    item = scored(checklist_item)

    assert item.confirmed, item


@pytest.mark.criterion("MT-4")
def test_users_report_nothing_unusual(checklist_item: ChecklistItem, scored: Scored) -> None:
    """A person has read what users say elsewhere.  If red: docs/runbook.md#checklist-after."""
    item = scored(checklist_item)

    assert item.confirmed, item


@pytest.mark.criterion("CH-2")
def test_twitter_was_told(checklist_item: ChecklistItem, scored: Scored) -> None:
    """A person vouches for the post, or that none was needed.  If red: docs/runbook.md#checklist-after."""
    item = scored(checklist_item)

    assert item.confirmed, item


@pytest.mark.criterion("CH-5")
def test_users_were_written_to(checklist_item: ChecklistItem, scored: Scored) -> None:
    """A person vouches for the e-mail, or that none was needed.  If red: docs/runbook.md#checklist-after."""
    item = scored(checklist_item)

    assert item.confirmed, item


@pytest.mark.criterion("TF-4")
def test_the_first_step_came_in_time(checklist_item: ChecklistItem, scored: Scored) -> None:
    """The checklist before the rollback took no longer than the plan gives it.  If red: docs/runbook.md#checks-late."""
    item = scored(checklist_item)

    assert item.confirmed, item


@pytest.mark.criterion("TF-5")
def test_the_rollback_was_over_in_time(checklist_item: ChecklistItem, scored: Scored) -> None:
    """The checklist during the rollback took no longer than the plan gives it.  If red: docs/runbook.md#checks-late."""
    item = scored(checklist_item)

    assert item.confirmed, item


@pytest.mark.criterion("TF-6")
def test_the_verification_was_over_in_time(checklist_item: ChecklistItem, scored: Scored) -> None:
    """The checklist after the rollback took no longer than the plan gives it.  If red: docs/runbook.md#checks-late."""
    item = scored(checklist_item)

    assert item.confirmed, item
