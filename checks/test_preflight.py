"""Could we roll back right now?  Reads only: asks so that nothing is changed, and signs in as the test account.

Each test is a strategy, or what several stand on; it is red when one of its questions is answered no.
"""

import pytest

from pam_rollback.base.figures import Scored
from pam_rollback.health.service import Health
from pam_rollback.preflight.rules.readiness import Readiness
from pam_rollback.product.rules.health import HealthReport

pytestmark = [pytest.mark.preflight, pytest.mark.redeploy_gate]


def test_flags_can_be_switched_off(flags_readiness: Readiness, scored: Scored) -> None:
    """The flag API knows our token and the plan's flags, and nobody else's calls.  If red: docs/runbook.md#not-ready."""
    flags = scored(flags_readiness)

    assert flags.ready, flags


def test_flags_can_be_taken_back_step_by_step(gradual_readiness: Readiness, scored: Scored) -> None:
    """The flag API is ready for a share of the users, and what a user gets can be asked.  If red: docs/runbook.md#not-ready."""
    gradual = scored(gradual_readiness)

    assert gradual.ready, gradual


def test_the_front_end_can_be_restored(frontend_readiness: Readiness, scored: Scored) -> None:
    """There is an earlier deploy to restore, and nothing is left locked.  If red: docs/runbook.md#not-ready."""
    frontend = scored(frontend_readiness)

    assert frontend.ready, frontend


def test_the_back_end_can_be_run_again(backend_readiness: Readiness, scored: Scored) -> None:
    """There is an earlier deploy to run, and nothing is left switched off.  If red: docs/runbook.md#not-ready."""
    backend = scored(backend_readiness)

    assert backend.ready, backend


def test_everything_can_be_taken_back(system_readiness: Readiness, scored: Scored) -> None:
    """Flags, front end, back end and caches are each taken back.  If red: docs/runbook.md#not-ready."""
    system = scored(system_readiness)

    assert system.ready, system


def test_the_emergency_call_is_there(emergency_readiness: Readiness, scored: Scored) -> None:
    """The emergency call knows our token, and refuses others.  If red: docs/runbook.md#not-ready."""
    emergency = scored(emergency_readiness)

    assert emergency.ready, emergency


def test_history_can_be_written(git_readiness: Readiness, scored: Scored) -> None:
    """The branch can be read, and a push would be taken as far as one can know.  If red: docs/runbook.md#not-ready."""
    git = scored(git_readiness)

    assert git.ready, git


def test_a_commit_can_be_built(builds_readiness: Readiness, scored: Scored) -> None:
    """Node.js and npm are here, and the registry of the packages answers.  If red: docs/runbook.md#not-ready."""
    builds = scored(builds_readiness)

    assert builds.ready, builds


def test_names_are_resolved(names_readiness: Readiness, scored: Scored) -> None:
    """This machine finds everybody whom a rollback has to reach.  If red: docs/runbook.md#not-ready."""
    names = scored(names_readiness)

    assert names.ready, names


def test_a_rollback_can_be_verified(verification_readiness: Readiness, scored: Scored) -> None:
    """Database, test account and clocks are fit to judge by.  If red: docs/runbook.md#not-ready."""
    verification = scored(verification_readiness)

    assert verification.ready, verification


def test_the_team_can_be_told(message_readiness: Readiness, scored: Scored) -> None:
    """The incident channel's webhook is alive; nothing is posted.  If red: docs/runbook.md#not-ready."""
    message = scored(message_readiness)

    assert message.ready, message


@pytest.mark.advisory
@pytest.mark.criterion("QR-2")
def test_comprehensive_health_is_at_its_address(health: Health, scored: Scored) -> None:
    """A health report comes from there, whatever it says.  If red: docs/runbook.md#comprehensive-unhealthy."""
    report: HealthReport = scored(health.of("HC-5"))

    assert isinstance(report.answer.json, dict), report
