"""Every check runs in a situation: as it is, or after a story's rollback."""

from datetime import UTC

import pytest

from pam_rollback.base.clock import Clock
from pam_rollback.environment.environment import Environment
from pam_rollback.plan.plan import Plan
from pam_rollback.readiness.answers import ANSWERS, Sources
from pam_rollback.readiness.rules import Finding
from pam_rollback.report.earlier_runs import DrillAges


@pytest.fixture(scope="session", autouse=True)
def state_of_the_world(in_situation: object) -> None:
    """Entered once, before the first check; left after the last one."""


@pytest.fixture
def answer(
    item: str, environment: Environment, plan: Plan, clock: Clock, pytestconfig: pytest.Config
) -> Finding | DrillAges:
    """The answer to the plan item's question, from records and calendars."""
    return ANSWERS[item](Sources(environment, plan, clock.wall().astimezone(UTC), pytestconfig.rootpath))
