"""Could we roll back right now?  Reads only: asks so that nothing is changed, and signs in as the test account.

Each test is a strategy, or what several stand on; it is red when one of its questions is answered no.
"""

from collections.abc import Mapping

import pytest

from pam_rollback.base.figures import Scored
from pam_rollback.health.service import Health
from pam_rollback.preflight.ways import Readiness
from pam_rollback.product.health import HealthReport
from pam_rollback.session.needs import needs

pytestmark = [pytest.mark.preflight, pytest.mark.redeploy_gate]

Readinesses = Mapping[str, Readiness]


@needs("flag_admin")
def test_flags_can_be_switched_off(readiness: Readinesses, scored: Scored) -> None:
    """The flag API knows our token and the plan's flags, and nobody else's calls.  If red: docs/runbook.md#not-ready."""
    flags = scored(readiness["feature-flag"])

    assert flags.ready, flags


@needs("flag_admin", "flag_evaluation", lacking=lambda _, environment: environment.no_shares)
def test_flags_can_be_taken_back_step_by_step(readiness: Readinesses, scored: Scored) -> None:
    """The flag API is ready for a share of the users, and what a user gets can be asked.  If red: docs/runbook.md#not-ready."""
    gradual = scored(readiness["gradual"])

    assert gradual.ready, gradual


@needs("frontend_host")
def test_the_front_end_can_be_restored(readiness: Readinesses, scored: Scored) -> None:
    """There is an earlier deploy to restore, and nothing is left locked.  If red: docs/runbook.md#not-ready."""
    frontend = scored(readiness["frontend"])

    assert frontend.ready, frontend


@needs("backend_host", "database")
def test_the_back_end_can_be_run_again(readiness: Readinesses, scored: Scored) -> None:
    """There is an earlier deploy to run, and nothing is left switched off.  If red: docs/runbook.md#not-ready."""
    backend = scored(readiness["backend"])

    assert backend.ready, backend


@needs("flag_admin", "frontend_host", "backend_host", "cache_admin", "database")
def test_everything_can_be_taken_back(readiness: Readinesses, scored: Scored) -> None:
    """Flags, front end, back end and caches are each taken back.  If red: docs/runbook.md#not-ready."""
    system = scored(readiness["full-system"])

    assert system.ready, system


@needs("emergency_endpoint")
def test_the_emergency_call_is_there(readiness: Readinesses, scored: Scored) -> None:
    """The emergency call knows our token, and refuses others.  If red: docs/runbook.md#not-ready."""
    emergency = scored(readiness["emergency"])

    assert emergency.ready, emergency


@needs("git")
def test_history_can_be_written(readiness: Readinesses, scored: Scored) -> None:
    """The branch can be read, and a push would be taken as far as one can know.  If red: docs/runbook.md#not-ready."""
    git = scored(readiness["by-git"])

    assert git.ready, git


@needs("git")
def test_a_commit_can_be_built(readiness: Readinesses, scored: Scored) -> None:
    """Node.js and npm are here, and the registry of the packages answers.  If red: docs/runbook.md#not-ready."""
    builds = scored(readiness["builds"])

    assert builds.ready, builds


def test_names_are_resolved(readiness: Readinesses, scored: Scored) -> None:
    """This machine finds everybody whom a rollback has to reach.  If red: docs/runbook.md#not-ready."""
    names = scored(readiness["names"])

    assert names.ready, names


@needs("database", "test_account")
def test_a_rollback_can_be_verified(readiness: Readinesses, scored: Scored) -> None:
    """Database, test account and clocks are fit to judge by.  If red: docs/runbook.md#not-ready."""
    verification = scored(readiness["verification"])

    assert verification.ready, verification


@needs("slack")
def test_the_team_can_be_told(readiness: Readinesses, scored: Scored) -> None:
    """The incident channel's webhook is alive; nothing is posted.  If red: docs/runbook.md#not-ready."""
    message = scored(readiness["message"])

    assert message.ready, message


@pytest.mark.advisory
@pytest.mark.criterion("QR-2")
def test_comprehensive_health_is_at_its_address(health: Health, scored: Scored) -> None:
    """A health report comes from there, whatever it says.  If red: docs/runbook.md#comprehensive-unhealthy."""
    report: HealthReport = scored(health.of("HC-5"))

    assert isinstance(report.answer.json, dict), report
