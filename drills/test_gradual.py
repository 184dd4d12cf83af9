"""Does taking the new features back from more and more users help, without anybody getting them meanwhile?"""

import pytest

from pam_rollback.actions.feature_flag import Evaluation
from pam_rollback.actions.gradual import GradualRollback
from pam_rollback.core.complete_recovery import CompleteRecovery
from pam_rollback.core.figures import Scored
from pam_rollback.core.incident import Incident
from pam_rollback.core.plan import Plan
from pam_rollback.core.recovery import Recovery
from pam_rollback.core.rollout import Descent
from pam_rollback.core.settings_loss import SettingsLoss
from pam_rollback.plugin.fixtures.objectives import SurvivingWrites
from pam_rollback.plugin.journeys.traveller import Traveller

pytestmark = pytest.mark.rollback


@pytest.mark.drill
@pytest.mark.criterion("IR-5")
def test_incident_is_seen(incident: Incident, plan: Plan, scored: Scored) -> None:
    """The planted incident breaks the plan's own limit: there is something to recover from.  If red: docs/runbook.md#error-rate-spike."""
    seen = scored(incident.seen)

    assert seen.value_pct > plan.immediate_criteria["IR-5"].error_rate_pct_max, seen


@pytest.mark.criterion("ST-2")
def test_users_only_leave(descent: Descent, scored: Scored) -> None:
    """At each share as many users have each feature as were asked for, and nobody came in.  If red: docs/runbook.md#gradual-rollback."""
    down = scored(descent)

    assert down.as_asked, down


@pytest.mark.criterion("ST-2")
def test_flags_are_off_in_the_end(features_taken_back: GradualRollback, scored: Scored) -> None:
    """Read back, every feature of the plan is off.  If red: docs/runbook.md#gradual-rollback."""
    read_back = scored(features_taken_back.outcome)

    assert read_back.all_off, read_back


@pytest.mark.criterion("ST-2")
def test_nobody_keeps_a_feature(users_in_the_end: Evaluation, scored: Scored) -> None:
    """Whoever is asked has none of the features any more, not just one lucky user.  If red: docs/runbook.md#gradual-rollback."""
    users = scored(users_in_the_end)

    assert users.everyone_off, users


@pytest.mark.criterion("PRE-3")
@pytest.mark.communication
def test_team_was_notified(team_notice: str) -> None:
    """The incident channel accepted the message.  If red: docs/runbook.md#notify-team."""
    assert team_notice == "", team_notice


@pytest.mark.criterion("RTO-2")
def test_users_recover_in_time(
    features_taken_back: GradualRollback, recovery: Recovery, plan: Plan, scored: Scored
) -> None:
    """From the decision, users are well again within the objective.  If red: docs/runbook.md#recovery-too-slow."""
    recovered = scored(recovery.within(plan.rto("gradual").max_s))

    assert recovered.in_time, recovered


@pytest.mark.journey
@pytest.mark.criterion("SC-5")
def test_page_shows_the_old_chat(features_taken_back: GradualRollback, traveller: Traveller) -> None:
    """A signed-in traveller sees the chat as it was, in a real browser.  If red: docs/runbook.md#user-experience."""
    chat = traveller.opens_chat()

    assert chat.heading == "Chat with PAM", chat
    assert not chat.enhanced, chat


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
