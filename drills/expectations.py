"""Did the rollback help users, and is nothing lost?   Each drill imports by name what it is held against.

First what every rollback is, whatever it does: the incident that it answers, the people who hear of it, the time until users are well again
and stay so, the writes and settings that are still there. ``test_users_recover_in_time`` serves the objective of the drill's own strategy.
Then what a rollback of the front end, or of the back end, is, whichever way it goes.
"""

import pytest

from pam_rollback.core.figures import Measured, Scored
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.plan_items import ErrorRateTrigger
from pam_rollback.probe.incident import CompleteRecovery, Incident
from pam_rollback.probe.ledger_verdict import LedgerVerdict
from pam_rollback.probe.recovery import JudgedRecovery, UndamagedRollback
from pam_rollback.rollback.deploys import Deploy, Service
from pam_rollback.rollback.frontend import SiteRestored
from pam_rollback.target.environment import Environment
from pam_rollback.target.served_release import Served


def constant_page(_: pytest.Item, environment: Environment) -> str:
    """Return why switches change nothing that a page shows; empty where they do."""
    return (environment.contract.flags.constants or "") if environment.has_switches else ""


@pytest.mark.drill
@pytest.mark.criterion("IR-5")
def test_incident_is_seen(incident: Incident, plan: Plan, scored: Scored) -> None:
    """More than 20 % of requests fail, as the plan's own trigger (IR-5) asks for 5 minutes.  If red: docs/runbook.md#error-rate-spike."""
    seen = scored(incident.seen)

    assert seen.value_pct > plan.the(ErrorRateTrigger).error_rate_pct_max, seen


@pytest.mark.criterion("PRE-3")
@pytest.mark.communication
def test_team_was_notified(team_notice: str) -> None:
    """The incident channel accepted the message, with no problem named.  If red: docs/runbook.md#notify-team."""
    assert team_notice == "", team_notice


def test_users_recover_in_time(users_recovered: JudgedRecovery | UndamagedRollback, scored: Scored) -> None:
    """Users are well again within 30 s (RTO-1), 5 (RTO-2), 10 (RTO-3) or 15 minutes (RTO-4).  If red: docs/runbook.md#recovery-too-slow."""
    recovered = scored(users_recovered)

    assert recovered.took_s <= recovered.objective_s, recovered


@pytest.mark.criterion("RTO-5")
def test_recovery_is_complete_in_time(complete_recovery: CompleteRecovery, scored: Scored) -> None:
    """Within 30 minutes of the decision users are well, and have stayed so for 15 minutes.  If red: docs/runbook.md#recovery-too-slow."""
    complete = scored(complete_recovery)

    assert complete.took_s <= complete.objective_s, complete


@pytest.mark.writes
@pytest.mark.criterion("RPO-1", "SC-4")
def test_no_acknowledged_write_is_lost(surviving_writes: LedgerVerdict, scored: Scored) -> None:
    """No write acknowledged before, during or after the rollback is lost, altered or doubled.  If red: docs/runbook.md#data-loss."""
    writes = scored(surviving_writes)

    assert writes.gone <= writes.lost_max, writes
    assert writes.altered == 0, writes
    assert writes.duplicated == 0, writes


@pytest.mark.writes
@pytest.mark.criterion("RPO-2")
def test_no_older_configuration_is_lost(settings_loss: Measured, scored: Scored) -> None:
    """No flag and no setting older than 5 minutes is lost or changed.  If red: docs/runbook.md#configuration-lost."""
    lost = scored(settings_loss)

    assert lost.number == 0, lost


@pytest.mark.criterion("ST-3")
def test_visitors_get_the_target(site_served_now: Served, scored: Scored) -> None:
    """After the rollback the site serves the target, by its commit and its page.  If red: docs/runbook.md#frontend-rollback."""
    served = scored(site_served_now)

    assert served.proven_by, served


@pytest.mark.criterion("ST-3")
def test_nothing_is_published_over_it(rolled_back: SiteRestored, published_now: Deploy) -> None:
    """The target is still published, and locked: what is built waits.  If red: docs/runbook.md#frontend-rollback."""
    assert published_now.id == rolled_back.published.id, published_now
    assert published_now.locked, published_now


@pytest.mark.criterion("ST-4")
def test_the_target_answers(api_served_now: Served, scored: Scored) -> None:
    """After the rollback the target answers, whatever its host says.  If red: docs/runbook.md#backend-rollback."""
    served = scored(api_served_now)

    assert served.proven_by or served.only_the_host_says, served


@pytest.mark.criterion("ST-4")
def test_the_next_push_does_not_deploy(service_now: Service) -> None:
    """After the rollback automatic deploys are off.  If red: docs/runbook.md#backend-rollback."""
    assert not service_now.auto_deploy, service_now
