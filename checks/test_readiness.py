"""What can on-call rely on tonight?  Reads records and schedules, and asks services about tokens.

On the sandbox, and where the environment says so, the running commit is deployed once more. What the environment does not name is not
judged. Whether a rollback could be done right now asks -m preflight.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pam_rollback.base.figures import Scored
from pam_rollback.report.drill_ages import DrillAges

if TYPE_CHECKING:  # sessions of other phases read this file, too, and need nothing of the slice
    from pam_rollback.readiness.rules.finding import Finding

pytestmark = [pytest.mark.readiness]


@pytest.mark.criterion("PM-2")
def test_nothing_was_released_to_everybody_at_once(released_by_steps: Finding, scored: Scored) -> None:
    """Each release was let in by a ramp.  If red: docs/runbook.md#prevention-deployment."""
    releases = scored(released_by_steps)

    assert releases.ready, releases


@pytest.mark.criterion("PM-3")
def test_few_users_tried_each_release_first(tried_by_few: Finding, scored: Scored) -> None:
    """A small share of users had each release first, for the plan's time.  If red: docs/runbook.md#prevention-deployment."""
    releases = scored(tried_by_few)

    assert releases.ready, releases


@pytest.mark.criterion("PM-8")
def test_somebody_watches(watch_record: Finding, scored: Scored) -> None:
    """The watch of this environment is alive.  If red: docs/runbook.md#prevention-monitoring."""
    watch = scored(watch_record)

    assert watch.ready, watch


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


@pytest.mark.criterion("EC-1", "EC-2", "EC-3", "EC-4")
def test_somebody_answers_each_contact(contacts_kept: Finding, scored: Scored) -> None:
    """Each contact has a person, also while others are away, and takes mail.  If red: docs/runbook.md#contacts."""
    contacts = scored(contacts_kept)

    assert contacts.ready, contacts


@pytest.mark.criterion("QR-1", "QR-3")
def test_links_lead_somewhere(links_kept: Finding, scored: Scored) -> None:
    """Each link of the plan leads somewhere.  If red: docs/runbook.md#prevention-team."""
    links = scored(links_kept)

    assert links.ready, links


def test_tokens_will_last(tokens_kept: Finding, scored: Scored) -> None:
    """Each token is accepted, and none is about to end.  If red: docs/runbook.md#not-ready."""
    tokens = scored(tokens_kept)

    assert tokens.ready, tokens


def test_schedules_still_run(workflows_kept: Finding, scored: Scored) -> None:
    """GitHub has switched no workflow off.  If red: docs/runbook.md#prevention-team."""
    workflows = scored(workflows_kept)

    assert workflows.ready, workflows


def test_somebody_answers_for_each_waiver(waivers_kept: Finding, scored: Scored) -> None:
    """No waiver is provisional, and none has ended.  If red: docs/runbook.md#prevention-team."""
    waivers = scored(waivers_kept)

    assert waivers.ready, waivers


@pytest.mark.criterion("PM-4")
def test_no_user_notices_an_exchange(exchange_kept: Finding, scored: Scored) -> None:
    """While one release takes the place of another, every answer is good.  If red: docs/runbook.md#prevention-deployment."""
    exchange = scored(exchange_kept)

    assert exchange.ready, exchange
