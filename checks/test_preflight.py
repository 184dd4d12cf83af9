"""Could we roll back right now?  Reads only: asks so that nothing is changed, and signs in as the test account.

A case is a strategy, what several stand on, or what no rollback brings back; it is red when one of its questions is answered no.
"""

from collections.abc import Mapping

import pytest

from pam_rollback.core.figures import Scored
from pam_rollback.decision.ways import Readiness
from pam_rollback.plugin.needs import Needs, needs
from pam_rollback.probe.health import Health
from pam_rollback.target.health import HealthReport

pytestmark = [pytest.mark.preflight]

ASKED_BY_THE_GATE = {
    # The flag API knows our token and the plan's flags, and refuses everybody else.
    "feature-flag": Needs(("flag_admin",)),
    # It takes a share of the users, and what a user gets can be asked.
    "gradual": Needs(("flag_admin", "flag_evaluation"), lacking=lambda _, environment: environment.no_shares),
    # There is an earlier deploy to restore, and nothing is left locked.
    "frontend": Needs(("frontend_host",)),
    # There is an earlier deploy to run, and nothing is left switched off.
    "backend": Needs(("backend_host", "database")),
    # Flags, front end, back end and caches can each be taken back.
    "full-system": Needs(("flag_admin", "frontend_host", "backend_host", "cache_admin", "database")),
    # The emergency call knows our token, and refuses others.
    "emergency": Needs(("emergency_endpoint",)),
    # The branch can be read, and a push would be taken as far as one can know.
    "by-git": Needs(("git",)),
    # Node.js and npm are here, and the registry of the packages answers.
    "builds": Needs(("git",)),
    # This machine resolves the name of each host that a rollback has to reach.
    "names": Needs(),
    # Database, test account and clocks are fit to judge by.
    "verification": Needs(("database", "test_account")),
    # The incident channel's webhook is alive; nothing is posted.
    "message": Needs(("slack",)),
}
OTHERS = {
    # At least one way of rolling back is ready.
    "way back": Needs(),
    # There is a copy of the database, and its age is known.
    "backup": Needs(),
}


@needs(of_case=lambda case, _: {**ASKED_BY_THE_GATE, **OTHERS}[str(case["part"])])
@pytest.mark.parametrize(
    "part", [*(pytest.param(part, marks=pytest.mark.redeploy_gate) for part in ASKED_BY_THE_GATE), *OTHERS]
)
def test_every_question_is_answered_yes(part: str, readiness: Mapping[str, Readiness], scored: Scored) -> None:
    """No question about a strategy, or about what it stands on, is answered no or left open.  If red: docs/runbook.md#not-ready."""
    asked = scored(readiness[part])

    assert asked.answered_yes == asked.questions, asked


@pytest.mark.redeploy_gate
@pytest.mark.advisory
@pytest.mark.criterion("QR-2")
def test_comprehensive_health_is_at_its_address(health: Health, scored: Scored) -> None:
    """A health report comes from there, whatever it says.  If red: docs/runbook.md#comprehensive-unhealthy."""
    report: HealthReport = scored(health.of("HC-5"))

    assert isinstance(report.answer.json, dict), report
