"""Does building and publishing the last stable commit help every visitor?"""

import pytest

from pam_rollback.actions.frontend import FrontendRollback
from pam_rollback.core.complete_recovery import CompleteRecovery
from pam_rollback.core.deploys import Deploy
from pam_rollback.core.figures import Scored
from pam_rollback.core.incident import Incident
from pam_rollback.core.plan import Plan
from pam_rollback.core.plan_items import RecoveryTime
from pam_rollback.core.recovery import Recovery
from pam_rollback.core.served_release import Served
from pam_rollback.core.settings_loss import SettingsLoss
from pam_rollback.plugin.fixtures.objectives import SurvivingWrites

pytestmark = pytest.mark.rollback


@pytest.mark.drill
@pytest.mark.criterion("IR-5")
def test_incident_is_seen(incident: Incident, plan: Plan, scored: Scored) -> None:
    """Visitors get no page: there is something to recover from.  If red: docs/runbook.md#error-rate-spike."""
    seen = scored(incident.seen)

    assert seen.value_pct > plan.immediate_criteria["IR-5"].error_rate_pct_max, seen


@pytest.mark.criterion("ST-3")
def test_visitors_get_the_target(site_served_now: Served, scored: Scored) -> None:
    """Asked again after the rollback, by what is served: its commit and its page.  If red: docs/runbook.md#frontend-rollback."""
    served = scored(site_served_now)

    assert served.is_wanted, served


@pytest.mark.criterion("ST-3")
def test_nothing_is_published_over_it(site_rebuilt: FrontendRollback, published_now: Deploy) -> None:
    """Asked again, it is still the target, and locked: what is built waits.  If red: docs/runbook.md#frontend-rollback."""
    assert published_now.id == site_rebuilt.published.id, published_now
    assert published_now.locked, published_now


@pytest.mark.criterion("PRE-3")
@pytest.mark.communication
def test_team_was_notified(team_notice: str) -> None:
    """The incident channel accepted the message.  If red: docs/runbook.md#notify-team."""
    assert team_notice == "", team_notice


@pytest.mark.criterion("RTO-3")
def test_users_recover_in_time(recovery: Recovery, objective: RecoveryTime, scored: Scored) -> None:
    """From the decision, users are well again within the objective.  If red: docs/runbook.md#recovery-too-slow."""
    recovered = scored(recovery.within(objective.max_s))

    assert recovered.in_time, recovered


@pytest.mark.criterion("RTO-5")
def test_recovery_is_complete_in_time(complete_recovery: CompleteRecovery, scored: Scored) -> None:
    """From the decision to the end of the plan's whole window, all within the objective.  If red: docs/runbook.md#recovery-too-slow."""
    complete = scored(complete_recovery)

    assert complete.in_time, complete


@pytest.mark.writes
@pytest.mark.criterion("RPO-1", "SC-4")
def test_no_acknowledged_write_is_lost(surviving_writes: SurvivingWrites, scored: Scored) -> None:
    """What was acknowledged before, during and after the rollback is there, once and unchanged.  If red: docs/runbook.md#data-loss."""
    writes = scored(surviving_writes)

    assert writes.kept, writes


@pytest.mark.writes
@pytest.mark.criterion("RPO-2")
def test_no_older_configuration_is_lost(settings_loss: SettingsLoss, scored: Scored) -> None:
    """Flags and settings of before are as they were; only the newest may be lost.  If red: docs/runbook.md#configuration-lost."""
    configuration = scored(settings_loss)

    assert configuration.within, configuration
