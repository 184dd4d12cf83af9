"""What every rollback is held against, whatever it does: a story in ``drills/`` imports these tests, and adds those of its own way.

The incident that it answers, the people who hear of it, the time until users are well again and stay so, the writes and settings that are
still there. ``test_users_recover_in_time`` serves the objective of the story's own strategy (``situations.py``).
"""

import pytest

from pam_rollback.core.complete_recovery import CompleteRecovery
from pam_rollback.core.figures import Scored
from pam_rollback.core.incident import Incident
from pam_rollback.core.plan import Plan
from pam_rollback.core.settings_loss import SettingsLoss
from pam_rollback.plugin.fixtures.objectives import SurvivingWrites
from pam_rollback.plugin.fixtures.windows import Recovered

__all__ = [  # noqa: RUF022 - in the order in which they are told
    "test_incident_is_seen",
    "test_team_was_notified",
    "test_users_recover_in_time",
    "test_recovery_is_complete_in_time",
    "test_no_acknowledged_write_is_lost",
    "test_no_older_configuration_is_lost",
]


@pytest.mark.drill
@pytest.mark.criterion("IR-5")
def test_incident_is_seen(incident: Incident, plan: Plan, scored: Scored) -> None:
    """The planted incident breaks the plan's own limit: there is something to recover from.  If red: docs/runbook.md#error-rate-spike."""
    seen = scored(incident.seen)

    assert seen.value_pct > plan.immediate_criteria["IR-5"].error_rate_pct_max, seen


@pytest.mark.criterion("PRE-3")
@pytest.mark.communication
def test_team_was_notified(team_notice: str) -> None:
    """The incident channel accepted the message.  If red: docs/runbook.md#notify-team."""
    assert team_notice == "", team_notice


def test_users_recover_in_time(users_recovered: Recovered, scored: Scored) -> None:
    """From the decision, users are well again, and it is done, within the objective.  If red: docs/runbook.md#recovery-too-slow."""
    recovered = scored(users_recovered)

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
